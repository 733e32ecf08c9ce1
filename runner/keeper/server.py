"""The keeper's socket. It never blocks on it: what a slow supervisor does not read, it can read in the journals."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct

from runner.keeper.keeper import Keeper, OrderError
from runner.keeper.protocol import Lines, encode, listen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.keeper.loop import Loop

_LARGEST_BACKLOG = 4 * 1024 * 1024
_A_READ = 256 * 1024


class Server:
    """Listens, gives orders to the keeper, and tells every connection which journals have grown."""

    def __init__(self, folder: str, loop: Loop) -> None:
        self._loop = loop
        self._listener = listen(folder)
        self._connections: list[_Connection] = []
        self._news: dict[str, dict[str, None]] = {}
        self.keeper: Keeper | None = None
        loop.add(self._listener.fileno(), self._accept)

    def _accept(self) -> None:
        try:
            peer, _ = self._listener.accept()
        except OSError:
            return
        _pid, uid, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        if uid not in (os.geteuid(), 0):
            peer.close()
            return
        peer.setblocking(False)
        self._connections.append(_Connection(peer, self))

    def obey(self, connection: _Connection, order: dict[str, Any]) -> None:
        assert self.keeper is not None
        number = order.get("id")
        if order.get("order") == "close":
            self.keeper.close(lambda: connection.finish({"id": number, "result": {}}))
            return
        try:
            answer = {"id": number, "result": self.keeper.obey(order)}
        except OrderError as error:
            answer = {"id": number, "error": {"kind": error.kind, "text": str(error)}}
        except Exception as error:  # whatever a peer sends, the jobs of this keeper go on
            answer = {"id": number, "error": {"kind": "malformed", "text": f"{order.get('order')}: {error!r}"}}
        connection.send(answer)

    def tell(self, news: str, job: str) -> None:
        """Tell the supervisor, together with whatever else grows in this turn of the loop."""
        if not self._news:
            self._loop.soon(self._send_news)
        self._news.setdefault(news, {})[job] = None

    def _send_news(self) -> None:
        news, self._news = self._news, {}
        message = {kind: list(jobs) for kind, jobs in news.items()}
        for connection in list(self._connections):
            connection.send(message)

    def forget(self, connection: _Connection) -> None:
        if connection in self._connections:
            self._connections.remove(connection)


class _Connection:
    def __init__(self, peer: socket.socket, server: Server) -> None:
        self._peer = peer
        self._server = server
        self._lines = Lines()
        self._backlog = bytearray()
        self._loop = server._loop
        self._loop.add(peer.fileno(), self._ready)

    def _ready(self) -> None:
        if self._backlog:
            self._write()
        try:
            data = self._peer.recv(_A_READ)
            orders = self._lines.feed(data)
        except BlockingIOError:
            return
        except (OSError, ValueError, RecursionError):
            self._close()
            return
        for order in orders:
            self._server.obey(self, order)
        if not data:
            self._close()

    def send(self, message: dict[str, Any]) -> None:
        if self._peer.fileno() < 0:
            return
        waits = bool(self._backlog)
        self._backlog += encode(message)
        if len(self._backlog) > _LARGEST_BACKLOG:
            self._close()
        elif not waits:
            self._write()

    def finish(self, message: dict[str, Any]) -> None:
        """The last message: wait until it has been taken, since the keeper ends after it."""
        if self._peer.fileno() >= 0:
            self._peer.settimeout(1.0)
            with contextlib.suppress(OSError):
                self._peer.sendall(self._backlog + encode(message))

    def _write(self) -> None:
        try:
            sent = self._peer.send(self._backlog)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._close()
            return
        del self._backlog[:sent]
        self._loop.change(self._peer.fileno(), select.EPOLLIN | (select.EPOLLOUT if self._backlog else 0))

    def _close(self) -> None:
        if self._peer.fileno() >= 0:
            self._loop.remove(self._peer.fileno())
            self._peer.close()
        self._server.forget(self)
