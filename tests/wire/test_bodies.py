"""What bodies that are on their way hold of the server's memory, and that it is given back."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from runner.settings import Settings
from runner.wire.bodies import LARGEST_BODY, MOST_HELD, UNCOUNTED, Bodies
from runner.wire.calls import Fault
from runner.wire.endpoint import Endpoint

LARGE = b" " * (LARGEST_BODY - 14)
HANGS_UP: Message = {"type": "http.disconnect"}


def part(body: bytes, more: bool = True) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


def sending(*messages: Message) -> Request:
    """A request that comes in these parts, after which nothing comes."""
    left = iter(messages)

    async def receive() -> Message:
        message = next(left, None)
        if message is None:
            await asyncio.Event().wait()
        assert message is not None
        return message

    return Request({"type": "http", "headers": []}, receive)


async def read(bodies: Bodies, request: Request) -> bytes:
    async with bodies.whole(request) as body:
        return bytes(body)


async def failing(bodies: Bodies) -> None:
    async with bodies.whole(sending(part(LARGE, more=False))):
        raise KeyError


@pytest.fixture
def in_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.wire.bodies.BODY_SECONDS", 0.05)


async def all_taken(bodies: Bodies) -> list[asyncio.Task[bytes]]:
    """Half-sent bodies that have taken all there is: the next one of that size is refused."""
    held = [asyncio.create_task(read(bodies, sending(part(LARGE)))) for _ in range(MOST_HELD // LARGEST_BODY)]
    await asyncio.sleep(0)  # each has read what there is, and waits
    assert MOST_HELD - LARGEST_BODY < bodies.held <= MOST_HELD
    return held


async def given_up(tasks: list[asyncio.Task[bytes]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def test_what_is_beyond_the_bound_is_refused_at_once_and_small_requests_are_not() -> None:
    async def scenario() -> None:
        bodies = Bodies()
        held = await all_taken(bodies)
        before = bodies.held
        with pytest.raises(Fault) as refused:
            await read(bodies, sending(part(LARGE)))
        assert (refused.value.code, refused.value.message, refused.value.status) == (
            "ThrottlingException",
            "Rate exceeded",
            400,
        )
        assert bodies.held == before
        for small in (b"{}", b" " * UNCOUNTED):
            assert await read(bodies, sending(part(small, more=False))) == small
        await given_up(held)
        assert bodies.held == 0
        assert await read(bodies, sending(part(LARGE), part(b"", more=False))) == LARGE

    asyncio.run(scenario())


@pytest.mark.usefixtures("in_a_moment")
@pytest.mark.parametrize(
    ("messages", "end"),
    [
        ([part(LARGE), HANGS_UP], ClientDisconnect),
        ([part(LARGE)], Fault),  # nothing more comes in time
        ([part(LARGE), part(b" " * 15)], Fault),  # too large
    ],
)
def test_what_was_counted_is_given_back(messages: list[Message], end: type[Exception]) -> None:
    async def scenario() -> None:
        bodies = Bodies()
        with pytest.raises(end):
            await read(bodies, sending(*messages))
        assert bodies.held == 0

    asyncio.run(scenario())


def test_a_body_counts_until_its_request_is_answered() -> None:
    async def scenario() -> None:
        bodies = Bodies()
        async with bodies.whole(sending(part(LARGE, more=False))):
            assert bodies.held == len(LARGE) - UNCOUNTED
        assert bodies.held == 0
        with pytest.raises(KeyError):
            await failing(bodies)
        assert bodies.held == 0

    asyncio.run(scenario())


def test_an_sdk_repeats_what_had_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.wire.bodies.MOST_HELD", 0)
    answers: list[str] = []
    nobody: Any = None

    def seen(response: tuple[Any, dict[str, Any]], **_: object) -> None:
        answers.append(response[1]["Error"]["Code"])
        monkeypatch.setattr("runner.wire.bodies.MOST_HELD", MOST_HELD)

    def ask(url: str) -> None:
        keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": "eu-west-1"}
        with contextlib.closing(boto3.session.Session(**keys).client("sagemaker", endpoint_url=url)) as sagemaker:
            sagemaker.meta.events.register_first("needs-retry.sagemaker.StopTrainingJob", seen)
            with pytest.raises(ClientError):
                sagemaker.stop_training_job(TrainingJobName="x" * 2 * UNCOUNTED)

    async def scenario() -> None:
        endpoint = Endpoint("127.0.0.1", 0, Settings())
        async with endpoint.serving(nobody):
            await asyncio.to_thread(ask, endpoint.url)

    asyncio.run(scenario())
    gc.collect()  # urllib3 closes connections when nobody knows their pool any more, and a caught error knows it
    assert answers == ["ThrottlingException", "ValidationException"]
