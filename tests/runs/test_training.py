"""Training jobs from their request to what is left of them: statuses, reasons, uploads, the time limit."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from runner import Job, Runner
from runner.lifecycle.facts import FactName
from runner.lifecycle.stops import Isolation
from tests.probing import probe
from tests.runs.seeing import PATIENCE, Jobs, Trail, statuses
from tests.waiting import LATE, wait_until
from workloads.training import digits

REPOSITORY = Path(digits.__file__).parents[2]
DIGITS = [sys.executable, "-m", "workloads.training.digits"]
BEFORE = ["Starting", "Downloading", "Training"]


def shell(script: str) -> list[str]:
    return ["sh", "-c", f"ml=${{SAGEMAKER_BASE_DIR:-/opt/ml}}; {script}"]


def model(runner: Runner, job: Job) -> dict[str, str]:
    """What is in the job's `model.tar.gz`: file -> text."""
    uri: str = job.describe()["ModelArtifacts"]["S3ModelArtifacts"]
    return unpacked(runner.data_dir / "objects" / uri.removeprefix("s3://"))


def unpacked(archive: Path) -> dict[str, str]:
    found = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            file = tar.extractfile(member)
            if file is not None:
                found[os.path.normpath(member.name)] = file.read().decode()
    return found


def test_a_training_that_completes(runner: Runner, train: Jobs) -> None:
    job = train(shell('echo weights > "$ml/model/w"; echo more > "$ml/output/data/o"'), name="done", ready=None)
    assert job.wait(PATIENCE) == "Completed"
    described = job.describe()
    history = described["SecondaryStatusTransitions"]
    assert [entry["Status"] for entry in history] == [*BEFORE, "Uploading", "Completed"]
    assert [entry["StatusMessage"] for entry in history] == [
        "Starting the training job",
        "Downloading input data",
        "Training image download completed. Training in progress.",
        "Uploading generated training model",
        "Training job completed",
    ]
    assert [entry["EndTime"] for entry in history[:-1]] == [entry["StartTime"] for entry in history[1:]]
    assert described["SecondaryStatus"] == "Completed"
    assert "FailureReason" not in described
    assert described["ModelArtifacts"]["S3ModelArtifacts"] == "s3://runner-outputs/done/output/model.tar.gz"
    assert model(runner, job) == {"w": "weights\n"}
    assert unpacked(runner.data_dir / "objects/runner-outputs/done/output/output.tar.gz") == {"o": "more\n"}
    assert sorted(os.listdir(Trail(runner, job).folder)) == ["journal.jsonl", "log", "marks"]


def test_the_end_time_is_after_the_upload(runner: Runner, train: Jobs) -> None:
    job = train(shell('head -c 3000000 /dev/urandom > "$ml/model/w"'), ready=None)
    job.wait(PATIENCE)
    described = job.describe()
    uploading = described["SecondaryStatusTransitions"][-2]
    assert uploading["StartTime"] < described["TrainingEndTime"] == uploading["EndTime"]
    gone = Trail(runner, job).one(FactName.GONE)
    assert uploading["StartTime"] == pytest.approx(gone["w"] / 1e9, abs=1e-3)
    uploaded = runner.data_dir / "objects" / described["ModelArtifacts"]["S3ModelArtifacts"].removeprefix("s3://")
    assert described["TrainingEndTime"] >= uploaded.stat().st_mtime
    assert described["TrainingStartTime"] < described["TrainingEndTime"]


def test_a_stopped_training_keeps_its_model(runner: Runner, train: Jobs) -> None:
    script = "trap 'echo saved > \"$ml/model/w\"; exit 0' TERM; echo ready; while :; do sleep 0.02; done"
    job = train(shell(script), grace=5)
    assert job.stop().verdict.value == "graceful"
    assert statuses(job) == [*BEFORE, "Stopping", "Uploading", "Stopped"]
    assert "FailureReason" not in job.describe()
    assert model(runner, job) == {"w": "saved\n"}


def test_what_was_written_before_a_sigkill_is_kept(runner: Runner, train: Jobs) -> None:
    job = train(shell('trap "" TERM; echo begun > "$ml/model/w"; echo ready; while :; do sleep 0.02; done'), grace=0.2)
    report = job.stop()
    assert (report.exit.signal, report.escalated) == ("SIGKILL", True)
    assert model(runner, job) == {"w": "begun\n"}


@pytest.mark.parametrize("code", [1, 2, 127, 137])
def test_another_exit_code_than_0_has_failed(train: Jobs, code: int) -> None:
    job = train(probe("exit", code), ready=None)
    assert job.wait(PATIENCE) == "Failed"
    assert job.describe()["FailureReason"] == f"AlgorithmError: , exit code: {code}"
    assert statuses(job) == [*BEFORE, "Uploading", "Failed"]
    assert job.summary()["exit_code"] == code


def test_the_failure_file_is_the_reason(runner: Runner, train: Jobs) -> None:
    job = train(shell('printf "no data" > "$ml/output/failure"; echo half > "$ml/model/w"; exit 4'), ready=None)
    assert job.wait(PATIENCE) == "Failed"
    assert job.describe()["FailureReason"] == "AlgorithmError: no data, exit code: 4"
    assert model(runner, job) == {"w": "half\n"}


