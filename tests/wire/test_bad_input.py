"""What is no request of an AWS client: a 4xx in AWS's shape, and the next request is answered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.wire import model
from runner.wire.answers import CONTENT_TYPE
from runner.wire.app import OPERATIONS
from runner.wire.bodies import LARGEST_BODY
from tests.supervisor.stage import Stage, play
from tests.wire.asking import Answer, Asking

STOP = "SageMaker.StopTrainingJob"


def sent(
    tmp_path: Path,
    body: bytes = b"{}",
    *,
    target: str = STOP,
    kind: str = CONTENT_TYPE,
    method: str = "POST",
    path: str = "/",
    **headers: str,
) -> Answer:
    """What the request is answered; afterwards another one is answered as if nothing had been."""
    answers: list[Answer] = []

    async def scenario(stage: Stage) -> None:
        asking = Asking(stage)
        given = {"content-type": kind, "x-amz-target": target, **{n.replace("_", "-"): v for n, v in headers.items()}}
        answers.append(await asking.send(body, given, method, path))
        assert await asking("ListTrainingJobs") == {"TrainingJobSummaries": []}

    play(tmp_path / "data", scenario)
    (answer,) = answers
    assert set(answer.json) == {"__type", "Message"}
    assert answer.headers["content-type"] == CONTENT_TYPE
    assert answer.headers["x-amzn-requestid"]
    return answer


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{} {}",
        b"'x'",
        b"\xff\xfe",
        '{"TrainingJobName": "ä"}'.encode("utf-16"),
        b'{"TrainingJobName": NaN}',
        b'{"TrainingJobName": ' + b"9" * 5000 + b"}",
        b'{"TrainingJobName": ' + b"[" * 200_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"TrainingJobName": "\\ud800"}',
    ],
)
def test_no_json(tmp_path: Path, body: bytes) -> None:
    answer = sent(tmp_path, body)
    assert (answer.status, answer.code) == (400, "SerializationException")
    assert len(answer.message) < 300


def test_a_number_that_is_too_long(tmp_path: Path) -> None:
    """In words for who sends it: Python's own are for who writes the program."""
    answer = sent(tmp_path, b'{"MaxResults": ' + b"9" * 5000 + b"}", target="SageMaker.ListTrainingJobs")
    assert answer.message == "The body must be JSON whose whole numbers have at most 4300 digits."


def test_no_body_is_no_request_without_members(tmp_path: Path) -> None:
    """Of any operation, those included that need no member: every SDK sends `{}`."""

    async def scenario(stage: Stage) -> None:
        asking = Asking(stage)
        for service, operations in OPERATIONS.items():
            prefix = str(model.service(service).metadata["targetPrefix"])
            for name in operations:
                for body in (b"", b" \r\n"):
                    headers = {"content-type": CONTENT_TYPE, "x-amz-target": f"{prefix}.{name}"}
                    answer = await asking.send(body, headers)
                    assert (answer.status, answer.code, name) == (400, "SerializationException", name)
                    assert answer.message == "The body is empty; a request without members is {}."

    play(tmp_path / "data", scenario)


@pytest.mark.parametrize("body", [b"null", b"[]", b'""', b"{}"])
def test_an_empty_request(tmp_path: Path, body: bytes) -> None:
    answer = sent(tmp_path, body)
    assert answer.status == 400
    assert answer.code in ("ValidationException", "SerializationException")


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("", "The header X-Amz-Target must be SageMaker.OPERATION or Logs_20140328.OPERATION."),
        ("StopTrainingJob", "must be SageMaker.OPERATION"),
        ("SageMaker.", "must be SageMaker.OPERATION"),
        ("SageMaker.StopTrainingJob.x", "must be SageMaker.OPERATION"),
        ("DynamoDB_20120810.ListTables", "must be SageMaker.OPERATION"),
        ("SageMaker.Explode", "Explode is no operation of sagemaker."),
        ("SageMaker.CreateProcessingJob", "CreateProcessingJob is not offered by this runner."),
        ("Logs_20140328.StartLiveTail", "StartLiveTail is not offered by this runner."),
    ],
)
def test_an_operation_that_is_not_there(tmp_path: Path, target: str, said: str) -> None:
    answer = sent(tmp_path, target=target)
    assert (answer.status, answer.code) == (400, "UnknownOperationException")
    assert said in answer.message


@pytest.mark.parametrize("kind", ["", "application/json", "text/plain", "application/x-amz-json-1.0", "multipart/x"])
def test_another_content_type(tmp_path: Path, kind: str) -> None:
    answer = sent(tmp_path, kind=kind)
    assert (answer.status, answer.code) == (415, "UnsupportedMediaTypeException")
    assert CONTENT_TYPE in answer.message


def test_content_types_that_mean_the_same(tmp_path: Path) -> None:
    for kind in (f"{CONTENT_TYPE}; charset=UTF-8", CONTENT_TYPE.upper(), f'{CONTENT_TYPE};charset="utf-8"'):
        assert sent(tmp_path, kind=kind).code == "ValidationException"
    assert sent(tmp_path, kind=f"{CONTENT_TYPE}; charset=latin-1").status == 415
    assert sent(tmp_path, content_encoding="gzip").status == 415


@pytest.mark.parametrize(
    ("operation", "members", "said"),
    [
        ("FilterLogEvents", {"logGroupName": "g", "startTime": -1}, "Value '-1' at 'startTime'"),
        ("GetLogEvents", {"logGroupName": "g", "logStreamName": "a:b"}, "Value 'a:b' at 'logStreamName'"),
        ("DescribeLogStreams", {"logGroupName": "g", "limit": 51}, "Value '51' at 'limit'"),
        ("DescribeLogGroups", {"logGroupNamePrefix": ""}, "Value '' at 'logGroupNamePrefix'"),
    ],
)
def test_cloudwatch_logs_has_a_code_of_its_own(
    tmp_path: Path, operation: str, members: dict[str, object], said: str
) -> None:
    """As AWS was seen to answer: elastic/integrations#10564, cisagov/crossfeed#374."""
    answer = sent(tmp_path, json.dumps(members).encode(), target=f"Logs_20140328.{operation}")
    assert (answer.status, answer.code) == (400, "InvalidParameterException")
    assert said in answer.message
    assert " failed to satisfy constraint: Member must " in answer.message


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("POST", "/x"), ("PUT", "/"), ("DELETE", "/a/b"), ("POST", "")]
)
def test_elsewhere(tmp_path: Path, method: str, path: str) -> None:
    answer = sent(tmp_path, method=method, path=path)
    assert answer.status in (404, 405)
    assert answer.message == f"Requests are POST / (AWS JSON 1.1), not {method} {path}."
    assert answer.headers.get("allow") == ("POST" if answer.status == 405 else None)


def test_a_body_that_is_too_large(tmp_path: Path) -> None:
    answer = sent(tmp_path, b" " * (LARGEST_BODY + 1))
    assert (answer.status, answer.code) == (413, "RequestEntityTooLargeException")
    assert sent(tmp_path, content_length=str(10**30)).status == 413
    assert sent(tmp_path, content_length="-1").status == 413
    assert sent(tmp_path, content_length="²").status == 413
    largest = json.dumps({"TrainingJobName": "a" * (LARGEST_BODY - 100)}).encode()
    assert sent(tmp_path, largest).code == "ValidationException"
