"""A request under the model: what AWS would say of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.model import DenormalizedStructureBuilder, ListShape, MapShape, Shape, ShapeResolver, StructureShape

from runner.wire import model
from runner.wire.calls import Fault
from runner.wire.validation import checked, compiled

ROLE = "arn:aws:iam::123456789012:role/any"


def fault(operation: str, request: object) -> Fault:
    with pytest.raises(Fault) as caught:
        checked(model.operation(operation).input_shape, request)
    assert caught.value.status == 400
    return caught.value


def training(**members: Any) -> dict[str, Any]:
    whole = {"TrainingJobName": "a", "RoleArn": ROLE, "OutputDataConfig": {"S3OutputPath": "s3://b/c"}}
    return {**whole, **members}


def stopping(name: object) -> str:
    found = fault("StopHyperParameterTuningJob", {"HyperParameterTuningJobName": name})
    assert found.code == "ValidationException"
    return found.message


def test_names_as_long_as_they_may_be() -> None:
    tuning = model.operation("StopHyperParameterTuningJob").input_shape
    compilation = model.operation("StopCompilationJob").input_shape
    for shape, member, longest in (
        (tuning, "HyperParameterTuningJobName", 32),
        (compilation, "CompilationJobName", 63),
    ):
        for name in ("a", "a" * longest, "a-1", "0--0"):
            assert checked(shape, {member: name}) == {member: name}


def test_every_rule_that_is_broken_is_in_one_message() -> None:
    name = "-" + "a" * 32
    assert stopping(name) == (
        f"2 validation errors detected: Value '{name}' at 'hyperParameterTuningJobName' failed to satisfy constraint: "
        f"Member must have length less than or equal to 32; Value '{name}' at 'hyperParameterTuningJobName' failed to "
        "satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}"
    )


@pytest.mark.parametrize("name", ["", "a-", "a\n", "a b", "ä", "a_b"])
def test_a_pattern_is_of_the_whole_name(name: str) -> None:
    assert "Member must satisfy regular expression pattern" in stopping(name)


def test_a_member_that_must_be_there() -> None:
    assert fault("StopTrainingJob", {}).message == (
        "1 validation error detected: Value null at 'trainingJobName' failed to satisfy constraint: "
        "Member must not be null"
    )
    assert fault("StopTrainingJob", {"TrainingJobName": None}).message == fault("StopTrainingJob", {}).message


@pytest.mark.parametrize(
    ("members", "path", "rule"),
    [
        ({"StoppingCondition": {"MaxRuntimeInSeconds": 0}}, "stoppingCondition.maxRuntimeInSeconds", "value greater"),
        ({"ResourceConfig": {"VolumeSizeInGB": -1}}, "resourceConfig.volumeSizeInGB", "value greater than"),
        ({"Tags": [{"Key": "", "Value": "x"}]}, "tags.1.member.key", "length greater than or equal to 1"),
        ({"Tags": [{"Key": "a", "Value": "x"}, {"Key": "b"}]}, "tags.2.member.value", "not be null"),
        ({"Tags": [None]}, "tags.1.member", "not be null"),
        ({"AlgorithmSpecification": {"TrainingInputMode": "Tape"}}, "trainingInputMode", "enum value set: [Pipe, File"),
        ({"Tags": [{"Key": str(n), "Value": ""} for n in range(51)]}, "tags", "length less than or equal to 50"),
        (
            {"AlgorithmSpecification": {"TrainingInputMode": "File", "ContainerEntrypoint": ["x", ""]}},
            "algorithmSpecification.containerEntrypoint",
            "Member must satisfy constraint: [Member must have length less than or equal to 256, Member must have "
            "length greater than or equal to 0, Member must satisfy regular expression pattern: .*]",
        ),
        (
            {"HyperParameters": {"a": "x" * 2501}},
            "hyperParameters",
            "Map value must satisfy constraint: [Member must have length less than or equal to 2500",
        ),
        (
            {"Environment": {"1a": "x"}},
            "environment",
            "Map keys must satisfy constraint: [Member must have length less than or equal to 512, ",
        ),
        ({"Environment": {"a": None}}, "environment", "Map value must satisfy constraint: ["),
    ],
)
def test_rules(members: dict[str, Any], path: str, rule: str) -> None:
    if "ContainerEntrypoint" in str(members):
        members["AlgorithmSpecification"]["ContainerEntrypoint"][1] = "x" * 257
    found = fault("CreateTrainingJob", training(**members))
    assert found.code == "ValidationException"
    assert f"at '{path}' failed" in found.message or f".{path}' failed" in found.message
    assert rule in found.message


def test_values_are_shown_as_java_shows_them() -> None:
    found = fault("CreateTrainingJob", training(Environment={"a": "b", "1": "c"}))
    assert "Value '{a=b, 1=c}' at 'environment'" in found.message
    found = fault("CreateTrainingJob", training(VpcConfig={"Subnets": [], "SecurityGroupIds": ["a b"]}))
    assert "Value '[a b]' at 'vpcConfig.securityGroupIds'" in found.message
    assert "Value '[]' at 'vpcConfig.subnets' failed to satisfy constraint: Member must have length greater" in (
        found.message
    )


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ([], "Start of list can not be converted to a structure"),
        ("x", "STRING_VALUE can not be converted to a structure"),
        (None, "NULL_VALUE can not be converted to a structure"),
        (training(TrainingJobName=5), "NUMBER_VALUE can not be converted to a String at 'trainingJobName'"),
        (training(Tags={}), "Start of structure or map can not be converted to a list at 'tags'"),
        (training(HyperParameters={"a": 1}), "NUMBER_VALUE can not be converted to a String at 'hyperParameters.a'"),
        (training(Environment=[]), "Start of list can not be converted to a map at 'environment'"),
        (training(EnableNetworkIsolation="true"), "STRING_VALUE can not be converted to Boolean at 'enableNetw"),
        (
            training(StoppingCondition={"MaxRuntimeInSeconds": "5"}),
            "STRING_VALUE can not be converted to Integer at 'stoppingCondition.maxRuntimeInSeconds'",
        ),
        (training(StoppingCondition={"MaxRuntimeInSeconds": 5.5}), "NUMBER_VALUE can not be converted to Integer"),
        (training(StoppingCondition={"MaxRuntimeInSeconds": True}), "TRUE_VALUE can not be converted to Integer"),
        (training(StoppingCondition={"MaxRuntimeInSeconds": 2**31}), "the number 2147483648 can not be converted"),
        (training(TrainingJobName="\ud800"), "a lone surrogate can not be converted to a String"),
        (training(Environment={"\udfff": "a"}), "a lone surrogate can not be converted to a String"),
    ],
)
def test_what_cannot_be_read(request_: object, message: str) -> None:
    found = fault("CreateTrainingJob", request_)
    assert (found.code, found.message[: len(message)]) == ("SerializationException", message)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose clock on the wall is not that of UTC."""
    with monkeypatch.context() as zone:
        zone.setenv("TZ", "America/New_York")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    "value",
    [1.7e9, 1_700_000_000, "2023-11-14T22:13:20Z", "2023-11-14T22:13:20+00:00", "2023-11-14T22:13:20"],
)
def test_times(elsewhere: None, value: object) -> None:
    read = checked(model.operation("ListTrainingJobs").input_shape, {"CreationTimeAfter": value})
    assert read == {"CreationTimeAfter": 1.7e9}


