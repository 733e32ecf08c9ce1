"""Connections on which the head of a request does not come."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from runner.settings import Settings
from runner.wire.endpoint import Endpoint

PATIENCE = 20
WHOLE = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"


async def answered(port: int, sent: bytes) -> bytes:
    """All that comes until the server hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    try:
        return await asyncio.wait_for(reader.read(), PATIENCE)
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("sent", [b"", b"POST / HT", WHOLE[:-2]])
def test_a_head_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr("runner.wire.connection.HEAD_SECONDS", 0.05)
    nobody: Any = None

    async def scenario() -> bytes:
        endpoint = Endpoint("127.0.0.1", 0, Settings())
        async with endpoint.serving(nobody):
            return await answered(int(endpoint.url.rpartition(":")[2]), sent)

    answer = asyncio.run(scenario())
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout")
    assert b'"__type":"RequestTimeoutException"' in answer


def test_an_answer_that_takes_long_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its body comes later than a head might."""
    monkeypatch.setattr("runner.wire.connection.HEAD_SECONDS", 0.05)
    monkeypatch.setattr("runner.wire.bodies.BODY_SECONDS", 0.5)
    nobody: Any = None

    async def scenario() -> bytes:
        endpoint = Endpoint("127.0.0.1", 0, Settings())
        head = (
            b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nConnection: close\r\n"
            b"X-Amz-Target: SageMaker.ListTags\r\nContent-Type: application/x-amz-json-1.1\r\n\r\n"
        )
        async with endpoint.serving(nobody):
            return await answered(int(endpoint.url.rpartition(":")[2]), head)

    answer = asyncio.run(scenario())
    assert b"The body has not come within 0.5 s." in answer
    assert answer.count(b"HTTP/1.1") == 1
