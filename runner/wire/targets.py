"""Request targets in absolute form, as clients send them that take a server for a proxy: `POST http://localhost/`.

"A server MUST accept the absolute-form in requests, even though most HTTP clients will only send the absolute-form to a
proxy", and "MUST ignore the received Host header field (if any) and instead use the host information of the
request-target" (RFC 9112, 3.2.2).
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from runner.wire.guard import App, Receive, Scope, Send

_ABSOLUTE = re.compile(rb"(?P<scheme>[a-z]+)://(?P<host>[^/?#]+)(?P<path>/.*)?", re.IGNORECASE | re.DOTALL)


def origin_form(app: App) -> App:
    """An application that sees requests of either form as those in origin form, with the `Host` that they are for."""

    async def seen(scope: Scope, receive: Receive, send: Send) -> None:
        await app(_with_host(scope) if scope["type"] == "http" else scope, receive, send)

    return seen


def _with_host(scope: Scope) -> Scope:
    """A target of another scheme than the connection's is nothing of this server: it stays a path that is not there."""
    found = _ABSOLUTE.fullmatch(scope["raw_path"])
    if found is None or found["scheme"].decode().lower() != scope["scheme"]:
        return scope
    path = found["path"] or b"/"
    others = [(name, value) for name, value in scope["headers"] if name.lower() != b"host"]
    headers = [(b"host", found["host"]), *others]
    return {**scope, "path": unquote(path.decode("ascii")), "raw_path": path, "headers": headers}