@pytest.mark.parametrize("value", ["yesterday", [], True, 1e300, -1e18, "9" * 30])
def test_what_is_no_time(value: object) -> None:
    assert fault("ListTrainingJobs", {"CreationTimeAfter": value}).code == "SerializationException"


def test_what_the_model_does_not_know_is_dropped() -> None:
    request = training(Whatever={"a": [1]}, HyperParameters={"kept": "yes"})
    request["OutputDataConfig"]["KmsKeyID"] = "misspelt"
    assert checked(model.operation("CreateTrainingJob").input_shape, request) == training(
        HyperParameters={"kept": "yes"}
    )


def test_a_number_that_is_whole_may_be_written_as_a_float() -> None:
    read = checked(
        model.operation("CreateTrainingJob").input_shape, training(StoppingCondition={"MaxRuntimeInSeconds": 60.0})
    )
    assert read["StoppingCondition"]["MaxRuntimeInSeconds"] == 60


def test_a_union_has_one_member() -> None:
    shapes_of_it: Any = {
        "Root": {"type": "structure", "members": {"Either": {"shape": "Either"}}},
        "Either": {"type": "structure", "union": True, "members": {"A": {"shape": "S"}, "B": {"shape": "S"}}},
        "S": {"type": "string"},
    }
    shape = ShapeResolver(shapes_of_it).get_shape_by_name("Root")
    assert checked(shape, {"Either": {"A": "x"}}) == {"Either": {"A": "x"}}
    for given in ({}, {"A": "x", "B": "y"}):
        with pytest.raises(Fault, match=r"at 'either' .*Member must have exactly one of its members set: \[a, b\]"):
            checked(shape, {"Either": given})


