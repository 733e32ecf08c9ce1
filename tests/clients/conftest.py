"""A server as a user has it, and real clients that find it by the variable that users set."""

from __future__ import annotations

import functools
import gc
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.model import OperationModel

from tests.clients.requests import BUILT_IN
from tests.probing import probe
from tests.runs.serving import Served
from tests.wire.asking import assert_valid_answer

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "anything",
    "AWS_SECRET_ACCESS_KEY": "anything",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.process)


@pytest.fixture
def home(nothing_left: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The test's own folder, which is the client's home too."""
    temporary = nothing_left / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setenv("HOME", str(nothing_left))
    return nothing_left


@pytest.fixture
def served(home: Path) -> Iterator[Served]:
    """A supervisor with its endpoint. The image `any` and the compiler of XGBOOST wait for SIGTERM.

    `BUILT_IN` is one of SageMaker's own images: what stands for it prints what that would.
    """
    config = home / "runner.toml"
    command = json.dumps([str(word) for word in probe("polite")])
    printing = json.dumps(
        ["printf", r"[0]\ttrain-rmse:9\tvalidation-rmse:9.5\n[1]\ttrain-rmse:7\tvalidation-rmse:7.5\n"]
    )
    images = f'[images."any"]\ncommand = {command}\n[images."{BUILT_IN}"]\ncommand = {printing}\n'
    config.write_text(f"{images}[compilers.XGBOOST]\ncommand = {command}\n")
    served = Served(home / "data", home / "serve.log", "--config", str(config))
    yield served
    served.close()


@pytest.fixture
def variables(served: Served, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What a user sets: any credentials, a region, and AWS_ENDPOINT_URL. The server is running."""
    served.start()
    found = {**CREDENTIALS, "AWS_ENDPOINT_URL": served.url}
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return found


@pytest.fixture
def called() -> set[tuple[str, str]]:
    """Service and operation of every call that a client of the test has been answered."""
    return set()


@pytest.fixture
def sagemaker(variables: dict[str, str], called: set[tuple[str, str]]) -> Iterator[Any]:
    """boto3, unmodified; each answer is looked at."""
    yield from _client("sagemaker", called)


@pytest.fixture
def another_client(variables: dict[str, str], called: set[tuple[str, str]]) -> Iterator[Any]:
    """With a connection of its own."""
    yield from _client("sagemaker", called)


@pytest.fixture
def logs(variables: dict[str, str], called: set[tuple[str, str]]) -> Iterator[Any]:
    """boto3 for CloudWatch Logs."""
    yield from _client("logs", called)


def _client(service: str, called: set[tuple[str, str]]) -> Iterator[Any]:
    client = boto3.session.Session().client(service)
    client.meta.events.register("after-call", functools.partial(_look, called))
    yield client
    client.close()
    # urllib3 closes connections when nobody knows their pool any more, and a caught error knows it in a circle.
    gc.collect()


def _look(
    called: set[tuple[str, str]],
    model: OperationModel,
    http_response: AWSResponse,
    parsed: Mapping[str, Any],
    **more: object,
) -> None:
    """The answer, before botocore has made the best of it, is valid under the model, and was the first."""
    called.add((model.service_model.service_name, model.name))
    assert parsed["ResponseMetadata"]["RetryAttempts"] == 0
    assert_valid_answer(http_response.status_code, http_response.content, model.output_shape)
