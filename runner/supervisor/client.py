"""The verbs of a supervisor that runs in another process, over its socket. Same names, same answers, same errors."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from runner.errors import NoSupervisor
from runner.jobs.base import Kind, Request
from runner.supervisor import protocol
from runner.supervisor.layout import SOCKET_NAME
from runner.supervisor.verbs import Summaries


class Client:
    """One connection. Every verb raises what `Service` raises, and NoSupervisor when the connection breaks."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}

    async def open(self) -> None:
        """Connect. Raises NoSupervisor when nobody listens."""
        try:
            with protocol.short_path(self._data_dir, SOCKET_NAME) as path:
                self._reader, self._writer = await asyncio.open_unix_connection(path, limit=protocol.LONGEST_LINE)
        except OSError as error:
            raise NoSupervisor(f"no supervisor listens in {self._data_dir}: {error.strerror}") from None
        self._answers = asyncio.create_task(self._read())

    async def close(self) -> None:
        """Hang up. The jobs go on."""
        self._answers.cancel()
        await asyncio.gather(self._answers, return_exceptions=True)
        self._writer.close()

    async def create(
        self,
        kind: Kind,
        request: Request,
        cwd: str | None = None,
        environment: Mapping[str, str] | None = None,
        checkpoints: Sequence[str] = (),
        region: str | None = None,
    ) -> str:
        """See `Service.create`. Without an environment the job gets that of the supervisor."""
        arguments = {"request": request, "cwd": cwd, "environment": environment and dict(environment), "region": region}
        return str(await self._ask("create", kind=kind.value, checkpoints=list(checkpoints), **arguments))

    async def put(self, path: str, uri: str) -> None:
        """See `Service.put`."""
        await self._ask("put", path=path, uri=uri)

    async def kinds(self, name: str) -> Sequence[str]:
        """See `Service.kinds`."""
        return [*await self._ask("kinds", name=name)]

    async def summary(self, kind: Kind, name: str) -> dict[str, Any]:
        """See `Service.summary`."""
        return dict(await self._ask("summary", kind=kind.value, name=name))

    async def describe(self, kind: Kind, name: str) -> dict[str, Any]:
        """See `Service.describe`."""
        return dict(await self._ask("describe", kind=kind.value, name=name))

    async def list(self, kind: Kind | None = None) -> Summaries:
        """See `Service.list`."""
        return [*await self._ask("list", kind=kind and kind.value)]

    async def page(self, kind: Kind, query: Mapping[str, Any]) -> dict[str, Any]:
        """See `Service.page`."""
        return dict(await self._ask("page", kind=kind.value, query=query))

    async def children(self, name: str) -> Summaries:
        """See `Service.children`."""
        return [*await self._ask("children", name=name)]

    async def tags(self, kind: Kind, name: str) -> dict[str, str]:
        """See `Service.tags`."""
        return dict(await self._ask("tags", kind=kind.value, name=name))

    async def tag(self, kind: Kind, name: str, tags: Mapping[str, str]) -> None:
        """See `Service.tag`."""
        await self._ask("tag", kind=kind.value, name=name, tags=tags)

    async def untag(self, kind: Kind, name: str, keys: Sequence[str]) -> None:
        """See `Service.untag`."""
        await self._ask("untag", kind=kind.value, name=name, keys=[*keys])

    async def trainings(self, name: str, at_least: int = 0, timeout: float | None = None) -> Summaries:
        """See `Service.trainings`."""
        return [*await self._ask("trainings", name=name, at_least=at_least, timeout=timeout)]

    async def logs(self, kind: Kind, name: str, after: int = 0) -> dict[str, Any]:
        """See `Service.logs`."""
        return dict(await self._ask("logs", kind=kind.value, name=name, after=after))

    async def more_logs(self, kind: Kind, name: str, after: int = 0) -> dict[str, Any]:
        """See `Service.more_logs`."""
        return dict(await self._ask("more_logs", kind=kind.value, name=name, after=after))

    async def report(self, kind: Kind, name: str) -> dict[str, Any]:
        """See `Service.report`."""
        return dict(await self._ask("report", kind=kind.value, name=name))

    async def progress(self, kind: Kind, name: str) -> dict[str, Any]:
        """See `Service.progress`."""
        return dict(await self._ask("progress", kind=kind.value, name=name))

    async def wait(self, kind: Kind, name: str, timeout: float | None = None) -> dict[str, Any]:
        """See `Service.wait`."""
        return dict(await self._ask("wait", kind=kind.value, name=name, timeout=timeout))

    async def wait_for_log(self, kind: Kind, name: str, pattern: str, timeout: float | None = None) -> tuple[int, str]:
        """See `Service.wait_for_log`."""
        wall, text = await self._ask("wait_for_log", kind=kind.value, name=name, pattern=pattern, timeout=timeout)
        return int(wall), str(text)

    async def stop(self, kind: Kind, name: str, grace: float | None = None, now: bool = False) -> None:
        """See `Service.stop`."""
        await self._ask("stop", kind=kind.value, name=name, grace=grace, now=now)

    async def kill(self, kind: Kind, name: str, why: str) -> None:
        """See `Service.kill`."""
        await self._ask("kill", kind=kind.value, name=name, why=why)

    async def look(self, kind: Kind, name: str) -> None:
        """See `Service.look`."""
        await self._ask("look", kind=kind.value, name=name)

    async def delete(self, kind: Kind, name: str) -> None:
        """See `Service.delete`."""
        await self._ask("delete", kind=kind.value, name=name)

    async def _ask(self, verb: str, **arguments: Any) -> Any:
        if self._answers.done():
            raise self._gone()
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            self._writer.write(protocol.encode({"id": number, "verb": verb, "args": arguments}))
            return await answer
        finally:
            del self._waiting[number]

    async def _read(self) -> None:
        try:
            while line := await self._reader.readline():
                self._tell(json.loads(line))
        except (ConnectionError, ValueError):
            pass  # whoever waits is told below
        finally:
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(self._gone())

    def _tell(self, answer: dict[str, Any]) -> None:
        waiting = self._waiting.get(answer["id"])
        if waiting is None or waiting.done():  # whoever asked has given up
            return
        if "error" in answer:
            waiting.set_exception(protocol.heard(answer["error"]))
        else:
            waiting.set_result(answer["result"])

    def _gone(self) -> NoSupervisor:
        return NoSupervisor(f"the supervisor of {self._data_dir} has ended")
