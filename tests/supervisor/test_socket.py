"""The socket: the same verbs, answers and errors as the service itself, however long the path is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from runner.errors import (
    InvalidRequest,
    JobEnded,
    JobNotEnded,
    NameInUse,
    NoSuchJob,
    NoSupervisor,
    RunnerError,
    WaitTimeout,
)
from runner.supervisor import protocol
from runner.supervisor.client import Client
from runner.supervisor.layout import SOCKET_NAME
from runner.supervisor.options import Options, Policy
from runner.supervisor.server import Server
from runner.supervisor.service import Service
from runner.testing.fake import FakeBackend
from runner.testing.programs import Output, Program, Reaction
from tests.supervisor.stage import TRAINING, request

PROGRAMS = {
    "good": Program(output=[Output(0.05, "epoch 1")], on_term=Reaction(0.05, 3)),
    "quick": Program(lasts=0.05),
}


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A path that is too long for a socket's address."""
    long = tmp_path / ("d" * 200)
    assert len(str(long)) > 200
    return long


def play(data_dir: Path, scenario: Callable[[Client, Service], Awaitable[None]]) -> None:
    """Run a scenario with a client of a supervisor, in real time."""

    async def main() -> None:
        service = Service(data_dir, FakeBackend(PROGRAMS), Options(policy=Policy.PRIVATE))
        await service.open()
        server = Server(service, data_dir)
        await server.open()
        client = Client(data_dir)
        await client.open()
        try:
            await scenario(client, service)
        finally:
            await client.close()
            await server.close()
            await service.close()

    asyncio.run(main())


def test_a_job_over_the_socket(data_dir: Path) -> None:
    async def scenario(client: Client, service: Service) -> None:
        assert await client.create(TRAINING, request("good"), "/", region="eu-west-1") == "job"
        assert (await client.wait_for_log(TRAINING, "job", "epoch", 10))[1] == "epoch 1"
        await client.stop(TRAINING, "job", grace=10)
        summary = await client.wait(TRAINING, "job", 10)
        assert (summary["status"], summary["exit_code"]) == ("Stopped", 3)
        for verb in ("summary", "describe", "logs", "report"):
            there = await getattr(service, verb)(TRAINING, "job")
            assert await getattr(client, verb)(TRAINING, "job") == json.loads(json.dumps(there))
        assert await client.list() == await service.list()
        assert await client.kinds("job") == ["training"]
        query = {"status": "Stopped", "limit": 1}
        assert await client.page(TRAINING, query) == json.loads(json.dumps(await service.page(TRAINING, query)))
        await client.tag(TRAINING, "job", {"b": "1", "a": "2"})
        await client.untag(TRAINING, "job", ["b"])
        assert await client.tags(TRAINING, "job") == await service.tags(TRAINING, "job")
        await client.delete(TRAINING, "job")
        assert await client.list(TRAINING) == []

    play(data_dir, scenario)


def test_errors_come_back_as_what_they_were(data_dir: Path) -> None:
    async def scenario(client: Client, service: Service) -> None:
        with pytest.raises(NoSuchJob, match="no training job with the name job"):
            await client.describe(TRAINING, "job")
        with pytest.raises(NoSuchJob, match="no tuning job with the name search"):
            await client.children("search")
        with pytest.raises(InvalidRequest, match=r"^NextToken: "):
            await client.page(TRAINING, {"after": []})
        await client.create(TRAINING, request("good"))
        with pytest.raises(NameInUse):
            await client.create(TRAINING, request("good"))
        with pytest.raises(JobNotEnded) as living:
            await client.delete(TRAINING, "job")
        assert living.value.status == "InProgress"
        with pytest.raises(WaitTimeout):
            await client.wait(TRAINING, "job", 0.01)
        with pytest.raises(InvalidRequest) as invalid:
            await client.stop(TRAINING, "job", grace=-1)
        assert invalid.value.field == "grace"
        await client.stop(TRAINING, "job", now=True)
        await client.wait(TRAINING, "job", 10)
        with pytest.raises(JobEnded) as ended:
            await client.stop(TRAINING, "job")
        assert ended.value.status == "Stopped"

    play(data_dir, scenario)


def test_a_request_that_waits_holds_up_no_other(data_dir: Path) -> None:
    async def scenario(client: Client, service: Service) -> None:
        await client.create(TRAINING, request("good"))
        waiting = asyncio.create_task(client.wait(TRAINING, "job"))
        assert (await client.summary(TRAINING, "job"))["terminal"] is False
        await client.stop(TRAINING, "job")
        assert (await waiting)["status"] == "Stopped"

    play(data_dir, scenario)


def test_case_09_a_client_that_hangs_up_leaves_its_stop_behind(data_dir: Path) -> None:
    async def scenario(client: Client, service: Service) -> None:
        await client.create(TRAINING, request("good"))
        await client.wait_for_log(TRAINING, "job", "epoch", 10)
        other = Client(data_dir)
        await other.open()
        waiting = asyncio.create_task(other.wait(TRAINING, "job"))
        await other.stop(TRAINING, "job")
        await other.close()
        with pytest.raises(NoSupervisor):
            await waiting
        assert (await client.wait(TRAINING, "job", 10))["status"] == "Stopped"

    play(data_dir, scenario)


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (b"nonsense\n", "request"),
        (b"[]\n", "request"),
        (b'{"id": 1, "verb": "open"}\n', "verb"),
        (b'{"id": 1, "verb": "close"}\n', "verb"),
        (b'{"id": 1, "verb": "stop", "args": {"kind": "training"}}\n', "args"),
        (b'{"id": 1, "verb": "stop", "args": {"kind": "baking", "name": "x"}}\n', "kind"),
    ],
)
def test_a_request_that_is_none_is_answered_and_the_connection_stays(data_dir: Path, line: bytes, field: str) -> None:
    async def scenario(client: Client, service: Service) -> None:
        with protocol.short_path(data_dir, SOCKET_NAME) as path:
            reader, writer = await asyncio.open_unix_connection(path)
        writer.write(line)
        answer = json.loads(await reader.readline())
        assert (answer["error"]["type"], answer["error"]["field"]) == ("InvalidRequest", field)
        writer.write(protocol.encode({"id": 9, "verb": "list", "args": {}}))
        assert json.loads(await reader.readline()) == {"id": 9, "result": []}
        writer.close()

    play(data_dir, scenario)


def test_only_its_user_may_use_the_socket(data_dir: Path) -> None:
    async def scenario(client: Client, service: Service) -> None:
        assert (data_dir / SOCKET_NAME).stat().st_mode & 0o777 == 0o600

    play(data_dir, scenario)


def test_where_nobody_listens(data_dir: Path) -> None:
    data_dir.mkdir()

    async def connect() -> None:
        await Client(data_dir).open()

    with pytest.raises(NoSupervisor):
        asyncio.run(connect())
    play(data_dir, lambda client, service: asyncio.sleep(0))
    assert not (data_dir / SOCKET_NAME).exists()


def test_every_error_can_go_over_the_socket() -> None:
    class Special(NameInUse):
        """One that `runner.errors` does not have."""

    for error, back in ((Special("taken"), NameInUse), (RunnerError("odd"), RunnerError)):
        heard = protocol.heard(protocol.told(error))
        assert (type(heard), str(heard)) == (back, str(error))
