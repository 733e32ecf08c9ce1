"""Heads of requests: in a version of HTTP that is spoken here, and not too large.

"The 505 (HTTP Version Not Supported) status code indicates that the server does not support, or refuses to support, the
major version of HTTP that was used in the request message", and its answer should say what is (RFC 9110, 15.6.6). Of
the minor versions each is understood: HTTP/1.0 too, after whose answer the connection ends.
"""

from __future__ import annotations

from runner.wire.answers import refusal
from runner.wire.calls import Fault
from runner.wire.guard import App, Receive, Scope, Send

LARGEST_HEAD = 16 << 10
"""Bytes of a request line and its headers. SageMaker's clients send 1 to 2 KiB, a session token's length added."""
SPOKEN = f"HTTP/1.1 is spoken here, with heads of at most {LARGEST_HEAD} bytes."
_LINE = 4
"""Bytes of a header line besides its name and value: a colon, a space, and its end."""


def with_checked_heads(app: App) -> App:
    """An application that sees only what may come. What is refused ends its connection: a body is not read."""

    async def seen(scope: Scope, receive: Receive, send: Send) -> None:
        fault = _refused(scope) if scope["type"] == "http" else None
        if fault is None:
            await app(scope, receive, send)
        else:
            await refusal(fault, {"connection": "close"})(scope, receive, send)

    return seen


def _refused(scope: Scope) -> Fault | None:
    version = scope["http_version"]
    if not version.startswith("1."):
        return Fault("HttpVersionNotSupportedException", f"HTTP/{version} is not spoken. {SPOKEN}", 505)
    size = _size(scope)
    if size > LARGEST_HEAD:
        return Fault("BadRequestException", f"The head of this request has {size} bytes. {SPOKEN}")
    return None


def _size(scope: Scope) -> int:
    """As it was sent, but for white space that means nothing. h11 limits only what has not come whole at once."""
    line = f"{scope['method']}  HTTP/{scope['http_version']}\r\n\r\n"
    query = scope["query_string"]
    target = len(scope["raw_path"]) + (len(query) + 1 if query else 0)
    return len(line) + target + sum(len(name) + len(value) + _LINE for name, value in scope["headers"])
