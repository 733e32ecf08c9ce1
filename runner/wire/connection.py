"""One connection of the endpoint: whose it is, how long a request may take to begin, what is no HTTP."""

from __future__ import annotations

import asyncio
import contextlib
from http import HTTPStatus
from typing import Any, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from runner.linux.sockets import owner_of_peer
from runner.wire.answers import refusal
from runner.wire.calls import Fault
from runner.wire.guard import OWNER
from runner.wire.heads import SPOKEN

HEAD_SECONDS = 60.0
"""In which the head of a request must have come."""
LEAVE_SECONDS = 2.0
"""For a client to read why it was refused, and to close its end."""


class Connection(H11Protocol):
    """Notes whose it is when it is made: a client that hangs up after its request has still asked."""

    _due: asyncio.TimerHandle | None = None
    """When the head must have come that is waited for: connections are not held for nothing, by whomever."""
    _left = False
    """It has been refused: what still comes is nothing to anybody."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        ends = self.server, self.client
        owner = owner_of_peer(cast(Any, ends[0]), ends[1]) if ends[0] and ends[1] else None
        self.app_state = {**self.app_state, OWNER: owner}
        self._watch_head()

    def data_received(self, data: bytes) -> None:
        if not self._left:
            super().data_received(data)
            self._watch_head()

    def eof_received(self) -> bool:  # type: ignore[override]  # uvicorn lets asyncio close the connection
        """The client has sent all that it will, and may still read: a request that has come whole is answered, half a
        one is refused. True: the connection stays open, until then."""
        if self._left:
            return False
        cycle = self._cycle()
        asked = cycle is not None and not cycle.response_complete
        if cycle is not None and asked and not cycle.more_body:
            cycle.keep_alive = False
            return True
        if asked or self.conn.trailing_data[0]:
            self._refuse(Fault("BadRequestException", f"The request ends before it is whole. {SPOKEN}"))
        return False

    def on_response_complete(self) -> None:
        """What has come of a body and was not read before the answer is read by nobody."""
        self.cycle.body = bytearray()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._forget_head()

    def _watch_head(self) -> None:
        cycle = self._cycle()
        if cycle is not None and not cycle.response_complete and not self._left:
            self._forget_head()
        elif self._due is None and not self.transport.is_closing():
            self._due = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _forget_head(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _give_up(self) -> None:
        why = f"The head of a request has not come within {HEAD_SECONDS:g} s."
        self._refuse(Fault("RequestTimeoutException", why, 408))

    def _cycle(self) -> RequestResponseCycle | None:
        return self.cycle  # uvicorn's types know nothing of the time before the first request

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is refused in AWS's shape too."""
        self._refuse(Fault("BadRequestException", f"{msg} {SPOKEN}"))

    def _refuse(self, fault: Fault) -> None:
        """Without a request that could be answered."""
        answer = refusal(fault)
        headers = [*answer.raw_headers, (b"connection", b"close")]
        reason = HTTPStatus(fault.status).phrase.encode()
        head = h11.Response(status_code=fault.status, reason=reason, headers=headers)
        with contextlib.suppress(h11.LocalProtocolError):  # another answer has begun: this one has no place
            for event in (head, h11.Data(data=bytes(answer.body)), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self._leave()

    def _leave(self) -> None:
        """Closed at once, the kernel would answer what still comes with a reset, which may take the answer from the
        client: "the server first performs a half-close […] and continues to read" (RFC 9112, 9.6)."""
        self._forget_head()
        self._left = True
        if (cycle := self._cycle()) is not None:  # as when the client has gone: nothing can be answered any more
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.write_eof()
        self.flow.resume_reading()
        self._due = self.loop.call_later(LEAVE_SECONDS, self.transport.close)

    def shutdown(self) -> None:
        """The server ends: a request that has not come whole is not waited for."""
        cycle = self._cycle()
        if self._left or (cycle is not None and cycle.more_body):
            self.transport.close()
        else:
            super().shutdown()
