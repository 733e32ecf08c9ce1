"""Training jobs: command, container contract, Describe."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from runner.jobs.base import Defaults, Kind, Place, Transition, Upload, View
from runner.jobs.endings import LOST
from runner.jobs.training import TRAINING
from runner.lifecycle.phases import Cause, Phase
from runner.lifecycle.stops import Isolation
from runner.lifecycle.transitions import State
from tests.jobs.requests import Request, tag, training

ARN = "arn:aws:sagemaker:eu-west-1:123456789012:training-job/digits-1"
START = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
CONTAINER = Place("/opt/ml")


def channel(name: str, **members: Any) -> Request:
    return {"ChannelName": name, "DataSource": {"S3DataSource": {"S3Uri": f"s3://bucket/{name}"}}, **members}


def test_what_a_request_asks_for() -> None:
    spec = TRAINING.parse(training(InputDataConfig=[channel("train")], Environment={"A": "b"}), Defaults())
    assert (spec.kind, spec.name, spec.grace, spec.isolation) == (Kind.TRAINING, "digits-1", 120.0, None)
    assert spec.max_runtime == 86_400
    assert list(spec.command) == ["python", "train.py"]
    assert [(c.name, c.uri) for c in spec.channels] == [("train", "s3://bucket/train")]
    assert spec.environment == {"A": "b"}
    assert list(spec.uploads) == [
        Upload("model", "s3://bucket/out/digits-1/output/model.tar.gz"),
        Upload("output/data", "s3://bucket/out/digits-1/output/output.tar.gz", always=False),
    ]


@pytest.mark.parametrize(
    ("tags", "defaults", "grace"),
    [
        ([], {}, 120.0),
        ([], {Kind.TRAINING: 7}, 7.0),
        ([], {Kind.COMPILATION: 7}, 120.0),
        (tag("runner:grace-seconds", "2.5"), {Kind.TRAINING: 7}, 2.5),
        (tag("runner:grace-seconds", "0"), {}, 0.0),
    ],
)
def test_grace(tags: list[dict[str, str]], defaults: dict[Kind, float], grace: float) -> None:
    assert TRAINING.parse(training(Tags=tags), Defaults(grace=defaults)).grace == grace


def test_isolation_and_tags() -> None:
    tags = [*tag("runner:isolation", "plain"), *tag("team", "vision")]
    spec = TRAINING.parse(training(Tags=tags), Defaults())
    assert spec.isolation is Isolation.PLAIN
    assert spec.tags == {"runner:isolation": "plain", "team": "vision"}


@pytest.mark.parametrize(
    ("algorithm", "command"),
    [
        ({"ContainerEntrypoint": ["a", "b"]}, ["a", "b"]),
        ({"ContainerEntrypoint": ["a"], "ContainerArguments": ["b"], "TrainingImage": "known"}, ["a", "b"]),
        ({"TrainingImage": "known"}, ["sh", "-c", "x"]),
        ({"TrainingImage": "known", "ContainerArguments": ["y"]}, ["sh", "-c", "x", "y"]),
    ],
)
def test_the_local_command(algorithm: Request, command: list[str]) -> None:
    spec = TRAINING.parse(training(AlgorithmSpecification=algorithm), Defaults(images={"known": ["sh", "-c", "x"]}))
    assert (list(spec.command), spec.no_command) == (command, "")


@pytest.mark.parametrize(
    ("algorithm", "words"),
    [
        ({"TrainingImage": "mine:1"}, ("ContainerEntrypoint", '[images."mine:1"] command = [...]', "runner.toml")),
        (None, ("ContainerEntrypoint",)),
    ],
)
def test_without_a_local_command_the_reason_says_what_to_add(algorithm: Request | None, words: tuple[str]) -> None:
    spec = TRAINING.parse(training(AlgorithmSpecification=algorithm), Defaults())
    assert list(spec.command) == []
    assert spec.no_command.startswith("ClientError: ")
    assert all(word in spec.no_command for word in words)


def test_config_files() -> None:
    request = training(
        HyperParameters={"lr": "0.1", "name": '"quoted"'},
        InputDataConfig=[channel("train", ContentType="text/csv"), channel("test", InputMode="FastFile")],
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        CheckpointConfig={"S3Uri": "s3://bucket/c"},
    )
    files = TRAINING.config_files(TRAINING.parse(request, Defaults()), CONTAINER)
    assert json.loads(json.dumps(files)) == {
        "input/config/hyperparameters.json": {"lr": "0.1", "name": '"quoted"'},
        "input/config/resourceconfig.json": {
            "current_host": "algo-1",
            "current_instance_type": "ml.m5.large",
            "current_group_name": "homogeneousCluster",
            "hosts": ["algo-1"],
            "instance_groups": [
                {"instance_group_name": "homogeneousCluster", "instance_type": "ml.m5.large", "hosts": ["algo-1"]}
            ],
            "network_interface_name": "lo",
        },
        "input/config/inputdataconfig.json": {
            "train": {
                "ContentType": "text/csv",
                "TrainingInputMode": "File",
                "S3DistributionType": "FullyReplicated",
                "RecordWrapperType": "None",
            },
            "test": {
                "TrainingInputMode": "FastFile",
                "S3DistributionType": "FullyReplicated",
                "RecordWrapperType": "None",
            },
        },
        "input/config/checkpointconfig.json": {"LocalPath": "/opt/ml/checkpoints", "S3Uri": "s3://bucket/c"},
    }


def test_there_is_no_checkpoint_config_where_none_was_asked_for() -> None:
    files = TRAINING.config_files(TRAINING.parse(training(), Defaults()), CONTAINER)
    assert "input/config/checkpointconfig.json" not in files


def variables(place: Place, **members: Any) -> dict[str, str]:
    return dict(TRAINING.variables(TRAINING.parse(training(**members), Defaults()), place, ARN))


def test_variables_of_the_container() -> None:
    found = variables(
        CONTAINER,
        HyperParameters={"lr": "0.1", "name": "x y", "sagemaker_program": "a.py", "a=b": "1"},
        InputDataConfig=[channel("train")],
    )
    expected = {
        "TRAINING_JOB_NAME": "digits-1",
        "TRAINING_JOB_ARN": ARN,
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "SM_MODEL_DIR": "/opt/ml/model",
        "SM_CHANNELS": '["train"]',
        "SM_CHANNEL_TRAIN": "/opt/ml/input/data/train",
        "SM_HP_LR": "0.1",
        "SM_HP_NAME": "x y",
        "SM_CURRENT_HOST": "algo-1",
        "SM_HOSTS": '["algo-1"]',
        "SM_INPUT_DIR": "/opt/ml/input",
        "SM_INPUT_CONFIG_DIR": "/opt/ml/input/config",
        "SM_OUTPUT_DIR": "/opt/ml/output",
        "SM_OUTPUT_DATA_DIR": "/opt/ml/output/data",
        "SM_CHECKPOINT_DIR": "/opt/ml/checkpoints",
    }
    assert {name: found.get(name) for name in expected} == expected
    assert json.loads(found["SM_HPS"]) == {"lr": 0.1, "name": "x y", "a=b": 1}
    assert json.loads(found["SM_TRAINING_ENV"])["model_dir"] == "/opt/ml/model"
    assert int(found["SM_NUM_CPUS"]) >= 1
    assert int(found["SM_NUM_GPUS"]) >= 0
    assert "SAGEMAKER_BASE_DIR" not in found
    assert not any("=" in name or "PROGRAM" in name for name in found)


def test_where_opt_ml_is_elsewhere_the_variables_say_so() -> None:
    found = variables(Place("/somewhere/ml"))
    assert found["SAGEMAKER_BASE_DIR"] == "/somewhere/ml"
    assert found["SM_MODEL_DIR"] == "/somewhere/ml/model"
    assert found["SM_CHECKPOINT_DIR"] == "/somewhere/ml/checkpoints"


@pytest.mark.parametrize(
    ("path", "seen"), [("/opt/ml/c/d", "/ml/c/d"), ("/opt/ml/c/", "/ml/c"), ("//opt/ml//c/.", "/ml/c")]
)
def test_the_checkpoint_folder_that_the_request_names(path: str, seen: str) -> None:
    config = {"S3Uri": "s3://bucket/c", "LocalPath": path}
    assert variables(Place("/ml"), CheckpointConfig=config)["SM_CHECKPOINT_DIR"] == seen


def test_the_requests_own_variables_win() -> None:
    assert variables(CONTAINER, Environment={"SM_MODEL_DIR": "/mine"})["SM_MODEL_DIR"] == "/mine"


@pytest.mark.parametrize("value", ["[" * 100_000, "9" * 10_000, "NaN", ""])
def test_any_hyperparameter_can_be_a_variable(value: str) -> None:
    assert "SM_HP_X" in variables(CONTAINER, HyperParameters={"x": value})


@pytest.mark.parametrize(
    ("code", "signal", "file", "reason"),
    [
        (1, None, "", "AlgorithmError: , exit code: 1"),
        (2, None, "no data", "AlgorithmError: no data, exit code: 2"),
        (None, "SIGKILL", "", "AlgorithmError: , exit code: 137"),
        (None, "SIGTERM", "", "AlgorithmError: , exit code: 143"),
        (None, "SIGSEGV", "", "AlgorithmError: , exit code: 139"),
        (None, "SIGRTMIN+1", "", "AlgorithmError: , exit code: 163"),
        (1, None, "x" * 2000, f"AlgorithmError: {'x' * 994}, exit code: 1"),
        (None, None, "", LOST),
    ],
)
def test_failure_reason(code: int | None, signal: str | None, file: str, reason: str) -> None:
    assert TRAINING.failure_reason(code, signal, file) == reason


def test_the_log_stream_has_the_time_of_the_start() -> None:
    stream = TRAINING.log_stream("digits-1", START)
    assert stream == ("/aws/sagemaker/TrainingJobs", f"digits-1/algo-1-{int(START.timestamp())}")


def view(phase: Phase, **members: Any) -> View:
    known: dict[str, Any] = {
        "kind": Kind.TRAINING,
        "name": "digits-1",
        "request": training(HyperParameters={"lr": "0.1"}),
        "state": State(phase),
        "created": START,
        "modified": START,
    }
    return View(**(known | members))


def test_describe_of_a_job_that_has_just_been_created() -> None:
    answer = TRAINING.describe(view(Phase.PENDING), ARN)
    assert answer["TrainingJobArn"] == ARN
    assert (answer["TrainingJobStatus"], answer["SecondaryStatus"]) == ("InProgress", "Starting")
    assert answer["StoppingCondition"] == {"MaxRuntimeInSeconds": 86_400}
    assert answer["ModelArtifacts"] == {"S3ModelArtifacts": "s3://bucket/out/digits-1/output/model.tar.gz"}
    assert answer["HyperParameters"] == {"lr": "0.1"}
    absent = {"TrainingStartTime", "TrainingEndTime", "FailureReason", "TuningJobArn", "FinalMetricDataList"}
    assert absent & set(answer) == set()


def test_describe_of_a_job_that_was_stopped() -> None:
    end = START + timedelta(seconds=90)
    history = [Transition("Stopping", "Stopping the training job", START, end), Transition("Stopped", "bye", end, None)]
    stopped = view(
        Phase.STOPPED,
        state=State(Phase.STOPPED, Cause.REQUESTED),
        started=START,
        ended=end,
        transitions=history,
        failure="ignored",
        parent="search-1",
        results={"metrics": [{"name": "accuracy", "value": 0.5, "time": START}]},
    )
    answer = TRAINING.describe(stopped, ARN)
    assert (answer["TrainingJobStatus"], answer["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert answer["SecondaryStatusTransitions"] == [
        {"Status": "Stopping", "StatusMessage": "Stopping the training job", "StartTime": START, "EndTime": end},
        {"Status": "Stopped", "StatusMessage": "bye", "StartTime": end},
    ]
    assert answer["TrainingTimeInSeconds"] == answer["BillableTimeInSeconds"] == 90
    assert answer["TuningJobArn"].endswith(":123456789012:hyper-parameter-tuning-job/search-1")
    assert answer["FinalMetricDataList"] == [{"MetricName": "accuracy", "Value": 0.5, "Timestamp": START}]
    assert "FailureReason" not in answer


def test_describe_of_a_job_that_failed() -> None:
    answer = TRAINING.describe(view(Phase.FAILED, failure="AlgorithmError: , exit code: 1"), ARN)
    assert (answer["TrainingJobStatus"], answer["FailureReason"]) == ("Failed", "AlgorithmError: , exit code: 1")
