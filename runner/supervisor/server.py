"""The unix socket of a data directory: every verb of the service, for other processes of the same user."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from runner.errors import InvalidRequest, RunnerError
from runner.jobs.base import kind_named
from runner.supervisor import protocol
from runner.supervisor.layout import SOCKET_NAME
from runner.supervisor.service import Service

_logger = logging.getLogger(__name__)

_CREDENTIALS = struct.Struct("3i")
"""`struct ucred`: pid, uid, gid."""
_LAST_ANSWERS = 1.0
"""Seconds that answers which are ready have to get out when the server closes."""
_TURNS = 8
_VERBS = (
    "create",
    "put",
    "kinds",
    "summary",
    "describe",
    "list",
    "page",
    "children",
    "tags",
    "tag",
    "untag",
    "trainings",
    "logs",
    "more_logs",
    "report",
    "progress",
    "wait",
    "wait_for_log",
    "stop",
    "kill",
    "look",
    "delete",
)


class Server:
    """Listens from `open` to `close`."""

    def __init__(self, service: Service, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._verbs: dict[str, Callable[..., Awaitable[Any]]] = {verb: getattr(service, verb) for verb in _VERBS}
        self._connections: set[asyncio.StreamWriter] = set()
        self._requests: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._listener: socket.socket | None = None
        self._takes_connections = self._takes_requests = True
        self._visited = asyncio.Event()
        self._unused = asyncio.Event()
        self._unused.set()

    @property
    def is_used(self) -> bool:
        """Somebody is connected, or something that was asked for is still under way."""
        return bool(self._connections or self._requests)

    async def visited(self) -> None:
        """Returns when somebody has connected."""
        await self._visited.wait()

    async def unused(self) -> None:
        """Returns when nobody is connected, and nothing that was asked for is under way any more."""
        await self._unused.wait()

    async def open(self) -> None:
        """Listen. Whoever calls this owns the data directory, so a socket that is there already is a dead one's."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        with protocol.short_path(self._data_dir, SOCKET_NAME) as path:
            with suppress(FileNotFoundError):
                os.unlink(path)
            listener.bind(path)
            os.chmod(path, 0o600)
        self._listener = listener
        self._server = await asyncio.start_unix_server(self._connected, sock=listener, limit=protocol.LONGEST_LINE)

    async def close(self) -> None:
        """Listen no more, and hang up: requests that are still under way are given up.

        To be called before the service closes, and so before another supervisor can have the directory: after it no
        request comes through any more, and the socket that is removed is this one's.
        """
        server, listener, self._server, self._listener = self._server, self._listener, None, None
        if server is None or listener is None:
            return
        (self._data_dir / SOCKET_NAME).unlink(missing_ok=True)
        self._takes_connections = False
        # Not closed at once: asyncio drops, and does not close, a connection that it has taken and not yet handed over.
        asyncio.get_running_loop().remove_reader(listener)
        await _turns()
        server.close()
        if self._requests:
            await asyncio.wait(self._requests, timeout=_LAST_ANSWERS)
        self._takes_requests = False
        for writer in tuple(self._connections):
            writer.close()
        await asyncio.gather(*self._requests, return_exceptions=True)
        await _turns()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._takes_connections or not _is_ours(writer):
            writer.close()
            return
        self._connections.add(writer)
        self._visited.set()
        self._unused.clear()
        own: set[asyncio.Task[None]] = set()
        try:
            while (line := await reader.readline()) and self._takes_requests:
                request = asyncio.create_task(self._answer(line, writer))
                for tasks in (own, self._requests):
                    tasks.add(request)
                    request.add_done_callback(tasks.discard)
                request.add_done_callback(lambda _: self._note_use())
        except (ConnectionError, ValueError) as error:  # ValueError: a line without an end
            _logger.warning("a client was dropped: %s", error)
        finally:
            # A client that hangs up waits no more; what it has asked for goes on, because a verb that changes
            # something has done so in one piece.
            for request in own:
                request.cancel()
            self._connections.discard(writer)
            writer.close()
            self._note_use()

    def _note_use(self) -> None:
        if not self.is_used:
            self._unused.set()

    async def _answer(self, line: bytes, writer: asyncio.StreamWriter) -> None:
        request: dict[str, Any] = {}
        try:
            request = _request(line)
            answer = {"result": await self._call(request)}
        except RunnerError as error:
            answer = {"error": protocol.told(error)}
        except Exception as error:
            _logger.exception("a request failed: %r", line[:200])
            answer = {"error": protocol.told(RunnerError(f"the supervisor failed: {error!r}"))}
        writer.write(protocol.encode({"id": request.get("id")} | answer))
        with suppress(ConnectionError):
            await writer.drain()

    async def _call(self, request: dict[str, Any]) -> Any:
        act = self._verbs.get(str(request.get("verb")))
        if act is None:
            raise InvalidRequest("verb", f"must be one of {', '.join(_VERBS)}, not {request.get('verb')!r}")
        arguments = dict(request.get("args") or {})
        if arguments.get("kind") is not None:
            arguments["kind"] = kind_named("kind", arguments["kind"])
        try:
            call = act(**arguments)
        except TypeError as error:
            raise InvalidRequest("args", str(error)) from None
        return await call


async def _turns() -> None:
    """Let the event loop come to what it has begun: it takes three turns from a connection to its handler, and one to
    close it. A connection that nobody comes to is never closed while this process lives.
    """
    for _ in range(_TURNS):
        await asyncio.sleep(0)


def _request(line: bytes) -> dict[str, Any]:
    try:
        request = json.loads(line)
    except ValueError as error:
        raise InvalidRequest("request", f"must be a line of JSON: {error}") from None
    if not isinstance(request, dict):
        raise InvalidRequest("request", "must be an object")
    return request


def _is_ours(writer: asyncio.StreamWriter) -> bool:
    credentials = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(credentials)
    return bool(uid == os.getuid())
