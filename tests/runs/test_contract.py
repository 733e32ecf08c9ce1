"""What a training program finds when it starts: SageMaker's container contract, in `pid1` and in `plain`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from runner import Runner
from runner.lifecycle.stops import Isolation
from tests.runs.seeing import PATIENCE, Jobs, Trail

_TELLS = """
import json, os, socket
base = os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")
files = {}
for parent, folders, names in os.walk(base):
    for name in folders + names:
        path = os.path.join(parent, name)
        content = open(path).read() if os.path.isfile(path) else None
        files[os.path.relpath(path, base)] = content
for folder in ("model", "output", "output/data", "checkpoints", "tmp", ""):
    with open(os.path.join(base, folder, "written"), "w") as file:
        file.write("by the program")
print(json.dumps({
    "environment": dict(os.environ),
    "files": files,
    "base": base,
    "cwd": os.getcwd(),
    "pid": os.getpid(),
    "hosts": open("/etc/hosts").read(),
    "address": socket.gethostbyname("algo-1") if base == "/opt/ml" else None,
    "input": os.readlink("/proc/self/fd/0"),
    "descriptors": sorted(map(int, os.listdir("/proc/self/fd")))[:-1],
}))
"""


def told(runner: Runner, train: Jobs, **options: Any) -> dict[str, Any]:
    """What the program found, of a job that has completed."""
    job = train([sys.executable, "-I", "-S", "-c", _TELLS], ready=None, **options)
    assert job.wait(PATIENCE) == "Completed", Trail(runner, job).log()
    found: dict[str, Any] = json.loads(Trail(runner, job).log())
    return found


def listed(folder: Path) -> list[str] | None:
    return sorted(os.listdir(folder)) if folder.exists() else None


def test_opt_ml_is_the_jobs_own_and_the_hosts_is_untouched(runner: Runner, train: Jobs, isolation: Isolation) -> None:
    before = listed(Path("/opt/ml"))
    found = told(runner, train, name="own")
    assert listed(Path("/opt/ml")) == before
    assert {"model", "output", "output/data", "checkpoints", "code", "input/config", "input/data"} <= set(
        found["files"]
    )
    if isolation is Isolation.PID1:
        assert (found["base"], found["pid"]) == ("/opt/ml", 1)
        assert "SAGEMAKER_BASE_DIR" not in found["environment"]
    else:
        assert found["base"] == str(runner.data_dir / "jobs" / "training" / "own" / "ml")


def test_configuration_files(runner: Runner, train: Jobs) -> None:
    put(runner, "s3://bucket/data/a")
    values = {"epochs": 3, "rate": 0.5, "name": "x"}
    found = told(runner, train, hyperparameters=values, inputs={"train": "s3://bucket/data"})
    config = {name: json.loads(text) for name, text in found["files"].items() if name.startswith("input/config/")}
    assert config["input/config/hyperparameters.json"] == {"epochs": "3", "rate": "0.5", "name": "x"}
    resources = config["input/config/resourceconfig.json"]
    assert (resources["current_host"], resources["hosts"]) == ("algo-1", ["algo-1"])
    assert resources["instance_groups"][0]["hosts"] == ["algo-1"]
    assert config["input/config/inputdataconfig.json"]["train"]["TrainingInputMode"] == "File"
    assert found["environment"]["SM_HP_EPOCHS"] == "3"
    assert json.loads(found["environment"]["SM_HPS"]) == {"epochs": 3, "rate": 0.5, "name": "x"}


def put(runner: Runner, uri: str, text: str = "of the store") -> Path:
    """An object, put into the object store with the means of a user: a file at its place."""
    path = runner.data_dir / "objects" / uri.removeprefix("s3://")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_environment(runner: Runner, train: Jobs, isolation: Isolation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OF_THE_HOST", "inherited")
    monkeypatch.setenv("RUNNER_DATA_DIR", "/not/for/jobs")
    monkeypatch.setenv("AWS_REGION", "host-region-1")
    found = told(runner, train, name="named", environment={"MINE": "1", "OF_THE_HOST": "overridden"})
    variables = found["environment"]
    assert [name for name in variables if name.startswith("RUNNER_")] == ["RUNNER_MARK"]
    assert variables["PYTHONUNBUFFERED"] == "1"
    assert variables["TRAINING_JOB_NAME"] == "named"
    assert variables["TRAINING_JOB_ARN"] == "arn:aws:sagemaker:us-east-1:123456789012:training-job/named"
    assert (variables["MINE"], variables["OF_THE_HOST"]) == ("1", "overridden")
    assert variables["AWS_REGION"] == variables["AWS_DEFAULT_REGION"] == "us-east-1"
    assert variables["PATH"] == os.environ["PATH"]
    assert variables["SM_MODEL_DIR"] == found["base"] + "/model"
    assert variables["SM_OUTPUT_DATA_DIR"] == found["base"] + "/output/data"
    assert variables["SM_CHECKPOINT_DIR"] == found["base"] + "/checkpoints"
    assert (variables["SM_CURRENT_HOST"], variables["SM_HOSTS"]) == ("algo-1", '["algo-1"]')
    assert found["input"] == "/dev/null"
    assert found["descriptors"] == [0, 1, 2]
    assert "RUNNER_MARK" not in os.environ


def test_a_request_may_set_what_the_runner_sets(runner: Runner, train: Jobs) -> None:
    found = told(runner, train, environment={"PYTHONUNBUFFERED": "", "AWS_REGION": "eu-west-1"})
    assert found["environment"]["PYTHONUNBUFFERED"] == ""
    assert found["environment"]["AWS_REGION"] == "eu-west-1"


def test_working_directory(runner: Runner, train: Jobs, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "here").mkdir()
    monkeypatch.chdir(home)
    assert told(runner, train)["cwd"] == str(home)
    assert told(runner, train, cwd="here")["cwd"] == str(home / "here")


def test_hosts(runner: Runner, train: Jobs, isolation: Isolation) -> None:
    before = Path("/etc/hosts").read_text()
    found = told(runner, train)
    assert Path("/etc/hosts").read_text() == before
    if isolation is Isolation.PID1:
        assert found["address"] == "127.0.0.1"
        assert "algo-1" in found["hosts"]
    else:
        assert found["hosts"] == before


def test_inputs_from_this_machine_and_from_the_store(
    runner: Runner, train: Jobs, home: Path, isolation: Isolation
) -> None:
    (home / "set" / "deep").mkdir(parents=True)
    (home / "set" / "a.csv").write_text("1")
    (home / "set" / "deep" / "b.csv").write_text("2")
    (home / "one.csv").write_text("3")
    put(runner, "s3://bucket/data/x/c.csv", "4")
    put(runner, "s3://bucket/data/y.csv", "5")
    put(runner, "s3://bucket/other/z.csv", "6")
    channels = {
        "folder": home / "set",
        "file": home / "one.csv",
        "store": "s3://bucket/data",
        "object": "s3://bucket/data/y.csv",
    }
    found = told(runner, train, inputs=channels)
    data = {
        name.removeprefix("input/data/"): text
        for name, text in found["files"].items()
        if name.startswith("input/data/") and text is not None
    }
    assert data == {
        "folder/a.csv": "1",
        "folder/deep/b.csv": "2",
        "file/one.csv": "3",
        "store/x/c.csv": "4",
        "store/y.csv": "5",
        "object/y.csv": "5",
    }
    assert found["environment"]["SM_CHANNEL_STORE"] == f"{found['base']}/input/data/store"
    assert json.loads(found["environment"]["SM_CHANNELS"]) == ["file", "folder", "object", "store"]
    # A program may do with its copies what it likes.
    assert (home / "one.csv").read_text() == "3"


def test_an_input_that_is_not_there_fails_the_job(runner: Runner, train: Jobs) -> None:
    job = train(["true"], ready=None, inputs={"train": "s3://bucket/nothing"})
    assert job.wait(PATIENCE) == "Failed"
    reason = job.describe()["FailureReason"]
    assert reason.startswith('ClientError: No S3 objects found under S3 URL "s3://bucket/nothing"')
    assert Trail(runner, job).facts() == []
