"""From Python arguments to the API's own Create requests."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from runner.errors import InvalidRequest
from runner.jobs.shared import DEFAULT_MAX_RUNTIME, GRACE_TAG, ISOLATION_TAG
from runner.lifecycle.stops import Isolation, check_grace

_ROLE = "arn:aws:iam::123456789012:role/runner"
"""Required by the API, and used by nobody here."""
_OUTPUTS = "s3://runner-outputs"
_INPUTS = "s3://runner-inputs"

Request = dict[str, Any]
Paths = Mapping[str, str | os.PathLike[str]]
"""A file or folder of this machine, or an S3 URI."""
Tags = list[dict[str, str]]


class Objective(NamedTuple):
    """What a tuning job looks for in the logs of its trainings."""

    name: str
    regex: str
    """Its first group is the number, as in `MetricDefinitions`."""
    goal: Literal["Maximize", "Minimize"] = "Maximize"


class Input(NamedTuple):
    """Input of a job: an object, or what lies below a prefix."""

    uri: str
    path: Path | None
    """File or folder of this machine that has to be put there first."""


class Training(NamedTuple):
    """What is run, as a training job or as the trainings of a tuning job."""

    command: Sequence[str]
    environment: Mapping[str, str] | None
    hyperparameters: Mapping[str, Any] | None
    inputs: Mapping[str, str]
    """Channel -> S3 URI."""
    max_runtime: int | None


def channels(inputs: Paths | None, job: str) -> dict[str, Input]:
    """Channel -> its input. Raises InvalidRequest for a path at which there is nothing."""
    return {name: input_of(f"inputs.{name}", path, f"{job}/{name}") for name, path in (inputs or {}).items()}


def input_of(field: str, path: str | os.PathLike[str], key: str) -> Input:
    """One input; a path of this machine gets a place in the object store, `key`, that is the job's own."""
    text = os.fspath(path)
    if text.startswith(("s3://", "https://")):
        return Input(text, None)
    local = Path(text).absolute()
    if not os.access(local, os.R_OK):
        raise InvalidRequest(field, f"must be a file or folder that can be read, or an S3 URI, not {text!r}")
    uri = f"{_INPUTS}/{key}"
    return Input(uri if local.is_dir() else f"{uri}/{local.name}", local)


def uris(inputs: Mapping[str, Input]) -> dict[str, str]:
    """Channel -> S3 URI."""
    return {name: one.uri for name, one in inputs.items()}


def tags(grace: float | None, isolation: str | Isolation | None, more: Mapping[str, str] | None) -> Tags:
    """`Tags` of a request: what a job wishes of this runner, and the caller's own. Raises InvalidRequest."""
    found = dict(more or {})
    if grace is not None:
        found[GRACE_TAG] = repr(checked_grace(grace))
    if isolation is not None:
        found[ISOLATION_TAG] = _isolation(isolation).value
    return [{"Key": name, "Value": value} for name, value in found.items()]


def checked_grace(grace: float) -> float:
    """The grace, or InvalidRequest with the rule that it breaks."""
    try:
        return check_grace(grace)
    except ValueError as error:
        raise InvalidRequest("grace", str(error)) from None


def training(name: str, of: Training, wishes: Tags, checkpoint_uri: str | None = None) -> Request:
    """CreateTrainingJob."""
    checkpoints = {} if checkpoint_uri is None else {"CheckpointConfig": {"S3Uri": checkpoint_uri}}
    return {
        "TrainingJobName": name,
        **_definition(of),
        "HyperParameters": _texts(of.hyperparameters),
        "Tags": wishes,
        **checkpoints,
    }


def compilation(name: str, model: str, framework: str, target: str, max_runtime: int) -> Request:
    """CreateCompilationJob."""
    return {
        "CompilationJobName": name,
        "RoleArn": _ROLE,
        "InputConfig": {"S3Uri": model, "Framework": framework.upper()},
        "OutputConfig": {"S3OutputLocation": f"{_OUTPUTS}/{name}", "TargetDevice": target},
        "StoppingCondition": {"MaxRuntimeInSeconds": max_runtime},
    }


def tuning(name: str, search: Request, of: Training, objective: Objective, wishes: Tags) -> Request:
    """CreateHyperParameterTuningJob."""
    definition = _definition(of)
    definition["AlgorithmSpecification"]["MetricDefinitions"] = [{"Name": objective.name, "Regex": objective.regex}]
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": search,
        "TrainingJobDefinition": {**definition, "StaticHyperParameters": _texts(of.hyperparameters)},
        "Tags": wishes,
    }


def search(
    ranges: Mapping[str, Sequence[Any]], objective: Objective, max_jobs: int, max_parallel: int, strategy: str
) -> Request:
    """`HyperParameterTuningJobConfig`."""
    return {
        "Strategy": strategy,
        "HyperParameterTuningJobObjective": {"Type": objective.goal, "MetricName": objective.name},
        "ResourceLimits": {"MaxNumberOfTrainingJobs": max_jobs, "MaxParallelTrainingJobs": max_parallel},
        "ParameterRanges": _ranges(ranges),
    }


def _definition(of: Training) -> Request:
    if isinstance(of.command, str) or not of.command:
        raise InvalidRequest("command", f"must be a list of words, at least one, not {of.command!r}")
    channels = [
        {"ChannelName": channel, "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}}
        for channel, uri in of.inputs.items()
    ]
    return {
        "RoleArn": _ROLE,
        "AlgorithmSpecification": {
            "TrainingInputMode": "File",
            "ContainerEntrypoint": [str(word) for word in of.command],
        },
        "OutputDataConfig": {"S3OutputPath": _OUTPUTS},
        **({"InputDataConfig": channels} if channels else {}),
        "Environment": dict(of.environment or {}),
        "StoppingCondition": {"MaxRuntimeInSeconds": DEFAULT_MAX_RUNTIME if of.max_runtime is None else of.max_runtime},
    }


def _isolation(value: str | Isolation) -> Isolation:
    try:
        return Isolation(value)
    except ValueError:
        known = ", ".join(isolation.value for isolation in Isolation)
        raise InvalidRequest("isolation", f"must be one of {known}, not {value!r}") from None


def _texts(values: Mapping[str, Any] | None) -> dict[str, str]:
    """Hyperparameters are texts on the wire."""
    return {name: str(value) for name, value in (values or {}).items()}


def _ranges(ranges: Mapping[str, Sequence[Any]]) -> Request:
    found: Request = {
        "IntegerParameterRanges": [],
        "ContinuousParameterRanges": [],
        "CategoricalParameterRanges": [],
    }
    for name, values in ranges.items():
        if not isinstance(values, tuple):
            found["CategoricalParameterRanges"].append({"Name": name, "Values": [str(value) for value in values]})
            continue
        if len(values) != 2:
            raise InvalidRequest(f"ranges.{name}", f"must be (lowest, highest) or a list of values, not {values!r}")
        whole = all(isinstance(value, int) for value in values)
        low, high = values
        found["IntegerParameterRanges" if whole else "ContinuousParameterRanges"].append(
            {"Name": name, "MinValue": str(low), "MaxValue": str(high)}
        )
    return found
