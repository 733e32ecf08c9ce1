"""Rules beyond the model, as AWS would say them: with the value, and where it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner.errors import InvalidRequest
from runner.wire import model
from runner.wire.rules import in_awss_words
from tests.clients import requests
from tests.supervisor.stage import Stage, play
from tests.wire.asking import Asking

TRAINING, TUNING = "CreateTrainingJob", "CreateHyperParameterTuningJob"
BUCKET = "must name a bucket of 3 to 63 letters, digits, '.', '_' or '-' with a letter or digit at both ends"


def tagged(key: str, value: str) -> list[dict[str, str]]:
    return [{"Key": "team", "Value": "vision"}, {"Key": key, "Value": value}]


def refused(tmp_path: Path, operation: str, request: dict[str, Any]) -> str:
    """The message for the only problem of a request."""
    messages: list[str] = []

    async def scenario(stage: Stage) -> None:
        answer = await Asking(stage).answer(operation, request)
        assert (answer.status, answer.code) == (400, "ValidationException")
        messages.append(answer.message)

    play(tmp_path / "data", scenario)
    beginning, _, problem = messages[0].partition("1 validation error detected: ")
    assert beginning == ""
    return problem


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        (
            {"OutputDataConfig": {"S3OutputPath": "s3://b/o"}},
            f"Value 's3://b/o' at 'outputDataConfig.s3OutputPath' failed to satisfy constraint: Member {BUCKET}",
        ),
        (
            {
                "AlgorithmSpecification": {
                    "TrainingInputMode": "File",
                    "MetricDefinitions": [{"Name": "a", "Regex": "b"}],
                }
            },
            "Value 'b' at 'algorithmSpecification.metricDefinitions.1.member.regex' failed to satisfy constraint: "
            "Member must have a group, '(...)', for the number",
        ),
        (
            {"HyperParameters": {"a.B": "x\0"}},
            "Value 'x\0' at 'hyperParameters.a.B' failed to satisfy constraint: "
            "Member must not contain a NUL character",
        ),
        (
            {"Tags": tagged("runner:grace-seconds", "-1")},
            "Value '-1' at 'tags.2.member.value' failed to satisfy constraint: Member must be from 0 to 86,400 seconds",
        ),
        (
            {"Tags": tagged("runner:isolation", "chroot")},
            "Value 'chroot' at 'tags.2.member.value' failed to satisfy constraint: Member must be pid1 or plain",
        ),
        (
            {"Tags": tagged("runner:isolation", "docker")},
            "Value 'docker' at 'tags.2.member.value' failed to satisfy constraint: "
            "Member must be an isolation that can be had: docker does not work here",
        ),
        (
            {"Tags": tagged("team", "speech")},
            "Value 'team' at 'tags.2.member.key' failed to satisfy constraint: Member must not be there twice: 'team'",
        ),
    ],
)
def test_the_value_is_quoted(tmp_path: Path, members: dict[str, Any], problem: str) -> None:
    assert refused(tmp_path, TRAINING, requests.training("job", **members)) == problem


def test_what_a_definition_lacks_is_null(tmp_path: Path) -> None:
    request = requests.tuning("search-1")
    del request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
    assert refused(tmp_path, TUNING, request) == (
        "Value null at 'hyperParameterTuningJobConfig.hyperParameterTuningJobObjective' failed to satisfy constraint: "
        "Member must not be null"
    )


@pytest.mark.parametrize(
    ("bounds", "member", "value", "rule"),
    [
        (("-1", "-2"), "minValue", "-1", "must not be above MaxValue, which is '-2'"),
        (("0", "1.50"), "maxValue", "1.50", "must be a whole number"),
        (("0", "many"), "maxValue", "many", "must be a number in a string"),
    ],
)
def test_a_bound_is_quoted_as_it_came(
    tmp_path: Path, bounds: tuple[str, str], member: str, value: str, rule: str
) -> None:
    request = requests.tuning("search-1")
    ranges = {"Name": "depth", "MinValue": bounds[0], "MaxValue": bounds[1]}
    request["HyperParameterTuningJobConfig"]["ParameterRanges"] = {"IntegerParameterRanges": [ranges]}
    path = f"hyperParameterTuningJobConfig.parameterRanges.integerParameterRanges.1.member.{member}"
    assert refused(tmp_path, TUNING, request) == (
        f"Value '{value}' at '{path}' failed to satisfy constraint: Member {rule}"
    )


@pytest.mark.parametrize("field", ["request", "Tags[7].Key.x", "Tags.nobody", "Tags[x]", "RoleArn.x", "..", "[0]"])
def test_what_is_no_member_has_no_value(field: str) -> None:
    shape = model.operation(TRAINING).input_shape
    told = in_awss_words(InvalidRequest(field, "must be right"), shape, {"RoleArn": "r", "Tags": []})
    assert told == f"Value at '{field}' failed to satisfy constraint: Member must be right"


def test_an_item_that_is_not_there_is_null() -> None:
    shape = model.operation(TRAINING).input_shape
    told = in_awss_words(InvalidRequest("Tags[0].Key", "must be right"), shape, {})
    assert told == "Value null at 'tags.1.member.key' failed to satisfy constraint: Member must be right"
