"""Runner: the synchronous face, with real processes where they are the subject."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import runner
from runner.api import Objective, Runner
from runner.backends.base import Backend
from runner.diagnosis.report import Verdict
from runner.errors import (
    DataDirectoryInUse,
    DataDirectoryUnusable,
    InvalidRequest,
    JobEnded,
    NameInUse,
    NoSuchJob,
    NoSupervisor,
    RunnerClosed,
    WaitTimeout,
)
from runner.testing.fake import FakeBackend
from runner.testing.programs import Output, Program, Reaction

PROGRAMS = {
    "good": Program(output=[Output(0.01, "epoch 1"), Output(0.02, "score=0.5")], on_term=Reaction(0.01, 3)),
    "deaf": Program(output=[Output(0.01, "epoch 1")], on_term=None),
    "quick": Program(lasts=0.05, output=[Output(0.01, "score=0.5")]),
}


def fake(data_dir: Path, policy: str) -> Backend:
    return FakeBackend(PROGRAMS)


@pytest.fixture
def embedded() -> Iterator[Runner]:
    with Runner(backend=fake) as opened:
        yield opened


def test_the_example_of_the_documentation(embedded: Runner) -> None:
    job = embedded.train(["good"], grace=5)
    assert job.wait_for_log("epoch 1").text == "epoch 1"
    report = job.stop()
    assert report.verdict is Verdict.GRACEFUL
    assert (job.status, job.summary()["exit_code"]) == ("Stopped", 3)
    assert [line.text for line in job.logs()] == ["epoch 1", "score=0.5"]


def test_a_private_directory_is_short_ours_alone_and_gone_at_the_end() -> None:
    opened = Runner(backend=fake)
    try:
        assert opened.data_dir.stat().st_mode & 0o777 == 0o700
        assert opened.data_dir.parent == Path(os.environ["TMPDIR"])
        opened.train(["deaf"]).wait_for_log("epoch")
    finally:
        opened.close()
    assert not opened.data_dir.exists()
    opened.close()


def test_a_private_directory_with_something_unsent_is_kept_and_named(caplog: pytest.LogCaptureFixture) -> None:
    with Runner(backend=fake) as opened, caplog.at_level(logging.WARNING, "runner"):
        (opened.data_dir / "objects").write_text("no folder, so that nothing can be put there")
        job = opened.train(["quick"])
        assert job.wait() == "Completed"
        opened.close()
    assert str(opened.data_dir) in caplog.text
    assert any((opened.data_dir / "unsent").iterdir())
    subprocess.run(["rm", "-r", str(opened.data_dir)], check=True)


def test_a_named_directory_keeps_everything_and_stops_its_jobs_at_the_end(tmp_path: Path) -> None:
    with Runner(tmp_path, backend=fake) as opened:
        opened.train(["good"], name="job").wait_for_log("epoch")
    with Runner.read(tmp_path) as reader:
        job = reader.job("job")
        assert (job.status, job.summary()["exit_code"]) == ("Stopped", 3)
        assert job.report().verdict is Verdict.GRACEFUL
        assert [summary["name"] for summary in reader.list()] == ["job"]
        with pytest.raises(NoSupervisor):
            reader.train(["good"])


def test_reading_what_is_no_data_directory(tmp_path: Path) -> None:
    with pytest.raises(NoSupervisor):
        Runner.read(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_a_data_directory_in_use_is_refused_with_the_pid_and_lives_on(tmp_path: Path) -> None:
    with Runner(tmp_path, backend=fake) as opened:
        with pytest.raises(DataDirectoryInUse, match=str(os.getpid())):
            Runner(tmp_path, backend=fake)
        assert opened.train(["quick"]).wait() == "Completed"


def test_a_data_directory_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataDirectoryUnusable):
        Runner(tmp_path / "file", backend=fake)


def test_a_connected_runner_does_the_same_and_leaves_the_jobs_running(tmp_path: Path) -> None:
    data_dir = tmp_path / ("d" * 200)
    with Runner(data_dir, backend=fake) as opened:
        with Runner.connect(data_dir) as connected:
            job = connected.train(["good"], name="job")
            job.wait_for_log("epoch 1")
        assert opened.job("job").status == "InProgress"
        with Runner.connect(data_dir) as connected:
            assert connected.stop("job").verdict is Verdict.GRACEFUL
        assert opened.job("job").status == "Stopped"
    with pytest.raises(NoSupervisor):
        Runner.connect(data_dir)


def test_a_stop_of_a_job_that_has_ended_returns_its_report(embedded: Runner) -> None:
    job = embedded.train(["quick"])
    job.wait()
    report = job.stop()
    assert report.verdict is Verdict.UNDECIDED
    assert report.findings[0].code == "ended-before-stop"
    assert job.stop(wait=False) is None


def test_stop_now_does_not_wait(embedded: Runner) -> None:
    job = embedded.train(["deaf"])
    job.wait_for_log("epoch")
    assert job.stop(now=True).cut_short
    assert job.status == "Stopped"


def test_what_does_not_come_in_time(embedded: Runner) -> None:
    job = embedded.train(["good"])
    with pytest.raises(WaitTimeout):
        job.wait(timeout=0.05)
    with pytest.raises(WaitTimeout):
        job.wait_for_log("epoch 2", timeout=0.05)


def test_a_job_that_ends_before_its_line(embedded: Runner) -> None:
    with pytest.raises(JobEnded, match=r"score=0\.5"):
        embedded.train(["quick"]).wait_for_log("epoch 9")


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"grace": -1}, "grace"),
        ({"grace": float("nan")}, "grace"),
        ({"grace": 86_401}, "grace"),
        ({"isolation": "chroot"}, "isolation"),
        ({"name": "-x"}, "TrainingJobName"),
        ({"command": []}, "command"),
        ({"command": "python train.py"}, "command"),
        ({"max_runtime": 0}, "StoppingCondition.MaxRuntimeInSeconds"),
        ({"cwd": "/nonexistent"}, "cwd"),
        ({"inputs": {"train": "/nonexistent"}}, "inputs.train"),
    ],
)
def test_bad_input_names_the_field_and_starts_nothing(
    embedded: Runner, arguments: dict[str, object], field: str
) -> None:
    wishes: dict[str, object] = {"command": ["good"]} | arguments
    with pytest.raises(InvalidRequest) as refused:
        embedded.train(**wishes)  # type: ignore[arg-type] # what is wrong is the subject
    assert refused.value.field == field
    assert embedded.list() == []


def test_names_in_use_and_unknown_ones(embedded: Runner) -> None:
    embedded.train(["good"], name="job")
    with pytest.raises(NameInUse):
        embedded.train(["good"], name="job")
    with pytest.raises(NoSuchJob):
        embedded.describe("nothing")
    with pytest.raises(InvalidRequest) as refused:
        embedded.submit("baking", {})
    assert refused.value.field == "kind"


def test_inputs_of_this_machine_are_brought_to_the_job(embedded: Runner, tmp_path: Path) -> None:
    (tmp_path / "data" / "more").mkdir(parents=True)
    (tmp_path / "data" / "a.csv").write_text("1")
    (tmp_path / "data" / "more" / "b.csv").write_text("2")
    (tmp_path / "c.csv").write_text("3")
    job = embedded.train(["good"], name="job", inputs={"folder": tmp_path / "data", "file": tmp_path / "c.csv"})
    job.wait_for_log("epoch")
    data = embedded.data_dir / "jobs/training/job/ml/input/data"
    found = {str(path.relative_to(data)): path.read_text() for path in data.rglob("*") if path.is_file()}
    assert found == {"folder/a.csv": "1", "folder/more/b.csv": "2", "file/c.csv": "3"}


def test_a_search(embedded: Runner) -> None:
    job = embedded.tune(
        ["quick"],
        ranges={"rate": (0.001, 0.1), "depth": (1, 9), "loss": ["log", "hinge"]},
        objective=Objective("score", r"score=([0-9.]+)"),
        max_jobs=3,
        max_parallel=2,
        grace=4,
    )
    assert job.wait(timeout=20) == "Completed"
    trainings = job.trainings()
    assert [training.status for training in trainings] == ["Completed"] * 3
    assert {training.summary()["grace"] for training in trainings} == {4.0}
    hyperparameters = trainings[0].describe()["HyperParameters"]
    assert 0.001 <= float(hyperparameters["rate"]) <= 0.1
    assert hyperparameters["depth"].isdigit()
    assert job.describe()["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == 0.5


def test_threads_share_a_runner(embedded: Runner) -> None:
    names: list[str] = []

    def work() -> None:
        job = embedded.train(["good"])
        job.wait_for_log("epoch")
        job.stop()
        names.append(job.name)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(names) == sorted(summary["name"] for summary in embedded.list())
    assert {summary["status"] for summary in embedded.list()} == {"Stopped"}


def test_beside_a_running_event_loop_as_in_a_notebook() -> None:
    async def cell() -> str:
        with Runner(backend=fake) as opened:
            return opened.train(["quick"]).wait()

    assert asyncio.run(cell()) == "Completed"


def test_the_host_keeps_its_signal_handlers_and_children() -> None:
    handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    with Runner() as opened:
        opened.train([sys.executable, "-c", ""]).wait()
        assert {number: signal.getsignal(number) for number in signal.valid_signals()} == handlers
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == mask
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_after_its_end_a_runner_says_so() -> None:
    opened = Runner(backend=fake)
    job = opened.train(["good"])
    opened.close()
    with pytest.raises(RunnerClosed, match="closed"):
        job.wait()


@pytest.mark.process
def test_in_a_forked_child_a_runner_is_refused_and_its_end_harms_nobody(embedded: Runner) -> None:
    job = embedded.train(["good"])
    job.wait_for_log("epoch")
    child = os.fork()
    if child == 0:
        try:
            embedded.close()
            job.wait()
        except RunnerClosed as error:
            os._exit(42 if "forked" in str(error) else 1)
        os._exit(2)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 42
    assert job.stop().verdict is Verdict.GRACEFUL


def test_importing_the_package_loads_nothing() -> None:
    program = "import sys; before = set(sys.modules); import runner; print(*sorted(set(sys.modules) - before))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert loaded.stdout.split() == ["runner"]


def test_the_public_names_are_there() -> None:
    for name in runner.__all__:
        assert getattr(runner, name).__name__ == name
    assert set(runner.__all__) <= set(dir(runner))
    with pytest.raises(AttributeError, match="nothing"):
        _ = runner.nothing


_GRACEFUL = """
import select, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
print("ready")
while True:
    select.select([], [], [], 0.05)
