"""Request targets in absolute form, by the rule alone; `tests.clients.test_sockets` has them on real connections."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from runner.wire.guard import OWN_HOSTS, Receive, Scope, Send, foreign
from runner.wire.targets import origin_form


def seen(target: bytes, *hosts: bytes, **more: Any) -> Scope:
    """What an application sees of a request, whose server has split off the query."""
    scopes: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)

    headers = [(b"host", host) for host in hosts] + [(b"x-other", b"1")]
    scope = {"type": "http", "scheme": "http", "headers": headers, "raw_path": target, "path": target.decode(), **more}

    async def call() -> None:
        nothing: Any = None
        await origin_form(app)(scope, nothing, nothing)

    asyncio.run(call())
    (found,) = scopes
    return found


@pytest.mark.parametrize(
    ("target", "host", "raw_path", "path"),
    [
        (b"http://localhost:8770/", b"localhost:8770", b"/", "/"),
        (b"HTTP://Localhost", b"Localhost", b"/", "/"),
        (b"http://[::1]:1/a%20b/%C3%A4", b"[::1]:1", b"/a%20b/%C3%A4", "/a b/ä"),
        (b"http://devbox//x", b"devbox", b"//x", "//x"),
    ],
)
@pytest.mark.parametrize("hosts", [(), (b"evil.example",), (b"localhost", b"localhost")])
def test_the_host_in_the_target_counts(
    target: bytes, host: bytes, raw_path: bytes, path: str, hosts: tuple[bytes, ...]
) -> None:
    scope = seen(target, *hosts)
    assert (scope["raw_path"], scope["path"]) == (raw_path, path)
    assert scope["headers"] == [(b"host", host), (b"x-other", b"1")]
    assert foreign(scope, OWN_HOSTS | {"devbox"}) is None


@pytest.mark.parametrize(
    "target", [b"http://evil.example/", b"http://user@localhost/", b"http://localhost:x/", b"http://localhost@evil/"]
)
def test_a_foreign_one_is_foreign_whatever_the_header_says(target: bytes) -> None:
    assert "The Host header says" in str(foreign(seen(target, b"localhost"), OWN_HOSTS))


@pytest.mark.parametrize("target", [b"/", b"/http://localhost/", b"*", b"https://localhost/", b"http:///"])
def test_anything_else_stays_as_it_is(target: bytes) -> None:
    scope = seen(target, b"localhost")
    assert (scope["raw_path"], scope["headers"][0]) == (target, (b"host", b"localhost"))


def test_what_is_no_request_is_passed_on() -> None:
    assert seen(b"", type="lifespan", raw_path=None)["type"] == "lifespan"
