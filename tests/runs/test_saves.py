"""Where a job is watched while it saves: by its type, by its request, and in folders that its caller names."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from runner import Job, Runner
from runner.backends.base import Fact
from runner.errors import InvalidRequest
from runner.jobs.shared import ISOLATION_TAG
from runner.lifecycle.facts import FactName
from runner.lifecycle.stops import Isolation
from tests.jobs import requests
from tests.runs.seeing import PATIENCE, Jobs, Trail, trainer
from tests.runs.serving import Served

SAVES = """
import os, sys
for path in sys.argv[1:]:
    path = os.path.expandvars(path)
    with open(path + ".tmp", "w") as file:
        file.write("weights")
    os.rename(path + ".tmp", path)
"""
ML = "${SAGEMAKER_BASE_DIR}"


def saving(*paths: object) -> list[str]:
    """A program that saves there; `ML` is `/opt/ml`, wherever that is."""
    return [sys.executable, "-c", f"import os; os.environ.setdefault('SAGEMAKER_BASE_DIR', '/opt/ml')\n{SAVES}"] + [
        str(path) for path in paths
    ]


def ml(runner: Runner, job: Job, isolation: Isolation) -> str:
    return "/opt/ml" if isolation is Isolation.PID1 else str(Trail(runner, job).folder / "ml")


def watched(runner: Runner, job: Job) -> list[tuple[str, str, bool]]:
    launch = Trail(runner, job).one(FactName.LAUNCH)
    return [(one["role"], one["path"], one["asked"]) for one in launch["watched"]]


def saves(runner: Runner, job: Job) -> list[tuple[str, str]]:
    """Role and last path of everything that the job has saved."""
    (end,) = (fact for fact in Trail(runner, job).facts(FactName.FILES) if fact["moment"] == "end")
    assert (end["open"], end["missed"]) == ([], False)
    return [(save["role"], save["to"] or save["path"]) for save in end["saves"]]


def completed(job: Job) -> Job:
    assert job.wait(PATIENCE) == "Completed"
    return job


def test_a_training_is_watched_where_sagemaker_looks(runner: Runner, train: Jobs, isolation: Isolation) -> None:
    command = saving(f"{ML}/model/w", f"{ML}/checkpoints/c", f"{ML}/output/data/o", f"{ML}/tmp/t")
    job = completed(train(command, ready=None))
    at = ml(runner, job, isolation)
    assert watched(runner, job) == [
        ("model", f"{at}/model", False),
        ("checkpoints", f"{at}/checkpoints", False),
        ("output", f"{at}/output", False),
    ]
    assert saves(runner, job) == [
        ("model", f"{at}/model/w"),
        ("checkpoints", f"{at}/checkpoints/c"),
        ("output", f"{at}/output/data/o"),
    ]
    left = Trail(runner, job).one(FactName.TEMPORARIES)
    assert (left["paths"], left["count"], left["bytes"]) == ([f"{at}/tmp/t"], 1, 7)


def test_checkpoints_are_where_the_request_says(runner: Runner, isolation: Isolation) -> None:
    request = requests.training(
        AlgorithmSpecification={"ContainerEntrypoint": saving(f"{ML}/deep/ckpt/c")},
        CheckpointConfig={"S3Uri": "s3://bucket/checkpoints", "LocalPath": "/opt/ml/deep/ckpt/"},
        Tags=[{"Key": ISOLATION_TAG, "Value": isolation.value}],
    )
    job = completed(runner.submit("training", request))
    seen = f"{ml(runner, job, isolation)}/deep/ckpt"
    assert ("checkpoints", seen, False) in watched(runner, job)
    assert saves(runner, job) == [("checkpoints", f"{seen}/c")]


def test_a_compilation_is_not_watched(runner: Runner, home: Path, isolation: Isolation) -> None:
    (home / "model").write_text("none")
    job = runner.compile(home / "model", framework="xgboost", isolation=isolation)
    job.wait(PATIENCE)
    assert watched(runner, job) == []
    assert not Trail(runner, job).facts(FactName.FILES)


def test_folders_that_the_caller_names(runner: Runner, train: Jobs, home: Path, isolation: Isolation) -> None:
    for name in ("one", "two", "linked-to"):
        (home / name).mkdir()
    (home / "link").symlink_to("linked-to")
    command = saving("one/a", home / "two" / "b", "link/c")
    named: list[Any] = ["one", home / "two", "link", str(home / "one") + "/"]
    job = completed(train(command, ready=None, checkpoints=named, cwd=home))
    asked = [path for role, path, was_asked in watched(runner, job) if was_asked]
    assert asked == [str(home / name) for name in ("one", "two", "link")]
    assert saves(runner, job) == [("checkpoints", str(home / name)) for name in ("one/a", "two/b", "link/c")]


def test_a_named_folder_in_opt_ml_is_the_jobs_own(runner: Runner, train: Jobs, isolation: Isolation) -> None:
    path = "/opt/ml/checkpoints/run-1"
    if isolation is Isolation.PLAIN:
        if Path(path).exists():
            pytest.skip("this machine has an /opt/ml of its own")
        with pytest.raises(InvalidRequest, match="must be a folder that exists"):
            train(saving(f"{path}/c"), ready=None, checkpoints=[path])
        return
    job = completed(train(saving(f"{path}/c"), ready=None, checkpoints=[path]))
    assert ("checkpoints", path, True) in watched(runner, job)
    assert saves(runner, job) == [("checkpoints", f"{path}/c")]
    assert not Path(path).exists()


def test_a_client_names_folders_too_and_they_are_kept(served: Served, isolation: Isolation, home: Path) -> None:
    (home / "saved").mkdir()
    script = "trap 'echo x > saved/after; exit 0' TERM; echo x > saved/before; echo ready; while :; do sleep 0.05; done"
    command = ["sh", "-c", script]
    job = trainer(served.start(), isolation)(command, name="kept", checkpoints=["saved"], cwd=home)
    runner = served.restart()
    runner.job("kept").stop(grace=30)
    assert job.name == "kept"
    assert saves(runner, runner.job("kept")) == [
        ("checkpoints", str(home / "saved" / name)) for name in ("before", "after")
    ]


BAD: dict[str, tuple[Any, str, str]] = {
    "a text": ("dir", "checkpoints", "must be a list of folders"),
    "a number": ([7], "checkpoints[0]", "must be a path"),
    "nothing": ([""], "checkpoints[0]", "must be a path"),
    "a NUL": (["dir\0"], "checkpoints[0]", "without NUL"),
    "not there": (["dir", "nothing-here"], "checkpoints[1]", "must be a folder that exists: there is no"),
    "a file": (["file"], "checkpoints[0]", "must be a folder, which"),
    "a broken link": (["broken"], "checkpoints[0]", "must be a folder, which"),
}


@pytest.mark.parametrize(("given", "field", "rule"), BAD.values(), ids=BAD)
def test_what_is_no_folder_is_refused_before_anything_is_stored(home: Path, given: Any, field: str, rule: str) -> None:
    (home / "dir").mkdir()
    (home / "file").write_text("input")
    (home / "broken").symlink_to("nowhere")
    with Runner() as runner:
        with pytest.raises(InvalidRequest) as refused:
            runner.train(["true"], inputs={"train": home / "file"}, checkpoints=given, cwd=home)
        assert (refused.value.field, rule in refused.value.rule) == (field, True), refused.value
        assert runner.list() == []
        assert not (runner.data_dir / "objects").exists()
        with pytest.raises(InvalidRequest, match=r"^checkpoints: must not be there: a tuning job has none"):
            runner.submit("tuning", requests.tuning(), checkpoints=["dir"], cwd=home)


def test_a_slow_save_that_is_cut_off_is_in_the_facts_of_the_job(runner: Runner, train: Jobs) -> None:
    text = """
import os, signal, time
def save(*_):
    with open(os.environ["SM_MODEL_DIR"] + "/w.part", "wb", buffering=0) as file:
        while True:
            file.write(b"x")
            time.sleep(0.01)
signal.signal(signal.SIGTERM, save)
print("ready", flush=True)
while True:
    time.sleep(1)
"""
    job = train([sys.executable, "-c", text], grace=0.5)
    job.stop()
    files: list[Fact] = [fact for fact in job.facts() if fact["fact"] == "files"]
    assert [fact["moment"] for fact in files] == ["stop", "kill", "end"]
    assert [os.path.basename(save["path"]) for save in files[1]["open"]] == ["w.part"]
