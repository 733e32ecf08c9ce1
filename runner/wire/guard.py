"""Who may call: nobody but the user who runs the server, root, and programs that mean this server.

The server starts programs for whoever asks, so that a port on loopback is not enough of a fence: every user of the
machine can connect to it, and every web page can have a browser do so.

- *Another user's connection* is refused. One whose owner is not known is refused too: as a rule its client has gone
  and waits for no answer, and where it has not, to let it in would be to let in anybody. No setting changes this.
- *A foreign `Host`* is refused: a page from `evil.example` may have that name lead to 127.0.0.1 after it was loaded
  (DNS rebinding), and is then of the same origin as this server, to a browser, so that it may send and read all. But
  its requests say `Host: evil.example`. A request without a `Host`, or with several, is refused as well.
- *A foreign `Origin`* is refused: a browser lets every page send simple requests to everywhere, and only keeps the
  answers from it. It adds the `Origin` of the page, `null` where it hides that one; clients that are no browsers add
  none.

All three are decided before anything of the body is read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from runner.linux.sockets import owner_of_peer
from runner.wire.answers import refusal
from runner.wire.calls import Fault

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OWN_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
OWNER = "runner.owner"
"""Member of an ASGI scope's `state`: uid of the owner of the connection's other end, or None."""
_ROOT = 0
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?", re.IGNORECASE | re.ASCII)
"""`uri-host [ ":" port ]` (RFC 9110, 7.2), without what no host of ours has, such as a user."""
_POLICY_VIOLATION = 1008


class Guard:
    """ASGI middleware that answers 403 to whoever may not call; see the module.

    The addresses of a connection are taken as the server tells them. So uvicorn must run with `proxy_headers=False`:
    else it puts in their place what a request's `X-Forwarded-For` says.

    A server that notes whose a connection is when it is made (`OWNER` in the scope's state) has that believed: whoever
    hangs up after a request has still sent it. Otherwise it is asked for each request, because ASGI does not say which
    requests share a connection; the question costs less than 0.1 ms.
    """

    def __init__(
        self,
        app: App,
        allowed_hosts: Sequence[str] = (),
        owner: Callable[[tuple[str, int], tuple[str, int]], int | None] = owner_of_peer,
    ) -> None:
        """`allowed_hosts`: more names (`devbox`), or names with a port (`devbox:8770`), that `Host` may have."""
        self._app = app
        self._hosts = OWN_HOSTS | {host.lower() for host in allowed_hosts}
        self._owner = owner
        self._users = {_ROOT, os.geteuid()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reason = None if scope["type"] == "lifespan" else self._stranger(scope) or foreign(scope, self._hosts)
        if reason is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": reason[:120]})
        else:
            # Closed, because what follows is a body that nobody reads.
            answer = refusal(Fault("AccessDeniedException", reason, 403), {"connection": "close"})
            await answer(scope, receive, send)

    def _stranger(self, scope: Scope) -> str | None:
        owner = scope["state"][OWNER] if OWNER in scope.get("state", {}) else self._asked(scope)
        if owner in self._users:
            return None
        whose = "a user who is not known" if owner is None else f"the user with the id {owner}"
        return (
            f"This connection is that of {whose}. A server answers the user who runs it, and root; no setting changes"
            " that. Each user can run a server: runner serve --port 0"
        )

    def _asked(self, scope: Scope) -> int | None:
        local, peer = _address(scope.get("server")), _address(scope.get("client"))
        return self._owner(local, peer) if local and peer else None


def foreign(scope: Scope, hosts: frozenset[str]) -> str | None:
    """Why a request is not meant for this server, by its `Host` and `Origin`; None if it is."""
    named = _values(scope, b"host")
    if len(named) != 1:
        return f"A request must have one Host header, not {len(named)}."
    host = named[0].lower()
    found = _HOST.fullmatch(host)
    if found is None or not hosts & {host, found["name"]}:
        return (
            f"The Host header says {named[0][:200]!r}, and this server answers for localhost, 127.0.0.1 and [::1]."
            " allowed_hosts in [server] of runner.toml adds names."
        )
    own = f"{scope.get('scheme', 'http')}://{host}"
    for origin in _values(scope, b"origin"):
        if origin.lower() != own:
            return (
                f"The Origin header says {origin[:200]!r}: a page from elsewhere may not use this server, only one"
                f" from {own}. No setting changes that."
            )
    return None


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for found, value in scope["headers"] if found.lower() == name]


def _address(found: Any) -> tuple[str, int] | None:
    """Host and port of one end; None for what is no TCP connection."""
    match found:
        case [str(host), int(port), *_]:
            return host, port
    return None