"""


@pytest.mark.process
@pytest.mark.parametrize("isolation", ["pid1", "plain"])
def test_a_real_program_is_stopped(nothing_left: Path, isolation: str) -> None:
    with Runner(nothing_left / "data") as opened:
        job = opened.train([sys.executable, "-c", _GRACEFUL], grace=20, isolation=isolation)
        job.wait_for_log("ready")
        report = job.stop()
        assert (report.verdict, report.isolation, report.exit.code) == (Verdict.GRACEFUL, isolation, 3)
        assert job.status == "Stopped"


@pytest.mark.process
def test_cases_43_44_a_server_that_was_killed_is_followed_by_another(nothing_left: Path) -> None:
    data_dir = nothing_left / ("d" * 200)
    program = (
        "import sys; from runner.api import serve;serve(sys.argv[1], ready=lambda: print('listening', flush=True))"
    )

    @contextmanager
    def serve() -> Iterator[subprocess.Popen[str]]:
        with subprocess.Popen([sys.executable, "-c", program, str(data_dir)], stdout=subprocess.PIPE, text=True) as one:
            try:
                assert one.stdout is not None
                assert one.stdout.readline() == "listening\n"
                yield one
            finally:
                one.kill()

    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready'); signal.pause()"
    with serve() as first:
        with Runner.connect(data_dir) as connected:
            good = connected.train([sys.executable, "-c", _GRACEFUL], name="good")
            bad = connected.train([sys.executable, "-c", deaf], name="bad", grace=2)
            for job in (good, bad):
                job.wait_for_log("ready")
            bad.stop(wait=False)
        first.kill()
    with serve() as second:
        with Runner.connect(data_dir) as connected:
            assert connected.job("good").status == "InProgress"
            assert connected.wait("bad", timeout=20) == "Stopped"
            facts = {fact["fact"]: fact for fact in connected.job("bad").facts()}
            late = facts["kill"]["t"] - facts["signal"]["deadline"]
            assert 0 <= late < 0.5e9
        second.send_signal(signal.SIGTERM)
        assert second.wait(timeout=20) == 0
    with Runner.read(data_dir) as reader:
        assert (reader.job("good").status, reader.job("good").summary()["exit_code"]) == ("Stopped", 3)
