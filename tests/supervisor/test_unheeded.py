"""What a request has that is not honoured: the job runs, and its report and its supervisor's log say so."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from tests.supervisor.stage import TRAINING, TUNING, Stage, play, search

TWO: dict[str, Any] = {"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1}}
LINE = "ResourceConfig.InstanceCount: one host runs, algo-1"


async def said(stage: Stage, name: str = "job") -> Any:
    return (await stage.service.report(TRAINING, name))["job"]["results"].get("unheeded")


def test_a_job_says_it_in_its_report_and_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("quick", **TWO)
        await stage.train("quick", "plain")
        assert await said(stage) == [LINE]
        assert await said(stage, "plain") is None
        await stage.service.wait(TRAINING, "job")
        assert (await stage.service.describe(TRAINING, "job"))["ResourceConfig"] == TWO["ResourceConfig"]

    with caplog.at_level(logging.WARNING):
        play(tmp_path, scenario)
    (record,) = caplog.records
    assert record.getMessage() == (
        "training/job: accepted, and not honoured: ResourceConfig.InstanceCount; "
        "`runner describe` and Job.detail() tell what happens instead"
    )


def test_a_tuning_job_says_it_once_and_its_trainings_say_it_in_their_reports(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(stage: Stage) -> None:
        tuning = search("measured", "search", 2, 2)
        tuning["TrainingJobDefinition"]["ResourceConfig"] = TWO["ResourceConfig"]
        await stage.service.create(TUNING, tuning)
        await stage.service.wait(TUNING, "search")
        for training in await stage.service.trainings("search"):
            assert await said(stage, training["name"]) == [LINE]

    with caplog.at_level(logging.WARNING):
        play(tmp_path, scenario)
    (record,) = caplog.records
    member = "TrainingJobDefinition.ResourceConfig.InstanceCount"
    assert record.getMessage().startswith(f"tuning/search: accepted, and not honoured: {member}; ")


def test_a_channel_that_cannot_be_brought_is_an_empty_folder(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        source = {"FileSystemDataSource": {"FileSystemId": "fs-1", "DirectoryPath": "/x"}}
        await stage.train("good", InputDataConfig=[{"ChannelName": "disk", "DataSource": source}])
        await stage.phase("job", "running")
        folder = tmp_path / "jobs/training/job/ml/input/data/disk"
        assert (folder.is_dir(), list(folder.iterdir())) == (True, [])

    play(tmp_path, scenario)


def test_a_manifest_is_brought_as_it_is(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        (tmp_path / "list").write_text('[{"prefix": "s3://bucket/"}, "a"]')
        await stage.service.put(str(tmp_path / "list"), "s3://bucket/list")
        source = {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": "s3://bucket/list"}}
        await stage.train("good", InputDataConfig=[{"ChannelName": "train", "DataSource": source}])
        await stage.phase("job", "running")
        assert [path.name for path in (tmp_path / "jobs/training/job/ml/input/data/train").iterdir()] == ["list"]

    play(tmp_path, scenario)


def test_a_model_that_is_not_packed_lies_below_its_prefix(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        # Checkpoints of before, which the program removes: nothing of the model may go with them.
        (tmp_path / "weights").write_text("old")
        await stage.service.put(str(tmp_path / "weights"), "s3://bucket/c/weights")
        output = {"S3OutputPath": "s3://bucket/out", "CompressionType": "NONE"}
        members: dict[str, Any] = {"OutputDataConfig": output, "CheckpointConfig": {"S3Uri": "s3://bucket/c"}}
        await stage.train("quick", **members)
        await stage.phase("job", "running")
        ml = tmp_path / "jobs/training/job/ml"
        (ml / "checkpoints/weights").unlink()
        (ml / "model/deep").mkdir()
        (ml / "model/deep/weights").write_text("new")
        (ml / "model/weights").write_text("new")
        assert (await stage.service.wait(TRAINING, "job"))["status"] == "Completed"
        described = await stage.service.describe(TRAINING, "job")
        assert described["ModelArtifacts"] == {"S3ModelArtifacts": "s3://bucket/out/job/output/model/"}
        kept = tmp_path / "objects/bucket"
        assert (kept / "out/job/output/model/weights").read_text() == "new"
        assert (kept / "out/job/output/model/deep/weights").read_text() == "new"
        assert not (kept / "c/weights").exists()
        await stage.train("quick", "again", **members)
        await stage.phase("again", "running")
        assert list((tmp_path / "jobs/training/again/ml/model").iterdir()) == []

    play(tmp_path, scenario)
