"""Create requests for tests: valid ones, and what to change in them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

Request = dict[str, Any]
ROLE = "arn:aws:iam::123456789012:role/any"


def training(**members: Any) -> Request:
    """A CreateTrainingJob request, with members added or replaced; None takes one away."""
    request: Request = {
        "TrainingJobName": "digits-1",
        "RoleArn": ROLE,
        "AlgorithmSpecification": {"ContainerEntrypoint": ["python"], "ContainerArguments": ["train.py"]},
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/out/"},
    }
    return _with(request, members)


def compilation(**members: Any) -> Request:
    """A CreateCompilationJob request."""
    request: Request = {
        "CompilationJobName": "trees-1",
        "RoleArn": ROLE,
        "InputConfig": {"S3Uri": "s3://bucket/models/model.tar.gz", "Framework": "XGBOOST", "DataInputConfig": ""},
        "OutputConfig": {"S3OutputLocation": "s3://bucket/compiled", "TargetDevice": "ml_c5"},
        "StoppingCondition": {"MaxRuntimeInSeconds": 900},
    }
    return _with(request, members)


def tuning(change: Callable[[Request], object] | None = None, **members: Any) -> Request:
    """A CreateHyperParameterTuningJob request; `change` may alter it in place."""
    request: Request = {
        "HyperParameterTuningJobName": "search-1",
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "accuracy"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2},
            "ParameterRanges": {
                "ContinuousParameterRanges": [{"Name": "rate", "MinValue": "0.001", "MaxValue": "0.1"}],
                "IntegerParameterRanges": [{"Name": "depth", "MinValue": "1", "MaxValue": "9"}],
                "CategoricalParameterRanges": [{"Name": "loss", "Values": ["log", "hinge"]}],
            },
        },
        "TrainingJobDefinition": {
            "StaticHyperParameters": {"epochs": "3"},
            "AlgorithmSpecification": {
                "TrainingImage": "digits",
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "accuracy", "Regex": "accuracy=([0-9.]+)"}],
            },
            "RoleArn": ROLE,
            "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        },
    }
    request = _with(request, members)
    if change is not None:
        change(request)
    return request


def tag(key: str, value: str) -> list[dict[str, str]]:
    """`Tags` with one tag."""
    return [{"Key": key, "Value": value}]


def _with(request: Request, members: Request) -> Request:
    changed = copy.deepcopy(request) | copy.deepcopy(members)
    return {name: value for name, value in changed.items() if value is not None}
