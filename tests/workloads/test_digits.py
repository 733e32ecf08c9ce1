"""The digits training as a user and a supervisor see it: real processes, their files, their exit."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.workloads.trainings import METRIC, MODULE, PATIENCE, REPOSITORY, Home, Launcher, Training, metric_lines
from workloads.training import checkpoints, softmax

GZIP_THAT_IS_STOPPED_DURING_ITS_IMPORT = """
import os, signal, zlib
os.kill(os.getpid(), signal.SIGTERM)
def decompress(content): return zlib.decompress(content, wbits=31)
"""


@pytest.fixture
def trainings(tmp_path: Path) -> Iterator[Launcher]:
    """Launches trainings; those that are still there at the end are killed."""
    launcher = Launcher(tmp_path)
    yield launcher
    for training in launcher.trainings:
        training.process.kill()
        training.process.wait(PATIENCE)


@pytest.fixture(scope="module")
def images() -> softmax.Images:
    return softmax.load_images()


# ---- learning


@pytest.mark.process
def test_learns_to_recognise_nine_of_ten_and_saves_what_it_measured(
    trainings: Launcher, images: softmax.Images
) -> None:
    home = trainings.home()
    training = trainings.launch(home, "--epochs", "6")
    assert training.end() == 0
    lines = [METRIC.match(line) for line in training.text().splitlines()[:-1]]
    assert [line and int(line[1]) for line in lines] == [1, 2, 3, 4, 5, 6]
    losses = [float(line[2]) for line in lines if line]
    assert losses == sorted(losses, reverse=True)
    reached = float(re.findall(r"accuracy=([0-9.]+)", training.text())[-1])
    assert reached > 0.9
    assert softmax.accuracy(home.weights(), images.held_out) == pytest.approx(reached, abs=1e-4)
    assert training.text().endswith("finished: saved after epoch 6\n")
    assert home.saved_files() == ["checkpoints/checkpoint.json", "model/model.json"]


@pytest.mark.process
def test_the_first_metric_line_costs_less_than_half_a_second(trainings: Launcher) -> None:
    """In CPU time, all of the run included: the wall clock would measure the neighbours too."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    training = trainings.launch(trainings.home(), "--epochs", "1")
    assert training.end() == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert len(metric_lines(training)) == 1
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.5


@pytest.mark.process
def test_metric_lines_come_while_it_runs_although_the_output_is_a_file(trainings: Launcher) -> None:
    training = trainings.launch(trainings.home())
    training.wait_for("epoch 2 .*\n")
    assert training.process.poll() is None


@pytest.mark.process
def test_runs_by_its_path_from_any_folder(trainings: Launcher, tmp_path: Path) -> None:
    program = (sys.executable, "-I", str(REPOSITORY / "workloads" / "training" / "digits.py"))
    training = trainings.launch(trainings.home(), "--epochs", "1", program=program, folder=tmp_path)
    assert training.end() == 0
    assert len(metric_lines(training)) == 1


@pytest.mark.process
def test_the_seed_decides_the_order(trainings: Launcher) -> None:
    runs = [trainings.launch(trainings.home(f"{n}"), "--epochs", "1", "--seed", seed) for n, seed in enumerate("778")]
    assert [run.end() for run in runs] == [0, 0, 0]
    lines = [run.text() for run in runs]
    assert lines[0] == lines[1] != lines[2]


# ---- stopping


def assert_stopped_and_saved(training: Training, home: Home) -> None:
    assert training.end() == 0, training.text()
    saved = checkpoints.load_checkpoint(home.checkpoint)
    assert saved is not None
    assert training.text().splitlines()[-1] == f"SIGTERM: saved at epoch {saved.epoch}"
    assert home.weights() == saved.weights
    assert home.saved_files() == ["checkpoints/checkpoint.json", "model/model.json"]


