"""A supervisor that leaves when it is needed no more: never with a job, never in front of one."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from runner import Runner
from runner.errors import DataDirectoryInUse, NoSupervisor, RunnerClosed
from runner.supervisor import protocol
from runner.supervisor.background import retired
from runner.supervisor.client import Client
from runner.supervisor.layout import SOCKET_NAME
from runner.supervisor.lock import DirectoryLock
from runner.supervisor.options import Options, Policy
from runner.supervisor.server import Server
from runner.supervisor.service import Service
from runner.testing.fake import FakeBackend
from runner.testing.programs import Program, Reaction
from tests.supervisor.stage import TRAINING, TUNING, Stage, play, request

PATIENCE = 20.0


def test_idle_is_after_the_last_job(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("quick", "first")
        await stage.tune("measured")
        await stage.service.idle()
        assert [job["terminal"] for job in await stage.service.list()] == [True] * 6
        await stage.service.idle()

    play(tmp_path, scenario)


def test_what_comes_in_the_meantime_is_waited_for_too(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("quick", "first")
        idle = asyncio.create_task(stage.service.idle())
        await stage.until("first", lambda job: job["phase"] == "running")
        await stage.train("measured", "second")
        await idle
        assert (await stage.service.summary(TRAINING, "second"))["terminal"]

    play(tmp_path, scenario)


def test_it_does_not_retire_with_a_job(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        # Being recorded, and not asked for any more.
        creating = asyncio.create_task(stage.train("quick"))
        while not stage.service._core.engine.is_busy:
            await asyncio.sleep(0)
        creating.cancel()
        assert not stage.service.retire()
        await stage.service.idle()
        assert (await stage.service.summary(TRAINING, "job"))["status"] == "Completed"
        assert stage.service.retire()
        with pytest.raises(RunnerClosed, match="takes no more jobs"):
            await stage.train("quick", "late")
        assert [job["name"] for job in await stage.service.list()] == ["job"]

    play(tmp_path, scenario)


# --- with a socket, in real time


def serve(data_dir: Path, scenario: Callable[[Server, asyncio.Task[None]], Awaitable[None]]) -> None:
    """Run a scenario with a server, and a task that ends when the supervisor may leave."""

    async def main() -> None:
        programs = {"quick": Program(lasts=0.05), "good": Program(on_term=Reaction(0.05))}
        service = Service(data_dir, FakeBackend(programs), Options(policy=Policy.PRIVATE))
        await service.open()
        server = Server(service, data_dir)
        await server.open()
        leaving = asyncio.create_task(retired(service, server))
        try:
            async with asyncio.timeout(PATIENCE):
                await scenario(server, leaving)
        finally:
            leaving.cancel()
            await server.close()
            await service.close()

    asyncio.run(main())


def test_it_waits_for_who_started_it(tmp_path: Path) -> None:
    async def scenario(server: Server, leaving: asyncio.Task[None]) -> None:
        done, _ = await asyncio.wait([leaving], timeout=0.2)
        assert not done
        client = Client(tmp_path)
        await client.open()
        await client.list()
        assert server.is_used
        await client.close()
        await leaving
        assert not server.is_used

    serve(tmp_path, scenario)


def test_a_client_may_go_on_asking_after_the_end_of_its_job(tmp_path: Path) -> None:
    async def scenario(server: Server, leaving: asyncio.Task[None]) -> None:
        client = Client(tmp_path)
        await client.open()
        for name in ("first", "second"):
            await client.create(TRAINING, request("quick", name), "/")
            await client.wait(TRAINING, name)
            assert (await client.summary(TRAINING, name))["status"] == "Completed"
        assert not leaving.done()
        await client.close()
        await leaving

    serve(tmp_path, scenario)


def test_a_job_keeps_it_although_nobody_is_connected(tmp_path: Path) -> None:
    async def scenario(server: Server, leaving: asyncio.Task[None]) -> None:
        client = Client(tmp_path)
        await client.open()
        await client.create(TRAINING, request("good"), "/")
        await client.close()
        await server.unused()
        done, _ = await asyncio.wait([leaving], timeout=0.2)
        assert not done
        client = Client(tmp_path)
        await client.open()
        await client.stop(TRAINING, "job")
        await client.close()
        await leaving

    serve(tmp_path, scenario)


def test_whoever_comes_as_it_leaves_is_refused_and_nothing_is_on_record(tmp_path: Path) -> None:
    async def scenario(server: Server, leaving: asyncio.Task[None]) -> None:
        client = Client(tmp_path)
        await client.open()
        await client.list()
        await client.close()
        await leaving
        late = Client(tmp_path)
        await late.open()
        with pytest.raises(RunnerClosed):
            await late.create(TRAINING, request("quick"), "/")
        assert await late.list() == []
        await server.close()
        with pytest.raises(NoSupervisor):
            await late.create(TRAINING, request("quick"), "/")
        await late.close()

    serve(tmp_path, scenario)


# --- what is told to who waits


def test_progress_of_a_stop(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("deaf", grace=20)
        await stage.phase("job", "running")
        before = await stage.service.progress(TRAINING, "job")
        assert (before["stop"], before["over"], before["trainings"]) == (None, False, None)
        assert [process["name"] for process in before["living"]] == ["deaf"]
        await stage.service.stop(TRAINING, "job")
        await asyncio.sleep(5)
        during = await stage.service.progress(TRAINING, "job")
        assert during["stop"]["grace"] == 20
        assert during["stop"]["left"] == pytest.approx(15, abs=0.5)
        assert during["stop"]["killed"] is None
        await stage.service.wait(TRAINING, "job")
        after = await stage.service.progress(TRAINING, "job")
        assert (after["over"], after["living"], after["stop"]["left"]) == (True, [], 0)
        assert after["stop"]["killed"] == "deadline"

    play(tmp_path, scenario)


def test_progress_of_a_job_that_waits_for_its_start(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("slow-to-start")
        told = await stage.service.progress(TRAINING, "job")
        assert (told["mark"], told["living"], told["last_line"]) == (None, [], None)

    play(tmp_path, scenario)


def test_progress_of_a_tuning_job(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.tune("good", jobs=4, parallel=2)
        await stage.until("search", lambda job: job["phase"] == "running", TUNING)
        children = await stage.service.trainings("search", 2)
        assert (await stage.service.progress(TUNING, "search"))["trainings"] == {"launched": 2, "running": 2}
        await stage.service.stop(TRAINING, children[0]["name"])
        await stage.service.stop(TUNING, "search")
        await stage.service.wait(TUNING, "search")
        assert (await stage.service.progress(TUNING, "search"))["trainings"]["running"] == 0

    play(tmp_path, scenario)


@pytest.mark.parametrize("turns", range(8))
def test_whoever_connects_just_before_the_end_is_answered_or_hung_up_on(tmp_path: Path, turns: int) -> None:
    """Never left waiting: the loop may be anywhere between the connection and its handler."""

    async def main() -> None:
        service = Service(tmp_path, FakeBackend({}), Options(policy=Policy.PRIVATE))
        await service.open()
        server = Server(service, tmp_path)
        await server.open()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as late:
            with protocol.short_path(tmp_path, SOCKET_NAME) as path:
                late.connect(path)
            late.sendall(protocol.encode({"id": 1, "verb": "list", "args": {}}))
            for _ in range(turns):
                await asyncio.sleep(0)
            await server.close()
            await service.close()
            late.setblocking(False)
            heard = b""
            with suppress(ConnectionResetError):
                while part := late.recv(4096):
                    heard += part
        assert heard in (b"", protocol.encode({"id": 1, "result": []}))

    asyncio.run(main())


def test_the_socket_of_the_next_supervisor_stays(tmp_path: Path) -> None:
    """The socket is removed while the directory is this supervisor's own."""
    removed: list[bool] = []

    class Watching(Server):
        async def close(self) -> None:
            await super().close()
            with pytest.raises(DataDirectoryInUse):
                DirectoryLock(tmp_path, tmp_path / "lock")
            removed.append(not (tmp_path / SOCKET_NAME).exists())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("runner.supervisor.server.Server", Watching)
        Runner(data_dir=tmp_path).close()
    assert removed == [True]