def test_a_message_has_a_bound() -> None:
    tags = [{"Key": "x" * 100_000, "Value": ""} for _ in range(1000)]
    message = fault("CreateTrainingJob", training(Tags=tags)).message
    assert message.startswith("51 validation errors detected: ")
    assert len(message) < 200_000


def shapes(shape: Shape, seen: set[str]) -> list[Shape]:
    if shape.name in seen:
        return []
    seen.add(shape.name)
    below: list[Shape] = []
    if isinstance(shape, StructureShape):
        below = list(shape.members.values())
    elif isinstance(shape, ListShape):
        below = [shape.member]
    elif isinstance(shape, MapShape):
        below = [shape.key, shape.value]
    return [shape, *(found for one in below for found in shapes(one, seen))]


def test_every_pattern_of_the_models_can_be_read() -> None:
    from runner.wire.app import OPERATIONS

    seen: set[str] = set()
    patterns = set()
    for service, operations in OPERATIONS.items():
        for name in operations:
            shape = model.operation(name, service).input_shape
            patterns |= {found.metadata.get("pattern") for found in (shapes(shape, seen) if shape else [])}
    assert len(patterns) > 20
    for pattern in patterns - {None}:
        assert compiled(pattern).pattern


def test_a_pattern_that_backtracks_has_a_bound() -> None:
    shape = DenormalizedStructureBuilder().with_members(
        {"Name": {"type": "string", "pattern": "(a|aa)*(a|aa)*(a|aa)*b"}}
    )
    with pytest.raises(Fault, match="regular expression pattern"):
        checked(shape.build_model(), {"Name": "a" * 5000})


def test_what_is_too_long_is_looked_at_as_far_as_it_may_go() -> None:
    """A body has room for a million items: their mistakes are neither collected nor counted."""
    tags = fault("CreateTrainingJob", training(Tags=[{}] * 51 + [7]))
    assert (tags.code, tags.message[:31]) == ("ValidationException", "101 validation errors detected:")
    assert "Member must have length less than or equal to 50" in tags.message
    parameters = {f"key-{number}": "" for number in range(100)}
    named = fault("CreateTrainingJob", training(HyperParameters={**parameters, "x" * 3000: ""})).message
    assert named.startswith("1 validation error detected: Value '{key-0=, key-1=, ")
    assert (
        named.endswith(
            "... at 'hyperParameters' failed to satisfy constraint: Member must have length less than or equal to 100"
        )
        or "..." in named
    )
