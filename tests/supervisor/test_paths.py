"""Every path of a training job's secondary status, and what is on record at its end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from runner.backends import base
from runner.lifecycle.facts import FactName
from runner.supervisor.options import Options, Policy
from tests.supervisor.stage import COMPILATION, TRAINING, Stage, compiling, play, request

_RUN = ["Starting", "Downloading", "Training"]


def test_a_job_that_completes(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("quick")
        summary = await stage.service.wait(TRAINING, "job")
        assert await stage.path("job") == [*_RUN, "Uploading", "Completed"]
        assert (summary["status"], summary["exit_code"], summary["failure"]) == ("Completed", 0, None)
        assert summary["ended"] - summary["started"] == pytest.approx(5.0)

    play(tmp_path, scenario)


@pytest.mark.parametrize(
    ("program", "code", "signal", "reason"),
    [
        ("failing", 1, None, "AlgorithmError: , exit code: 1"),
        ("crashing", None, "SIGSEGV", "AlgorithmError: , exit code: 139"),
    ],
)
def test_a_job_that_fails(tmp_path: Path, program: str, code: int | None, signal: str | None, reason: str) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train(program)
        summary = await stage.service.wait(TRAINING, "job")
        assert await stage.path("job") == [*_RUN, "Uploading", "Failed"]
        assert (summary["exit_code"], summary["exit_signal"]) == (code, signal)
        assert (await stage.service.describe(TRAINING, "job"))["FailureReason"] == reason

    play(tmp_path, scenario)


def test_what_a_program_says_of_its_failure_is_its_reason(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("failing")
        await stage.phase("job", "running")
        failure = tmp_path / "jobs/training/job/ml/output/failure"
        failure.write_text("out of data " * 200)
        await stage.service.wait(TRAINING, "job")
        reason = (await stage.service.describe(TRAINING, "job"))["FailureReason"]
        assert reason.startswith("AlgorithmError: out of data out of data")
        assert len(reason) <= len("AlgorithmError: " + ", exit code: 1") + 1024

    play(tmp_path, scenario)


@pytest.mark.parametrize("kind", ["fifo", "link", "folder"])
def test_a_failure_file_that_is_none_is_passed_over(tmp_path: Path, kind: str) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("failing")
        await stage.phase("job", "running")
        failure = tmp_path / "jobs/training/job/ml/output/failure"
        (tmp_path / "secret").write_text("secret")
        match kind:
            case "fifo":
                import os

                os.mkfifo(failure)
            case "link":
                failure.symlink_to(tmp_path / "secret")
            case _:
                failure.mkdir()
        await stage.service.wait(TRAINING, "job")
        reason = (await stage.service.describe(TRAINING, "job"))["FailureReason"]
        assert reason == "AlgorithmError: , exit code: 1"

    play(tmp_path, scenario)


def test_case_37_a_program_that_cannot_be_executed(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("missing")
        summary = await stage.service.wait(TRAINING, "job")
        assert await stage.path("job") == ["Starting", "Downloading", "Failed"]
        assert summary["exit_code"] == 127
        assert "'missing' was not found" in summary["failure"]

    play(tmp_path, scenario)


def test_a_job_without_a_command_says_what_to_add(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.service.create(TRAINING, request("any") | {"AlgorithmSpecification": {"TrainingImage": "digits"}})
        summary = await stage.service.wait(TRAINING, "job")
        assert summary["status"] == "Failed"
        assert "runner.toml" in summary["failure"]
        assert stage.backend.heard("launch") == []

    play(tmp_path, scenario)


def test_an_input_that_is_not_there_is_a_client_error(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/nothing"}}
        await stage.train("good", InputDataConfig=[{"ChannelName": "train", "DataSource": source}])
        summary = await stage.service.wait(TRAINING, "job")
        assert await stage.path("job") == ["Starting", "Downloading", "Failed"]
        assert summary["failure"].startswith("ClientError: No S3 objects found")

    play(tmp_path, scenario)


def test_inputs_and_configuration_are_there_when_the_program_starts(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        (tmp_path / "objects/bucket/data").mkdir(parents=True)
        (tmp_path / "objects/bucket/data/a.csv").write_text("1,2")
        source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/data/"}}
        await stage.train("good", InputDataConfig=[{"ChannelName": "train", "DataSource": source}])
        await stage.phase("job", "running")
        ml = tmp_path / "jobs/training/job/ml"
        assert (ml / "input/data/train/a.csv").read_text() == "1,2"
        assert (ml / "input/config/hyperparameters.json").exists()
        for part in ("model", "output/data", "checkpoints", "code", "tmp"):
            assert (ml / part).is_dir()
        assert "127.0.0.1 algo-1" in (tmp_path / "jobs/training/job/hosts").read_text()

    play(tmp_path, scenario)


def test_a_stop_while_it_runs(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("busy")
        await stage.phase("job", "running")
        await stage.service.stop(TRAINING, "job")
        summary = await stage.service.wait(TRAINING, "job")
        assert await stage.path("job") == [*_RUN, "Stopping", "Uploading", "Stopped"]
        assert (summary["status"], summary["exit_code"], summary["failure"]) == ("Stopped", 7, None)

    play(tmp_path, scenario)


def test_case_12_a_stop_before_the_job_has_a_place(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("good", "first")
        await stage.train("good", "second")
        await stage.phase("first", "running")
        await stage.service.stop(TRAINING, "second")
        await stage.service.wait(TRAINING, "second")
        assert await stage.path("second") == ["Starting", "Stopping", "Stopped"]
        assert [launch.job for launch in stage.backend.heard("launch")] == ["training/first"]
        await stage.train("good", "third")
        await stage.service.stop(TRAINING, "first")
        await stage.phase("third", "running")

    play(tmp_path, scenario, options=Options(policy=Policy.SERVE, places=1))


def test_case_14_a_stop_between_launch_and_exec(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("slow-to-start", grace=2)
        await stage.phase("job", "launching")
        await stage.service.stop(TRAINING, "job")
        await stage.service.wait(TRAINING, "job")
        assert await stage.path("job") == ["Starting", "Downloading", "Stopping", "Uploading", "Stopped"]

    play(tmp_path, scenario)


def test_a_time_limit_stops_a_training_job(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("good", StoppingCondition={"MaxRuntimeInSeconds": 60})
        summary = await stage.service.wait(TRAINING, "job")
        assert await stage.path("job") == [*_RUN, "Stopping", "Uploading", "MaxRuntimeExceeded"]
        assert (summary["status"], summary["cause"]) == ("Stopped", "runtime-exceeded")
        (executed,) = await stage.facts("job", FactName.EXECUTED)
        (stop,) = await stage.facts("job", FactName.STOP)
        assert stop["t"] - executed["t"] == pytest.approx(60e9, abs=1e7)
        assert stop["t"] - executed["t"] >= 60e9

    play(tmp_path, scenario)


@pytest.fixture
def compiler(tmp_path: Path) -> Options:
    model = tmp_path / "objects/bucket/models/model.tar.gz"
    model.parent.mkdir(parents=True)
    model.write_bytes(b"model")
    from runner.jobs.base import Defaults

    return Options(policy=Policy.SERVE, defaults=Defaults(compilers={"XGBOOST": ["good"], "SKLEARN": ["failing"]}))


def test_a_time_limit_fails_a_compilation_job(tmp_path: Path, compiler: Options) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.service.create(COMPILATION, compiling(StoppingCondition={"MaxRuntimeInSeconds": 60}))
        summary = await stage.service.wait(COMPILATION, "job")
        assert (summary["status"], summary["cause"]) == ("FAILED", "timed-out")
        assert "TimeOut" in (await stage.service.describe(COMPILATION, "job"))["FailureReason"]

    play(tmp_path, scenario, options=compiler)


def test_a_stopped_compilation_has_no_model(tmp_path: Path, compiler: Options) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.service.create(COMPILATION, compiling())
        await stage.phase("job", "running", kind=COMPILATION)
        (tmp_path / "jobs/compilation/job/ml/model/half").write_text("half of it")
        await stage.service.stop(COMPILATION, "job")
        assert (await stage.service.wait(COMPILATION, "job"))["status"] == "STOPPED"
        detail = (await stage.service.report(COMPILATION, "job"))["job"]
        assert [entry["status"] for entry in detail["transitions"]] == ["STARTING", "INPROGRESS", "STOPPING", "STOPPED"]
        assert "artifacts" not in detail["results"]

    play(tmp_path, scenario, options=compiler)


def test_at_the_end_journal_log_and_model_are_left_and_nothing_else(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("quick")
        await stage.phase("job", "running")
        model = tmp_path / "jobs/training/job/ml/model"
        (model / "weights").write_text("7")
        (model / "locked").mkdir(mode=0o500)
        await stage.service.wait(TRAINING, "job")
        folder = tmp_path / "jobs/training/job"
        assert {path.name for path in folder.iterdir()} == {base.journal(folder).name, base.log(folder).name}
        assert (tmp_path / "objects/bucket/out/job/output/model.tar.gz").is_file()
        uri = (await stage.service.describe(TRAINING, "job"))["ModelArtifacts"]["S3ModelArtifacts"]
        assert uri == "s3://bucket/out/job/output/model.tar.gz"
        assert stage.backend.heard("forget") == ["training/job"]

    play(tmp_path, scenario)


def test_what_cannot_be_uploaded_is_kept_and_told(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        (tmp_path / "objects").mkdir()
        (tmp_path / "objects/bucket").write_text("a file where a bucket should be")
        await stage.train("quick")
        await stage.phase("job", "running")
        (tmp_path / "jobs/training/job/ml/model/weights").write_text("7")
        assert (await stage.service.wait(TRAINING, "job"))["status"] == "Completed"
        model, _ = (await stage.service.report(TRAINING, "job"))["job"]["results"]["uploads"]
        assert Path(model["kept"]).is_relative_to(tmp_path / "unsent/training/job")
        assert Path(model["kept"]).exists()

    play(tmp_path, scenario)


def test_case_20_times_stay_in_order_when_the_wall_clock_is_set_back(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("good")
        await stage.phase("job", "running")
        stage.clock.set_wall_back(3600)
        await stage.service.stop(TRAINING, "job")
        summary = await stage.service.wait(TRAINING, "job")
        described = await stage.service.describe(TRAINING, "job")
        times = [entry["StartTime"] for entry in described["SecondaryStatusTransitions"]]
        assert times == sorted(times)
        assert summary["created"] <= summary["started"] <= summary["ended"]
        (signal,) = await stage.facts("job", FactName.SIGNAL)
        (ended,) = await stage.facts("job", FactName.ENDED)
        assert ended["t"] - signal["t"] == pytest.approx(3e9)

    play(tmp_path, scenario)


def test_a_job_that_cannot_be_killed_holds_up_nobody(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("unkillable", "stuck", grace=1)
        await stage.train("good", "other", grace=10)
        await stage.phase("stuck", "running")
        await stage.phase("other", "running")
        await stage.service.stop(TRAINING, "stuck")
        await stage.service.stop(TRAINING, "other")
        await stage.service.wait(TRAINING, "other")
        await asyncio.sleep(60)
        assert (await stage.service.summary(TRAINING, "stuck"))["status"] == "Stopping"
        assert len(await stage.facts("stuck", FactName.UNKILLABLE)) == 1

    play(tmp_path, scenario)
