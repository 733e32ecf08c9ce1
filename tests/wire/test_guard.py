"""Who may call."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import socket
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st

from runner.wire.guard import OWN_HOSTS, Guard, Message, Receive, Scope, Send, foreign
from tests.waiting import wait_until
from tests.wire import strangers

Headers = Sequence[tuple[bytes, bytes]]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers 200 with the body that it was sent."""
    if scope["type"] == "lifespan":
        return
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A guarded server in a thread."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(Guard(app), lifespan="off", proxy_headers=False, log_level="warning")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            wait_until(lambda: server.started, within=30, saying="the server has not started")
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(30)


def asked(port: int, headers: dict[str, str] | None = None, body: bytes = b"{}") -> tuple[int, bytes]:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("POST", "/", body=body, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()


def refused(port: int, headers: dict[str, str]) -> str:
    status, body = asked(port, headers)
    answer = json.loads(body)
    assert (status, answer["__type"]) == (403, "AccessDeniedException")
    return str(answer["Message"])


# --- over real connections


def test_the_user_who_runs_the_server_may_call(port: int) -> None:
    assert asked(port, body=b"hello") == (200, b"hello")
    assert asked(port, {"Host": "localhost:1"}) == (200, b"{}")
    assert asked(port, {"Origin": f"http://127.0.0.1:{port}"}) == (200, b"{}")


def test_a_foreign_host_or_origin_is_refused_with_the_setting_that_it_is_about(port: int) -> None:
    assert "allowed_hosts" in refused(port, {"Host": "evil.example"})
    assert "http://evil.example" in refused(port, {"Origin": "http://evil.example"})
    assert "'null'" in refused(port, {"Origin": "null"})
    # Another server of this machine is another origin.
    assert "Origin" in refused(port, {"Origin": f"http://127.0.0.1:{port + 1}"})
    assert "Origin" in refused(port, {"Origin": f"http://localhost:{port}"})


def test_the_answer_is_there_before_the_body_is_sent(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 1000000000\r\n\r\n")
        answer = client.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert b"connection: close" in answer.lower()


@pytest.mark.parametrize("named", [b"", b"Host: 127.0.0.1\r\nHost: 127.0.0.1\r\n"])
def test_no_host_or_several_are_refused(port: int, named: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(b"GET / HTTP/1.0\r\n" + named + b"\r\n")
        answer = client.makefile("rb").read()
    # Some servers see to it themselves.
    assert answer.startswith((b"HTTP/1.1 403 ", b"HTTP/1.1 400 "))


def test_another_user_is_refused(port: int) -> None:
    status, code, message = strangers.refusal(port)
    assert (status, code) == (403, "AccessDeniedException")
    assert f"the user with the id {strangers.NOBODY}" in message


# --- by the rules alone


def scope_of(headers: Headers, **more: Any) -> Scope:
    ends = {"server": ("127.0.0.1", 8770), "client": ("127.0.0.1", 50_000)}
    return {"type": "http", "scheme": "http", "headers": headers, **ends, **more}


def answered(scope: Scope, owner: int | None, **options: Any) -> list[Message]:
    """What is sent; a body must not be asked for by the guard."""
    sent: list[Message] = []

    async def receive() -> Message:
        assert scope["type"] == "websocket" or sent == []
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(Guard(app, owner=lambda local, peer: owner, **options)(scope, receive, send))
    return sent


HOST = [(b"host", b"localhost:8770")]


@pytest.mark.parametrize(("owner", "status"), [(0, 200), (os.geteuid(), 200), (4_321, 403), (None, 403)])
def test_root_and_the_own_user_may_call_and_nobody_else(owner: int | None, status: int) -> None:
    assert answered(scope_of(HOST), owner)[0]["status"] == status


@pytest.mark.parametrize("client", [None, ("/run/socket", None), ("127.0.0.1",)])
def test_what_is_no_connection_over_tcp_is_refused(client: object) -> None:
    assert answered(scope_of(HOST, client=client), 0)[0]["status"] == 403


def test_a_websocket_is_closed() -> None:
    (message,) = answered(scope_of(HOST, type="websocket"), None)
    assert (message["type"], message["code"]) == ("websocket.close", 1008)


def test_the_start_of_the_server_is_passed_on() -> None:
    assert answered({"type": "lifespan"}, None) == []


def test_allowed_hosts_with_and_without_a_port() -> None:
    def status(host: bytes) -> int:
        hosts = ["DevBox", "other:8770"]
        return int(answered(scope_of([(b"host", host)]), 0, allowed_hosts=hosts)[0]["status"])

    for host in (b"devbox", b"devbox:1", b"DEVBOX:99", b"other:8770", b"localhost", b"LOCALHOST:1", b"[::1]:8770"):
        assert status(host) == 200
    for host in (b"other", b"other:8771", b"devbox.evil.example", b"evil.devbox", b"[::2]", b"localhost."):
        assert status(host) == 403


@given(st.lists(st.tuples(st.sampled_from([b"host", b"Host", b"origin", b"x"]), st.binary(max_size=30)), max_size=5))
def test_headers_of_any_shape_are_decided(headers: Headers) -> None:
    status = answered(scope_of(headers), 0)[0]["status"]
    hosts = [value for name, value in headers if name.lower() == b"host"]
    if len(hosts) != 1:
        assert status == 403
    if status == 200:
        assert not [name for name, _ in headers if name == b"origin"]


@given(
    st.sampled_from(sorted(OWN_HOSTS)),
    st.one_of(st.just(""), st.integers(0, 65_535).map(lambda port: f":{port}")),
    st.sampled_from(["http", "https"]),
)
def test_the_servers_own_origin_in_every_spelling(name: str, port: str, scheme: str) -> None:
    host = f"{name}{port}"
    own = [(b"host", host.encode()), (b"origin", f"{scheme}://{host}".upper().encode())]
    assert foreign(scope_of(own, scheme=scheme), OWN_HOSTS) is None
    assert foreign(scope_of([*own, (b"origin", b"null")], scheme=scheme), OWN_HOSTS) is not None
    other = "https" if scheme == "http" else "http"
    assert foreign(scope_of(own, scheme=other), OWN_HOSTS) is not None


evil = st.from_regex(r"[a-z0-9.@:/\[\]-]{1,20}", fullmatch=True)


@given(evil, st.sampled_from(["{0}", "localhost{0}", "{0}.localhost", "127.0.0.1.{0}", "localhost:80@{0}", "{0}:8770"]))
def test_a_name_that_only_looks_like_ours_is_refused(text: str, shape: str) -> None:
    host = shape.format(text)
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() and not host.endswith("]") else host
    if name not in OWN_HOSTS:
        assert foreign(scope_of([(b"host", host.encode())]), OWN_HOSTS) is not None