def test_a_long_failure_file_gives_way_to_the_exit_code(train: Jobs) -> None:
    job = train(shell('printf "%05000d" 7 > "$ml/output/failure"; exit 4'), ready=None)
    assert job.wait(PATIENCE) == "Failed"
    reason = job.describe()["FailureReason"]
    assert re.fullmatch("AlgorithmError: 0+, exit code: 4", reason)
    assert len(reason) == 1024  # FailureReason has no more


def test_death_by_a_signal_has_failed(train: Jobs) -> None:
    # Not kill(2): a signal that PID 1 sends to itself is dropped, one that the processor raises is not.
    job = train([sys.executable, "-c", "import ctypes; ctypes.string_at(0)"], ready=None)
    assert job.wait(PATIENCE) == "Failed"
    assert job.describe()["FailureReason"] == "AlgorithmError: , exit code: 139"
    assert (job.summary()["exit_code"], job.summary()["exit_signal"]) == (None, "SIGSEGV")


@pytest.mark.parametrize(("command", "code"), [("no-such-program", 127), ("/etc/passwd", 126), ("/", 126)])
def test_a_command_that_cannot_be_executed(runner: Runner, train: Jobs, command: str, code: int) -> None:
    job = train([command], ready=None)
    assert job.wait(PATIENCE) == "Failed"
    reason = job.describe()["FailureReason"]
    assert re.search(rf"{command}.*exit code: {code}$", reason), reason
    assert job.summary()["exit_code"] == code
    assert statuses(job) == ["Starting", "Downloading", "Failed"]
    assert Trail(runner, job).one(FactName.NOT_EXECUTED)["code"] == code


def test_a_stop_before_the_program_ran(runner: Runner, train: Jobs) -> None:
    big = runner.data_dir / "objects" / "bucket" / "big"
    for number in range(300):
        path = big / f"{number}" / "file"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x" * 20_000)
    job = train(["true"], ready=None, grace=5, inputs={f"c{n}": "s3://bucket/big" for n in range(5)})
    wait_until(lambda: statuses(job)[-1] == "Downloading", within=PATIENCE, saying="it does not download")
    job.stop()
    assert job.status == "Stopped"
    assert statuses(job) == ["Starting", "Downloading", "Stopping", "Stopped"]
    assert Trail(runner, job).facts() == []
    assert not list(Trail(runner, job).folder.glob("ml*"))


def test_the_time_limit_is_a_stop(runner: Runner, train: Jobs) -> None:
    job = train(probe("deaf"), max_runtime=1, grace=0.3)
    assert job.wait(PATIENCE) == "Stopped"
    described = job.describe()
    assert [entry["Status"] for entry in described["SecondaryStatusTransitions"]] == [
        *BEFORE,
        "Stopping",
        "Uploading",
        "MaxRuntimeExceeded",
    ]
    assert described["SecondaryStatus"] == "MaxRuntimeExceeded"
    assert "FailureReason" not in described
    trail = Trail(runner, job)
    assert trail.one(FactName.STOP)["cause"] == "runtime-exceeded"
    ran = (trail.one(FactName.STOP)["t"] - trail.one(FactName.EXECUTED)["t"]) / 1e9
    assert 1 <= ran < 1.25
    assert 0.3 <= trail.seconds_to_kill() < 0.3 + LATE


def test_what_cannot_be_sent_is_kept_and_named(home: Path, isolation: Isolation) -> None:
    with Runner(home / "data") as runner:
        (home / "data" / "objects").write_text("a file where the store should be")
        job = runner.train(shell('echo weights > "$ml/model/w"'), name="kept", isolation=isolation)
        assert job.wait(PATIENCE) == "Completed"
        (upload, *_) = job.detail()["results"]["uploads"]
        assert (upload["sent"], upload["uri"]) == (False, "s3://runner-outputs/kept/output/model.tar.gz")
        assert upload["reason"]
        kept = Path(upload["kept"])
        assert (home / "data" / "unsent") in kept.parents
        assert unpacked(kept) == {"w": "weights\n"}
        assert sorted(os.listdir(Trail(runner, job).folder)) == ["journal.jsonl", "log", "marks"]


def test_a_private_directory_with_something_unsent_is_kept_and_named(
    runner: Runner, train: Jobs, caplog: pytest.LogCaptureFixture
) -> None:
    (runner.data_dir / "objects").write_text("a file where the store should be")
    assert train(shell('echo weights > "$ml/model/w"'), ready=None).wait(PATIENCE) == "Completed"
    runner.close()
    unsent = runner.data_dir / "unsent"
    try:
        assert len(list(unsent.glob("**/model.tar.gz"))) == 1
        assert str(unsent) in caplog.text
    finally:
        shutil.rmtree(runner.data_dir)


def test_digits_saves_its_work_when_it_is_stopped(runner: Runner, train: Jobs) -> None:
    job = train(DIGITS, ready="epoch 1 ", grace=10, cwd=REPOSITORY, hyperparameters={"epoch-seconds": "0.1"})
    report = job.stop()
    assert (report.verdict.value, report.exit.code) == ("graceful", 0)
    saved = re.search(r"SIGTERM: saved at epoch (\d+)", Trail(runner, job).log())
    assert saved is not None
    assert list(model(runner, job)) == ["model.json"]
    weights: Any = json.loads(model(runner, job)["model.json"])["weights"]
    assert len(weights) == 10
