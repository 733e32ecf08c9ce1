"""Bodies of requests: whole, in time, and all together never more in memory than is allowed.

Each counts from its first byte to its answer: what was counted for it is given back however that ends.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import NoReturn

from starlette.requests import Request

from runner.wire.calls import Fault

LARGEST_BODY = 4 << 20
"""Bytes of a request."""
BODY_SECONDS = 60.0
"""In which a request must have come whole: who sends half of one holds nothing for ever."""
MOST_HELD = 32 << 20
"""Bytes of all bodies together, but for the beginning of each."""
UNCOUNTED = 16 << 10
"""Bytes at the beginning of each body: a stop is answered however many large requests are on their way."""


class Bodies:
    """Of all requests of one endpoint."""

    def __init__(self) -> None:
        self.held = 0
        """Bytes that count now."""

    @contextlib.asynccontextmanager
    async def whole(self, request: Request) -> AsyncIterator[bytearray]:
        """The body of a request, which counts as long as it is worked with.

        Raises Fault for one that is too large, does not come, or has no place: "Rate exceeded", which every AWS SDK
        repeats by itself after a while.
        """
        body = bytearray()
        try:
            await self._read(request, body)
            yield body
        finally:
            self.held -= _counted(len(body))

    async def _read(self, request: Request, body: bytearray) -> None:
        length = request.headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:20]) > LARGEST_BODY:
            _too_large()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for part in request.stream():
                    self._add(body, part)
        except TimeoutError:
            raise Fault("RequestTimeoutException", f"The body has not come within {BODY_SECONDS:g} s.", 408) from None

    def _add(self, body: bytearray, part: bytes) -> None:
        size = len(body) + len(part)
        if size > LARGEST_BODY:
            _too_large()
        more = _counted(size) - _counted(len(body))
        if self.held + more > MOST_HELD:
            raise Fault("ThrottlingException", "Rate exceeded")
        self.held += more
        body += part


def _counted(size: int) -> int:
    return max(0, size - UNCOUNTED)


def _too_large() -> NoReturn:
    raise Fault("RequestEntityTooLargeException", f"The body must have at most {LARGEST_BODY} bytes.", 413)
