"""Jobs on this machine: the keeper's client."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runner.backends.base import Backend, Launch, Listener, Stop, Watched
from runner.backends.starting import Starting, begin, owner
from runner.errors import IsolationUnavailable, KeeperFailed
from runner.keeper import start
from runner.keeper.protocol import LARGEST_LINE, UNKILLABLE_AFTER, Policy, connect, encode
from runner.lifecycle.facts import KillReason
from runner.lifecycle.stops import Isolation

__all__ = ["LocalBackend", "Policy"]

_PAUSES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)


class LocalBackend(Backend):
    """Starts the keeper of a data directory, or connects to the one that runs, and gives it orders."""

    def __init__(
        self,
        data_dir: Path,
        policy: Policy = Policy.PRIVATE,
        *,
        use_cgroups: bool = True,
        unkillable_after: float = UNKILLABLE_AFTER,
        begun: Starting | None = None,
    ) -> None:
        """`use_cgroups`: whether `plain` jobs get a cgroup where the machine allows it. `unkillable_after`: seconds.

        `begun`: the keeper of a private directory, if it is on its way; the backend has to be closed then, whether or
        not it could be opened.
        """
        self.keeper_pid = 0
        self._data_dir = data_dir
        self._policy = policy
        self._use_cgroups = use_cgroups
        self._unkillable_after = unkillable_after
        self._listener = Listener()
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._connecting = asyncio.Lock()
        self._closed = False
        self._begun = begun

    async def open(self, listener: Listener) -> None:
        self._listener = listener
        await self._connected()

    async def isolation(self, wanted: Isolation | None) -> Isolation:
        answer = await self._order("isolation", wanted=None if wanted is None else wanted.value)
        return Isolation(answer["isolation"])

    async def launch(self, launch: Launch) -> None:
        await self._order(
            "launch",
            job=launch.job,
            attempt=launch.attempt,
            argv=list(launch.argv),
            environment=dict(launch.environment),
            working_directory=launch.working_directory,
            folder=str(launch.folder),
            isolation=launch.isolation.value,
            grace=launch.grace,
            mounts=[[str(mount.source), mount.target] for mount in launch.mounts],
            watched=[_watched(folder) for folder in launch.watched],
            temporary=None if launch.temporary is None else str(launch.temporary),
            stacks=launch.stacks,
            memory=launch.memory,
        )

    async def stop(self, stops: Sequence[Stop]) -> None:
        orders = [
            {"job": stop.job, "attempt": stop.attempt, "grace": stop.grace, "cause": stop.cause.value} for stop in stops
        ]
        await self._order("stop", stops=orders)

    async def kill(self, jobs: Sequence[str], why: KillReason) -> None:
        await self._order("kill", jobs=list(jobs), why=why.value)

    async def look(self, job: str) -> None:
        await self._order("look", job=job)

    async def follow(self, job: str, on: bool) -> None:
        await self._order("follow", job=job, on=on)

    async def forget(self, job: str) -> None:
        await self._order("forget", job=job)

    async def bury(self, job: str, folder: Path) -> None:
        await self._order("bury", job=job, folder=str(folder))

    async def close(self) -> None:
        if self._begun is not None:
            with contextlib.suppress(KeeperFailed):
                await self._connected()
        self._closed = True
        if self._writer is None:
            return
        # A keeper that is gone already has killed its jobs.
        with contextlib.suppress(KeeperFailed):
            await self._ask("close", {})
        self._disconnected("closed")

    async def _order(self, order: str, **members: Any) -> dict[str, Any]:
        await self._connected()
        return await self._ask(order, members)

    async def _ask(self, order: str, members: dict[str, Any]) -> dict[str, Any]:
        if self._writer is None:
            raise KeeperFailed("the keeper has gone")
        number = next(self._numbers)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        self._writer.write(encode({"id": number, "order": order, **members}))
        message = await answer
        if "error" not in message:
            result: dict[str, Any] = message["result"]
            return result
        error = message["error"]
        raise (IsolationUnavailable if error["kind"] == "isolation" else KeeperFailed)(error["text"])

    # --- the connection

    async def _connected(self) -> None:
        async with self._connecting:
            if self._writer is not None:
                return
            if self._closed:
                raise KeeperFailed("the backend has been closed")
            for pause in _PAUSES:
                try:
                    await self._own(await self._peer())
                    return
                except ConnectionError:
                    # A keeper that is just ending may still take a connection.
                    await asyncio.sleep(pause)
            raise KeeperFailed(f"the keeper of {self._data_dir} breaks every connection")

    async def _peer(self) -> socket.socket:
        """A connection to the keeper that runs, or to one that is started for it."""
        try:
            if self._policy is not Policy.PRIVATE:
                with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
                    return connect(str(self._data_dir))
            begun, self._begun = self._begun or self._begin(), None
            await asyncio.to_thread(begun.wait)
            return connect(str(self._data_dir))
        except (start.StartError, OSError) as error:
            raise KeeperFailed(str(error)) from error

    def _begin(self) -> Starting:
        return begin(self._data_dir, self._policy, self._use_cgroups, self._unkillable_after)

    async def _own(self, peer: socket.socket) -> None:
        """Become the owner of a keeper. Raises ConnectionError if it does not answer."""
        reader, writer = await asyncio.open_unix_connection(sock=peer, limit=LARGEST_LINE)
        pid, started = owner()
        members = {"pid": pid, "start": started, "policy": self._policy.value}
        try:
            writer.write(encode({"id": 0, "order": "own", **members}))
            answer: dict[str, Any] = {}
            while "id" not in answer:
                line = await reader.readline()
                if not line:
                    raise ConnectionError
                answer = json.loads(line)
        except BaseException:
            writer.close()
            raise
        self.keeper_pid = answer["result"]["pid"]
        self._writer = writer
        self._reading = asyncio.create_task(self._read(reader))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError, ValueError):
            while line := await reader.readline():
                self._heard(json.loads(line))
        self._disconnected("its connection broke")

    def _heard(self, message: dict[str, Any]) -> None:
        answer = self._answers.pop(message.get("id", 0), None)
        if answer is not None and not answer.done():
            answer.set_result(message)
        for job in message.get("grown", ()):
            self._listener.grown(job)
        for job in message.get("logged", ()):
            self._listener.logged(job)

    def _disconnected(self, reason: str) -> None:
        if self._writer is None:
            return
        self._writer.close()
        self._writer = None
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(KeeperFailed(f"the keeper has gone: {reason}"))
        self._answers.clear()
        if not self._closed:
            self._listener.broken(reason)


def _watched(folder: Watched) -> dict[str, Any]:
    return {"folder": str(folder.folder), "path": folder.path, "role": folder.role, "asked": folder.asked}