@pytest.mark.process
@pytest.mark.parametrize(
    "options", [(), ("--epoch-seconds", "3600"), ("--batch-size", "256")], ids=["busy", "waiting", "large-batch"]
)
@pytest.mark.parametrize("signals", [1, 2])
def test_sigterm_saves_and_exits_0(trainings: Launcher, options: tuple[str, ...], signals: int) -> None:
    home = trainings.home()
    training = trainings.launch(home, *options)
    training.wait_for("epoch 1 .*\n")
    for _ in range(signals):
        training.process.send_signal(signal.SIGTERM)
    assert_stopped_and_saved(training, home)


@pytest.mark.process
def test_sigterm_during_the_imports_saves_too(trainings: Launcher, tmp_path: Path) -> None:
    home = trainings.home()
    (tmp_path / "gzip.py").write_text(GZIP_THAT_IS_STOPPED_DURING_ITS_IMPORT)
    assert_stopped_and_saved(trainings.launch(home, environment={"PYTHONPATH": str(tmp_path)}), home)


@pytest.mark.process
def test_without_the_handler_sigterm_ends_it_and_the_work_is_lost(trainings: Launcher) -> None:
    home = trainings.home()
    training = trainings.launch(home, "--no-handler", "--checkpoint-seconds", "3600")
    training.wait_for("epoch 1 .*\n")
    training.process.send_signal(signal.SIGTERM)
    assert training.end() == -signal.SIGTERM
    assert "saved" not in training.text()
    assert home.saved_files() == []


@pytest.fixture
def as_pid1() -> Sequence[str]:
    """The beginning of a command whose program becomes PID 1 of a new PID namespace."""
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("util-linux's unshare is not installed")
    user = () if os.geteuid() == 0 else ("--user", "--map-root-user")
    command = (unshare, *user, "--pid", "--fork", "--kill-child")
    tried = subprocess.run([*command, "true"], capture_output=True, text=True, timeout=PATIENCE)
    if tried.returncode != 0:
        pytest.skip(f"no PID namespace can be made here: {tried.stderr.strip()}")
    return command


def only_child(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text())


@pytest.mark.process
def test_as_pid1_sigterm_saves_and_exits_0(trainings: Launcher, as_pid1: Sequence[str]) -> None:
    home = trainings.home()
    training = trainings.launch(home, program=(*as_pid1, *MODULE))
    training.wait_for("epoch 1 .*\n")
    os.kill(only_child(training.process.pid), signal.SIGTERM)
    assert_stopped_and_saved(training, home)


@pytest.mark.process
def test_as_pid1_without_the_handler_it_never_learns_of_sigterm(trainings: Launcher, as_pid1: Sequence[str]) -> None:
    training = trainings.launch(trainings.home(), "--no-handler", program=(*as_pid1, *MODULE))
    training.wait_for("epoch 1 .*\n")
    os.kill(only_child(training.process.pid), signal.SIGTERM)
    seen = len(metric_lines(training))
    training.wait_for(f"epoch {seen + 2} .*\n")


# ---- resuming


