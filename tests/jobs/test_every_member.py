"""Every member of SageMaker's service model is accepted, and shown by Describe where Describe has it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.validate import ParamValidator

from runner.jobs.base import Defaults, Kind, View
from runner.jobs.children import OBJECTIVE_PARAMETER
from runner.jobs.reading import KnownFault
from runner.jobs.types import TYPES
from runner.lifecycle.phases import Phase
from runner.lifecycle.transitions import State
from tests.jobs.generated import OPERATIONS, created, described, whole
from tests.jobs.requests import compilation, training, tuning

START = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
WHOLE = [
    # Of these pairs a request may have one.
    pytest.param(Kind.COMPILATION, ["TargetPlatform"], id="compilation for a device"),
    pytest.param(Kind.COMPILATION, ["TargetDevice"], id="compilation for a platform"),
    pytest.param(Kind.TRAINING, [], id="training"),
    pytest.param(Kind.TUNING, ["TrainingJobDefinitions"], id="tuning with one definition"),
    pytest.param(Kind.TUNING, ["TrainingJobDefinition"], id="tuning with several definitions"),
    pytest.param(
        Kind.TUNING, ["TrainingJobDefinitions", "TuningObjective", "HyperParameterRanges"], id="tuning by its config"
    ),
]


def describe(kind: Kind, request: dict[str, Any], phase: Phase = Phase.RUNNING, **members: Any) -> dict[str, Any]:
    spec = TYPES[kind].parse(request, Defaults())
    view = View(kind, spec.name, request, State(phase), START, START, **members)
    arn = f"arn:aws:sagemaker:us-east-1:123456789012:{TYPES[kind].arn_type}/{spec.name}"
    return TYPES[kind].describe(view, arn)


def without_what_aws_adds(member: str, value: Any) -> Any:
    """Of a tuning job: its definitions as they came."""
    definitions = [value] if member == "TrainingJobDefinition" else value
    if member.startswith("TrainingJobDefinition"):
        for definition in definitions:
            del definition["StaticHyperParameters"][OBJECTIVE_PARAMETER]
    return value


@pytest.mark.parametrize(("kind", "left_out"), WHOLE)
def test_what_a_request_has_describe_shows(kind: Kind, left_out: list[str]) -> None:
    request = whole(kind, *left_out)
    shown = describe(kind, request)
    both = set(created(kind).members) & set(described(kind).members) - set(left_out)
    assert len(both) > 4
    assert {member: without_what_aws_adds(member, shown.get(member)) for member in both} == {
        member: request[member] for member in both
    }


@pytest.mark.parametrize("kind", Kind)
def test_every_member_of_the_model_is_in_one_of_these_requests(kind: Kind) -> None:
    covered = {member for case in WHOLE if case.values[0] is kind for member in whole(kind, *case.values[1])}  # type: ignore[misc]
    assert covered == set(created(kind).members)


@pytest.mark.parametrize("phase", [Phase.PENDING, Phase.RUNNING, Phase.STOPPED, Phase.FAILED, Phase.COMPLETED])
@pytest.mark.parametrize(("kind", "left_out"), WHOLE)
def test_an_answer_is_valid_under_the_model(kind: Kind, left_out: list[str], phase: Phase) -> None:
    children = [
        {"name": "t", "status": "Completed", "hyperparameters": {"a": "1"}, "objective": 0.5, "created": START},
        {"name": "u", "status": "Failed", "hyperparameters": {}, "objective": None, "failure": "x", "ended": START},
    ]
    metrics = [{"name": "accuracy", "value": 0.5, "time": START}]
    found = {"children": children} if kind is Kind.TUNING else {"metrics": metrics, "artifacts": "s3://bucket/a"}
    ended = START if phase.is_terminal else None
    answer = describe(kind, whole(kind, *left_out), phase, started=START, ended=ended, failure="why", results=found)
    report = ParamValidator().validate(answer, described(kind))
    assert not report.has_errors(), report.generate_report()


@pytest.mark.parametrize(
    ("kind", "request_"),
    [
        (Kind.COMPILATION, compilation(InputConfig={"S3Uri": "s3://bucket/m", "Framework": "ONNX"})),
        (Kind.TRAINING, training(AlgorithmSpecification=None)),
        (Kind.TUNING, tuning()),
    ],
)
def test_answers_to_the_smallest_requests_are_valid_too(kind: Kind, request_: dict[str, Any]) -> None:
    report = ParamValidator().validate(describe(kind, request_), described(kind))
    assert not report.has_errors(), report.generate_report()


def test_a_training_needs_only_what_the_model_requires() -> None:
    request = {name: whole(Kind.TRAINING)[name] for name in created(Kind.TRAINING).required_members}
    assert set(request) == {"TrainingJobName", "RoleArn", "OutputDataConfig"}
    assert TYPES[Kind.TRAINING].parse(request, Defaults()).no_command.startswith("ClientError: No command to run")
    assert describe(Kind.TRAINING, request)["ResourceConfig"] == {"InstanceCount": 1}


def test_a_model_package_alone_is_refused_and_beside_an_input_shown() -> None:
    arn = "arn:aws:sagemaker:us-east-1:1:model-package/a/1"
    with pytest.raises(KnownFault, match="must stand beside an InputConfig, with S3Uri and Framework"):
        TYPES[Kind.COMPILATION].parse(compilation(InputConfig=None, ModelPackageVersionArn=arn), Defaults())
    request = compilation(ModelPackageVersionArn=arn)
    assert list(TYPES[Kind.COMPILATION].parse(request, Defaults()).channels)
    shown = describe(Kind.COMPILATION, request)
    assert (shown["ModelPackageVersionArn"], shown["InputConfig"]) == (arn, request["InputConfig"])


def test_what_the_python_sdk_reads_of_any_training() -> None:
    shown = describe(Kind.TRAINING, training())
    assert {"TrainingJobStatus", "SecondaryStatusTransitions", "LastModifiedTime", "ModelArtifacts"} <= set(shown)
    assert shown["ResourceConfig"]["InstanceCount"] == 1


def test_the_operations_are_those_of_the_job_types() -> None:
    assert {TYPES[kind].name_member for kind in Kind} == {f"{name}Name" for name in OPERATIONS.values()}
