"""The region of a job: in its ARN, and told to its program. One name space for all regions."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.backends.base import Launch
from runner.errors import InvalidRequest, NameInUse
from runner.jobs.base import Defaults
from tests.supervisor.stage import COMPILATION, TRAINING, TUNING, Stage, compiling, play, request, search


def test_a_job_is_in_the_region_that_it_was_created_in(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.service.create(TRAINING, request("good"), region="eu-west-1")
        await stage.service.create(COMPILATION, compiling())
        await stage.phase("job", "running")
        (launch,) = stage.backend.heard("launch")
        assert isinstance(launch, Launch)
        arn = "arn:aws:sagemaker:eu-west-1:123456789012:training-job/job"
        assert launch.environment["TRAINING_JOB_ARN"] == arn
        assert launch.environment["AWS_REGION"] == launch.environment["AWS_DEFAULT_REGION"] == "eu-west-1"
        await stage.crash()
        stage.options = stage.options._replace(defaults=Defaults(region="ap-south-1"))
        await stage.restart()
        assert (await stage.service.describe(TRAINING, "job"))["TrainingJobArn"] == arn
        other = (await stage.service.describe(COMPILATION, "job"))["CompilationJobArn"]
        assert other == "arn:aws:sagemaker:us-east-1:123456789012:compilation-job/job"

    play(tmp_path, scenario)


def test_a_tuning_jobs_trainings_are_in_its_region(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.service.create(TUNING, search("measured", "search", 1, 1), region="eu-west-1")
        await stage.service.wait(TUNING, "search")
        (child,) = await stage.service.children("search")
        described = await stage.service.describe(TRAINING, child["name"])
        assert child["arn"] == described["TrainingJobArn"] == f"arn:aws:sagemaker:eu-west-1:{_rest(child['name'])}"
        assert described["TuningJobArn"].startswith("arn:aws:sagemaker:eu-west-1:")

    play(tmp_path, scenario)


def _rest(name: str) -> str:
    return f"123456789012:training-job/{name}"


def test_a_name_that_is_taken_in_one_region_is_taken_in_all(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.service.create(TRAINING, request("good"), region="eu-west-1")
        with pytest.raises(NameInUse):
            await stage.service.create(TRAINING, request("good"), region="us-west-2")

    play(tmp_path, scenario)


@pytest.mark.parametrize("region", ["", "EU", "a:b", "eu-west-1\n", "x" + "/"])
def test_a_region_that_is_none(tmp_path: Path, region: str) -> None:
    async def scenario(stage: Stage) -> None:
        with pytest.raises(InvalidRequest) as refused:
            await stage.service.create(TRAINING, request("good"), region=region)
        assert refused.value.field == "region"
        assert await stage.service.list() == []

    play(tmp_path, scenario)
