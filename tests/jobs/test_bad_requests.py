"""What is wrong with a request is named by its member, with the rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runner.errors import InvalidRequest
from runner.jobs.base import Defaults, JobType, Kind
from runner.jobs.compilation import COMPILATION
from runner.jobs.training import TRAINING
from runner.jobs.tuning import TUNING
from tests.jobs.requests import Request, compilation, tag, training, tuning


def refusal(job: JobType, request: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as refused:
        job.parse(request, Defaults())
    return refused.value


@pytest.mark.parametrize(
    ("job", "request_", "member"),
    [
        *((TRAINING, training(**{m: None}), m) for m in ("TrainingJobName", "RoleArn", "OutputDataConfig")),
        *(
            (COMPILATION, compilation(**{m: None}), m)
            for m in ("CompilationJobName", "RoleArn", "InputConfig", "OutputConfig", "StoppingCondition")
        ),
        *(
            (TUNING, tuning(**{m: None}), m)
            for m in ("HyperParameterTuningJobName", "HyperParameterTuningJobConfig", "TrainingJobDefinition")
        ),
    ],
)
def test_a_required_member_is_missing(job: JobType, request_: Request, member: str) -> None:
    refused = refusal(job, request_)
    assert (refused.field, refused.rule) == (member, "is required")


def channel(name: str = "train", uri: str = "s3://bucket/in", **members: Any) -> Request:
    return {"ChannelName": name, "DataSource": {"S3DataSource": {"S3Uri": uri}}, **members}


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"TrainingJobName": 7}, "TrainingJobName"),
        ({"RoleArn": ["x"]}, "RoleArn"),
        ({"OutputDataConfig": {"S3OutputPath": "/tmp/out"}}, "OutputDataConfig.S3OutputPath"),
        ({"OutputDataConfig": {"S3OutputPath": "s3://bucket/a/../b"}}, "OutputDataConfig.S3OutputPath"),
        ({"OutputDataConfig": {"S3OutputPath": "s3://../b"}}, "OutputDataConfig.S3OutputPath"),
        ({"OutputDataConfig": "s3://bucket"}, "OutputDataConfig"),
        (
            {"OutputDataConfig": {"S3OutputPath": "s3://bkt", "CompressionType": "ZIP"}},
            "OutputDataConfig.CompressionType",
        ),
        ({"StoppingCondition": {"MaxRuntimeInSeconds": 0}}, "StoppingCondition.MaxRuntimeInSeconds"),
        ({"StoppingCondition": {"MaxRuntimeInSeconds": True}}, "StoppingCondition.MaxRuntimeInSeconds"),
        ({"StoppingCondition": {"MaxRuntimeInSeconds": 1.5}}, "StoppingCondition.MaxRuntimeInSeconds"),
        ({"HyperParameters": {"lr": 0.1}}, "HyperParameters.lr"),
        ({"HyperParameters": {"lr": {"a": "b"}}}, "HyperParameters.lr"),
        ({"HyperParameters": ["lr"]}, "HyperParameters"),
        ({"HyperParameters": {"lr": "a\0b"}}, "HyperParameters.lr"),
        ({"HyperParameters": {"lr": "\ud800"}}, "HyperParameters.lr"),
        ({"Environment": {"1X": "y"}}, "Environment"),
        ({"Environment": {"A=B": "y"}}, "Environment"),
        ({"Environment": {"A": 1}}, "Environment.A"),
        ({"InputDataConfig": [channel("a/b")]}, "InputDataConfig[0].ChannelName"),
        ({"InputDataConfig": [channel("..")]}, "InputDataConfig[0].ChannelName"),
        ({"InputDataConfig": [channel("a"), channel("a")]}, "InputDataConfig[1].ChannelName"),
        ({"InputDataConfig": [channel(uri="bucket/in")]}, "InputDataConfig[0].DataSource.S3DataSource.S3Uri"),
        ({"InputDataConfig": [channel(InputMode="Stream")]}, "InputDataConfig[0].InputMode"),
        ({"InputDataConfig": [{"ChannelName": "a"}]}, "InputDataConfig[0].DataSource"),
        ({"InputDataConfig": [{"ChannelName": "a", "DataSource": {}}]}, "InputDataConfig[0].DataSource"),
        (
            {"InputDataConfig": [{"ChannelName": "a", "DataSource": {"S3DataSource": {"S3Uri": "s3://b/../c"}}}]},
            "InputDataConfig[0].DataSource.S3DataSource.S3Uri",
        ),
        ({"InputDataConfig": "train"}, "InputDataConfig"),
        ({"AlgorithmSpecification": {"ContainerEntrypoint": "python"}}, "AlgorithmSpecification.ContainerEntrypoint"),
        ({"AlgorithmSpecification": {"TrainingInputMode": "Stream"}}, "AlgorithmSpecification.TrainingInputMode"),
        ({"ResourceConfig": {"InstanceCount": -1}}, "ResourceConfig.InstanceCount"),
        ({"ResourceConfig": {"InstanceGroups": [{}]}}, "ResourceConfig.InstanceGroups[0].InstanceCount"),
        ({"CheckpointConfig": {}}, "CheckpointConfig.S3Uri"),
        ({"CheckpointConfig": {"S3Uri": "s3://bucket/c", "LocalPath": "c"}}, "CheckpointConfig.LocalPath"),
        ({"CheckpointConfig": {"S3Uri": "s3://bucket/c", "LocalPath": "/opt/ml/../x"}}, "CheckpointConfig.LocalPath"),
        ({"CheckpointConfig": {"S3Uri": "s3://bucket/c", "LocalPath": "/opt/ml/"}}, "CheckpointConfig.LocalPath"),
        ({"Tags": tag("runner:grace", "5")}, "Tags[0].Key"),
        ({"Tags": [*tag("a", "1"), *tag("a", "2")]}, "Tags[1].Key"),
        ({"Tags": tag("runner:isolation", "chroot")}, "Tags.runner:isolation"),
        *(
            ({"Tags": tag("runner:grace-seconds", grace)}, "Tags.runner:grace-seconds")
            for grace in ("-1", "nan", "inf", "86401", "soon", "")
        ),
    ],
)
def test_training(members: Request, field: str) -> None:
    assert refusal(TRAINING, training(**members)).field == field


@pytest.mark.parametrize("request_", [None, [], "x"])
def test_a_request_is_an_object(request_: object) -> None:
    assert refusal(TRAINING, request_).field == "request"


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"InputConfig": {"S3Uri": "s3://bucket", "Framework": "XGBOOST"}}, "InputConfig.S3Uri"),
        ({"InputConfig": {"S3Uri": "s3://bucket/m"}}, "InputConfig.Framework"),
        ({"InputConfig": {"S3Uri": "s3://bucket/m", "Framework": "xgboost"}}, "InputConfig.Framework"),
        ({"OutputConfig": {"S3OutputLocation": "s3://bucket"}}, "OutputConfig"),
        ({"OutputConfig": {"S3OutputLocation": "s3://bkt", "TargetDevice": "a/b"}}, "OutputConfig.TargetDevice"),
        (
            {"OutputConfig": {"S3OutputLocation": "s3://bkt", "TargetPlatform": {"Os": "MAC", "Arch": "ARM64"}}},
            "OutputConfig.TargetPlatform.Os",
        ),
        ({"StoppingCondition": {"MaxRuntimeInSeconds": -1}}, "StoppingCondition.MaxRuntimeInSeconds"),
    ],
)
def test_compilation(members: Request, field: str) -> None:
    assert refusal(COMPILATION, compilation(**members)).field == field


CONFIG, DEFINITION = "HyperParameterTuningJobConfig", "TrainingJobDefinition"


def setting(path: str, value: Any) -> Callable[[Request], None]:
    """A change: the member at `path` becomes `value`, or goes away if that is None."""

    def change(request: Request) -> None:
        *parents, last = path.split(".")
        for parent in parents:
            request = request[parent]
        if value is None:
            del request[last]
        else:
            request[last] = value

    return change


def integers(**members: str) -> dict[str, Any]:
    return {"IntegerParameterRanges": [{"Name": "n", "MinValue": "1", "MaxValue": "9"} | members]}


def continuous(**members: str) -> dict[str, Any]:
    return {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "0.5"} | members]}


RANGES = f"{CONFIG}.ParameterRanges"
INTEGER, CONFIGS = "IntegerParameterRanges[0]", "HyperParameterTuningResourceConfig.InstanceConfigs"
INTEGERS, CONTINUOUS = f"{RANGES}.IntegerParameterRanges[0]", f"{RANGES}.ContinuousParameterRanges[0]"
METRICS = f"{DEFINITION}.AlgorithmSpecification.MetricDefinitions"


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (f"{CONFIG}.Strategy", None, f"{CONFIG}.Strategy"),
        (f"{CONFIG}.Strategy", "Luck", f"{CONFIG}.Strategy"),
        (f"{CONFIG}.Strategy", "Grid", f"{RANGES}.IntegerParameterRanges"),
        (f"{CONFIG}.ResourceLimits", None, f"{CONFIG}.ResourceLimits"),
        (f"{CONFIG}.ResourceLimits", {}, f"{CONFIG}.ResourceLimits.MaxParallelTrainingJobs"),
        (
            f"{CONFIG}.ResourceLimits",
            {"MaxParallelTrainingJobs": 1},
            f"{CONFIG}.ResourceLimits.MaxNumberOfTrainingJobs",
        ),
        (f"{CONFIG}.HyperParameterTuningJobObjective", None, f"{CONFIG}.HyperParameterTuningJobObjective"),
        (f"{CONFIG}.HyperParameterTuningJobObjective.MetricName", "loss", METRICS),
        (f"{CONFIG}.RandomSeed", 2**31, f"{CONFIG}.RandomSeed"),
        (RANGES, None, RANGES),
        (RANGES, {}, RANGES),
        (RANGES, integers(MinValue="one"), f"{INTEGERS}.MinValue"),
        (RANGES, integers(MaxValue="1.5"), f"{INTEGERS}.MaxValue"),
        (RANGES, integers(MinValue="10"), f"{INTEGERS}.MinValue"),
        (RANGES, integers(ScalingType="ReverseLogarithmic"), f"{INTEGERS}.ScalingType"),
        (RANGES, integers(MaxValue="3"), RANGES),
        (RANGES, continuous(MaxValue="nan"), f"{CONTINUOUS}.MaxValue"),
        (RANGES, continuous(ScalingType="Logarithmic"), f"{CONTINUOUS}.MinValue"),
        (RANGES, continuous(ScalingType="ReverseLogarithmic", MaxValue="1"), CONTINUOUS),
        (RANGES, continuous(Name="epochs"), f"{DEFINITION}.StaticHyperParameters"),
        (RANGES, continuous() | integers(Name="x"), f"{CONTINUOUS}.Name"),
        (f"{DEFINITION}.RoleArn", None, f"{DEFINITION}.RoleArn"),
        (f"{DEFINITION}.StaticHyperParameters", {"epochs": 3}, f"{DEFINITION}.StaticHyperParameters.epochs"),
        (f"{DEFINITION}.OutputDataConfig.S3OutputPath", "out", f"{DEFINITION}.OutputDataConfig.S3OutputPath"),
        (f"{DEFINITION}.Environment", {"1": "x"}, f"{DEFINITION}.Environment"),
        (METRICS, [], METRICS),
        (METRICS, [{"Name": "accuracy"}], f"{METRICS}[0].Regex"),
        (METRICS, [{"Name": "accuracy", "Regex": "accuracy=(["}], f"{METRICS}[0].Regex"),
        (METRICS, [{"Name": "accuracy", "Regex": "accuracy=[0-9]+"}], f"{METRICS}[0].Regex"),
        ("TrainingJobDefinitions", [{}], "TrainingJobDefinitions"),
        (RANGES, {"AutoParameters": [{"Name": "x"}]}, f"{RANGES}.AutoParameters[0].ValueHint"),
        (
            RANGES,
            continuous() | {"AutoParameters": [{"Name": "x", "ValueHint": "1"}]},
            f"{RANGES}.AutoParameters[0].Name",
        ),
    ],
)
def test_tuning(path: str, value: Any, field: str) -> None:
    assert refusal(TUNING, tuning(setting(path, value))).field == field


def test_resources_of_trainings_are_named_as_the_definition_has_them() -> None:
    def change(request: Request) -> None:
        del request[DEFINITION]["ResourceConfig"]
        request[DEFINITION]["HyperParameterTuningResourceConfig"] = {"InstanceCount": -3}

    field = refusal(TUNING, tuning(change)).field
    assert field == f"{DEFINITION}.HyperParameterTuningResourceConfig.InstanceCount"


def definition(number: int, **members: Any) -> dict[str, Any]:
    """One of several definitions, with an objective and ranges of its own."""
    own = {"TuningObjective": {"Type": "Maximize", "MetricName": "accuracy"}, "HyperParameterRanges": continuous()}
    found: dict[str, Any] = tuning()[DEFINITION]
    return found | own | {"DefinitionName": f"d{number}"} | members


FIRST = "TrainingJobDefinitions[0]"


@pytest.mark.parametrize(
    ("definitions", "field"),
    [
        ([], "TrainingJobDefinitions"),
        ([definition(number) for number in range(11)], "TrainingJobDefinitions"),
        ([definition(0), definition(1, DefinitionName="d0")], "TrainingJobDefinitions[1].DefinitionName"),
        ([definition(0), definition(1, RoleArn=None)], "TrainingJobDefinitions[1].RoleArn"),
        ([definition(0, HyperParameterRanges=None)], f"{FIRST}.HyperParameterRanges"),
        (
            [definition(0, HyperParameterRanges=integers(MinValue="x"))],
            f"{FIRST}.HyperParameterRanges.{INTEGER}.MinValue",
        ),
        ([definition(0, TuningObjective=None)], f"{FIRST}.TuningObjective"),
        (
            [definition(0, TuningObjective={"Type": "Maximize", "MetricName": "loss"})],
            f"{FIRST}.AlgorithmSpecification.MetricDefinitions",
        ),
        ([definition(0, StaticHyperParameters={"x": "1"})], f"{FIRST}.StaticHyperParameters"),
        ([definition(0, HyperParameterRanges=integers(MaxValue="3"))], f"{FIRST}.HyperParameterRanges"),
        (
            [definition(number, HyperParameterRanges=integers(MaxValue="1")) for number in range(3)],
            "TrainingJobDefinitions",
        ),
        ([definition(0, HyperParameterTuningResourceConfig={"InstanceConfigs": "x"})], f"{FIRST}.{CONFIGS}"),
    ],
)
def test_several_definitions(definitions: list[dict[str, Any]], field: str) -> None:
    def change(request: Request) -> None:
        del request[DEFINITION]
        for name in ("ParameterRanges", "HyperParameterTuningJobObjective"):
            del request[CONFIG][name]
        request["TrainingJobDefinitions"] = definitions

    assert refusal(TUNING, tuning(change)).field == field


def test_a_default_grace_that_cannot_be_kept() -> None:
    with pytest.raises(InvalidRequest, match=r"grace\.training: must be from 0"):
        Defaults(grace={Kind.TRAINING: float("nan")})