@pytest.mark.process
@pytest.mark.parametrize("way", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_interrupted_and_resumed_gives_the_weights_of_an_uninterrupted_run(
    trainings: Launcher, way: signal.Signals
) -> None:
    whole, parts = trainings.home("whole"), trainings.home("parts")
    options = ("--seed", "3", "--checkpoint-seconds", "0")
    first = trainings.launch(parts, *options)
    first.wait_for("epoch 3 .*\n")
    first.process.send_signal(way)
    assert first.end() == (0 if way == signal.SIGTERM else -signal.SIGKILL)
    saved = checkpoints.load_checkpoint(parts.checkpoint)
    assert saved is not None

    epochs = ("--epochs", str(saved.epoch + 2))
    second, uninterrupted = (trainings.launch(home, *options, *epochs) for home in (parts, whole))
    assert second.end() == uninterrupted.end() == 0
    assert second.text().splitlines()[0] == f"resumed at epoch {saved.epoch}"
    assert parts.weights() == whole.weights()
    assert parts.checkpoint.read_bytes() == whole.checkpoint.read_bytes()
    assert parts.saved_files() == whole.saved_files()
    # After SIGKILL the epoch that was under way is done and printed again, with the same result.
    assert list(dict.fromkeys(metric_lines(first, second))) == metric_lines(uninterrupted)


@pytest.mark.process
def test_a_finished_training_is_not_trained_again(trainings: Launcher) -> None:
    home = trainings.home()
    assert trainings.launch(home, "--epochs", "2").end() == 0
    weights = home.weights()
    (home.path / "model" / "model.json").unlink()
    again = trainings.launch(home, "--epochs", "2")
    assert again.end() == 0
    assert again.text() == "resumed at epoch 3\nfinished: saved after epoch 2\n"
    assert home.weights() == weights


@pytest.mark.process
def test_with_a_corrupt_checkpoint_training_begins_anew(trainings: Launcher) -> None:
    home = trainings.home()
    assert trainings.launch(home, "--epochs", "1").end() == 0
    os.truncate(home.checkpoint, 5000)
    training = trainings.launch(home, "--epochs", "1")
    assert training.end() == 0
    assert "is corrupt" in training.text()
    assert "resumed" not in training.text()
    assert len(metric_lines(training)) == 1
    assert (home.path / "checkpoints" / "checkpoint.json.corrupt").stat().st_size == 5000


# ---- hyperparameters


@pytest.mark.process
def test_hyperparameters_come_from_the_file_and_options_before_it(trainings: Launcher) -> None:
    home, other = trainings.home(), trainings.home("other")
    home.configure(
        json.dumps(
            {
                "epochs": "1",
                "learning_rate": '"0.01"',
                "_tuning_objective_metric": "accuracy",
                "sagemaker_program": "digits.py",
            }
        )
    )
    from_file = trainings.launch(home, "--epochs", "2")
    from_options = trainings.launch(other, "--epochs", "2", "--learning-rate", "0.01")
    assert from_file.end() == from_options.end() == 0
    assert from_file.text() == from_options.text()
    assert len(metric_lines(from_file)) == 2


@pytest.mark.process
@pytest.mark.parametrize(
    ("configuration", "options", "reason"),
    [
        ('{"learning-rate": "fast"}', (), "learning-rate: must be a number from 1e-09 to 100, not 'fast'"),
        ('{"epochs": 3}', (), "epochs: must be a string, as all hyperparameters of SageMaker, not 3"),
        ('{"momentum": "0.9"}', (), "momentum: unknown; there are epochs, learning-rate, "),
        ("[]", (), "hyperparameters.json: must be a JSON object"),
        ("{", (), "hyperparameters.json: must be JSON: "),
        ("{}", ("--seed", "x"), "seed: must be a whole number from 0 to 4294967295, not 'x'"),
        ("{}", ("--epoch", "3"), "unrecognized arguments: --epoch 3"),
        ("{}", ("--seed",), "argument --seed: expected one argument"),
    ],
    ids=["value", "no-string", "unknown", "no-object", "no-json", "option", "unknown-option", "no-value"],
)
def test_a_bad_hyperparameter_is_one_line_exit_2_and_the_failure_file(
    trainings: Launcher, configuration: str, options: tuple[str, ...], reason: str
) -> None:
    home = trainings.home()
    home.configure(configuration)
    training = trainings.launch(home, *options)
    assert training.end() == 2
    assert len(training.text().splitlines()) == 1
    assert reason in training.text()
    assert training.text() == f"digits: {home.failure}\n"
    assert home.saved_files() == []


@pytest.mark.process
def test_a_folder_that_cannot_be_made_is_one_line_exit_1_and_the_failure_file(trainings: Launcher) -> None:
    home = trainings.home()
    (home.path / "model").write_text("in the way")
    training = trainings.launch(home)
    assert training.end() == 1
    assert str(home.path / "model") in home.failure
    assert training.text() == f"digits: {home.failure}\n"
