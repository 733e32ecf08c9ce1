"""Creating, listing and deleting jobs: what is refused leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from runner.backends.base import Launch, Mount
from runner.errors import InvalidRequest, IsolationUnavailable, JobNotEnded, NameInUse, NoSuchJob, RunnerClosed
from runner.jobs.shared import ISOLATION_TAG
from runner.lifecycle.stops import Isolation
from runner.supervisor.options import Options, Policy
from runner.testing.fake import FakeBackend
from tests.supervisor.stage import COMPILATION, PROGRAMS, TRAINING, TUNING, Stage, compiling, play, request


def nothing_stored(data_dir: Path) -> bool:
    return not (data_dir / "jobs").exists()


def test_a_name_is_taken_until_its_job_is_deleted(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("quick")
        with pytest.raises(NameInUse, match="job"):
            await stage.train("quick")
        await stage.service.wait(TRAINING, "job")
        with pytest.raises(NameInUse):
            await stage.train("quick")
        await stage.service.delete(TRAINING, "job")
        await stage.train("quick")
        assert (await stage.service.wait(TRAINING, "job"))["status"] == "Completed"

    play(tmp_path, scenario)


def test_two_jobs_of_one_name_in_one_instant(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        outcomes = await asyncio.gather(stage.train("good"), stage.train("good"), return_exceptions=True)
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NameInUse", "str"]
        assert len(await stage.service.list()) == 1

    play(tmp_path, scenario)


def test_a_name_is_free_for_another_job_type(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("good")
        await stage.service.create(COMPILATION, compiling())
        assert await stage.service.kinds("job") == ["compilation", "training"]

    play(tmp_path, scenario)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"TrainingJobName": "-x"}, "TrainingJobName"),
        ({"OutputDataConfig": None}, "OutputDataConfig"),
        ({"StoppingCondition": {"MaxRuntimeInSeconds": 0}}, "StoppingCondition.MaxRuntimeInSeconds"),
        ({"Tags": [{"Key": "runner:grace-seconds", "Value": "nan"}]}, "Tags.runner:grace-seconds"),
    ],
)
def test_a_bad_request_is_refused_and_nothing_is_stored(tmp_path: Path, change: dict[str, Any], field: str) -> None:
    async def scenario(stage: Stage) -> None:
        with pytest.raises(InvalidRequest) as refused:
            await stage.service.create(TRAINING, {**request("good"), **change})
        assert refused.value.field == field
        assert await stage.service.list() == []
        assert nothing_stored(tmp_path)

    play(tmp_path, scenario)


def test_a_working_directory_that_is_not_there_is_refused(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        with pytest.raises(InvalidRequest) as refused:
            await stage.service.create(TRAINING, request("good"), cwd=str(tmp_path / "nowhere"))
        assert refused.value.field == "cwd"
        assert nothing_stored(tmp_path)

    play(tmp_path, scenario)


def test_an_isolation_that_cannot_be_had_is_refused_and_never_made_weaker(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        with pytest.raises(IsolationUnavailable):
            await stage.service.create(TRAINING, request("good") | {"Tags": [{"Key": ISOLATION_TAG, "Value": "pid1"}]})
        assert nothing_stored(tmp_path)

    play(tmp_path, scenario, backend=FakeBackend(PROGRAMS, [Isolation.PLAIN]))


async def launched(stage: Stage, **members: Any) -> Launch:
    await stage.train("good", **members)
    await stage.phase("job", "running")
    (launch,) = stage.backend.heard("launch")
    assert isinstance(launch, Launch)
    return launch


def test_in_isolation_a_job_sees_opt_ml_and_its_own_hosts(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        launch = await launched(stage)
        folder = tmp_path / "jobs/training/job"
        assert launch.isolation is Isolation.PID1
        assert set(launch.mounts) == {Mount(folder / "ml", "/opt/ml"), Mount(folder / "hosts", "/etc/hosts")}
        assert launch.environment["TMPDIR"] == "/opt/ml/tmp"

    play(tmp_path, scenario)


def test_in_plain_the_paths_are_those_of_the_host(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        launch = await launched(stage)
        ml = str(tmp_path / "jobs/training/job/ml")
        assert launch.mounts == ()
        assert launch.environment["TMPDIR"] == f"{ml}/tmp"
        assert launch.environment["SM_MODEL_DIR"] == f"{ml}/model"

    play(tmp_path, scenario, backend=FakeBackend(PROGRAMS, [Isolation.PLAIN]))


def test_a_jobs_environment(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        environment = {"PATH": "/bin", "RUNNER_DATA_DIR": "/secret", "COLOUR": "red", "SIZE": "1"}
        await stage.service.create(TRAINING, request("good", Environment={"SIZE": "2"}), str(tmp_path), environment)
        await stage.phase("job", "running")
        (launch,) = stage.backend.heard("launch")
        found = launch.environment
        assert (found["PATH"], found["COLOUR"], found["SIZE"], found["PYTHONUNBUFFERED"]) == ("/bin", "red", "2", "1")
        assert not [name for name in found if name.startswith("RUNNER_")]
        assert found["TRAINING_JOB_NAME"] == "job"
        assert launch.working_directory == str(tmp_path)

    play(tmp_path, scenario)


def test_without_an_environment_a_job_gets_that_of_the_supervisor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLOUR", "blue")
    monkeypatch.setenv("RUNNER_CONFIG", "secret")

    async def scenario(stage: Stage) -> None:
        launch = await launched(stage)
        assert launch.environment["COLOUR"] == "blue"
        assert "RUNNER_CONFIG" not in launch.environment
        assert "PYTHONUNBUFFERED" not in launch.environment
        assert launch.working_directory == os.getcwd()

    play(tmp_path, scenario, options=Options(policy=Policy.SERVE, unbuffered=False))


def test_a_job_that_has_not_ended_cannot_be_deleted(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("good")
        await stage.phase("job", "running")
        with pytest.raises(JobNotEnded, match="InProgress"):
            await stage.service.delete(TRAINING, "job")
        assert (await stage.service.summary(TRAINING, "job"))["phase"] == "running"

    play(tmp_path, scenario)


def test_a_deleted_job_leaves_neither_record_nor_folder(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("quick")
        await stage.service.wait(TRAINING, "job")
        outcomes = await asyncio.gather(
            *(stage.service.delete(TRAINING, "job") for _ in range(2)), return_exceptions=True
        )
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoSuchJob", "NoneType"]
        assert await stage.service.list() == []
        assert not (tmp_path / "jobs/training/job").exists()
        with pytest.raises(NoSuchJob):
            await stage.service.report(TRAINING, "job")

    play(tmp_path, scenario)


def test_every_answer_is_json(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.tune("measured", jobs=1, parallel=1)
        await stage.service.wait(TUNING, "search")
        (training,) = await stage.service.trainings("search")
        for kind, name in ((TUNING, "search"), (TRAINING, training["name"])):
            for answer in (
                await stage.service.describe(kind, name),
                await stage.service.summary(kind, name),
                await stage.service.report(kind, name),
                await stage.service.logs(kind, name),
            ):
                assert json.loads(json.dumps(answer, allow_nan=False)) is not None

    play(tmp_path, scenario)


def test_a_disk_that_is_full_for_a_while_loses_nothing(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("quick")
        await stage.phase("job", "running")
        database = stage.service._core.database
        (pages,) = database.execute("PRAGMA page_count").fetchone()
        database.execute("PRAGMA query_only = ON")
        await asyncio.sleep(30)
        assert (await stage.service.summary(TRAINING, "job"))["phase"] == "running"
        assert pages > 0
        database.execute("PRAGMA query_only = OFF")
        assert (await stage.service.wait(TRAINING, "job"))["status"] == "Completed"

    play(tmp_path, scenario)


def test_a_supervisor_that_is_ending_takes_no_more_jobs(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.service.finish()
        with pytest.raises(RunnerClosed):
            await stage.train("good")

    play(tmp_path, scenario)


def test_a_supervisor_whose_own_folder_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started_in = tmp_path / "gone"
    started_in.mkdir()
    monkeypatch.chdir(started_in)

    async def scenario(stage: Stage) -> None:
        started_in.rmdir()
        with pytest.raises(InvalidRequest, match="this supervisor was started in is gone"):
            await stage.train("good")
        await stage.service.create(TRAINING, request("good"), cwd=str(tmp_path))

    play(tmp_path / "data", scenario)
