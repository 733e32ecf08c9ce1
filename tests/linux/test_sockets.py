"""Whose the other end of a connection is."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.linux import sockets
from runner.linux.sockets import owner_of_peer

NOBODY = 65534
CONNECT = """
import socket, sys
client = socket.create_connection((sys.argv[1], int(sys.argv[2])))
print("connected", flush=True)
sys.stdin.read()
"""


class Connection(NamedTuple):
    """Both ends, as the one that accepted sees them."""

    accepted: socket.socket
    client: socket.socket

    @property
    def addresses(self) -> tuple[tuple[str, int], tuple[str, int]]:
        return self.accepted.getsockname()[:2], self.accepted.getpeername()[:2]


@contextlib.contextmanager
def listening(family: int, host: str, *, both: bool = False) -> Iterator[socket.socket]:
    if family == socket.AF_INET6 and not _has_ipv6():
        pytest.skip("no IPv6 on this machine")
    with socket.socket(family) as server:
        if both:
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        server.bind((host, 0))
        server.listen()
        yield server


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as tried:
            tried.bind(("::1", 0))
    except OSError:
        return False
    return True


@contextlib.contextmanager
def connected(server: socket.socket, host: str) -> Iterator[Connection]:
    with socket.create_connection((host, server.getsockname()[1])) as client:
        accepted, _ = server.accept()
        with accepted:
            yield Connection(accepted, client)


def _in_the_table(local: tuple[str, int], peer: tuple[str, int]) -> int | None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sockets, "_asked", _cannot_be_asked)
        return owner_of_peer(local, peer)


WAYS = ["kernel", "table"]


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Asked of the kernel, or looked up where it cannot be asked."""
    if request.param == "table":
        monkeypatch.setattr(sockets, "_asked", _cannot_be_asked)
    else:
        monkeypatch.setattr(sockets, "_looked_up", _must_not_be_called)
    return str(request.param)


def _cannot_be_asked(*_: object) -> int | None:
    raise OSError(93, "Protocol not supported")


def _must_not_be_called(*_: object) -> int | None:
    raise AssertionError("the kernel has not answered")


@pytest.mark.parametrize(
    ("family", "bound", "host", "both"),
    [
        (socket.AF_INET, "127.0.0.1", "127.0.0.1", False),
        (socket.AF_INET, "0.0.0.0", "127.0.0.2", False),
        (socket.AF_INET6, "::1", "::1", False),
        (socket.AF_INET6, "::", "::1", True),
        (socket.AF_INET6, "::", "127.0.0.1", True),
        (socket.AF_INET6, "::", "::ffff:127.0.0.1", True),
    ],
)
def test_a_connection_of_ours(way: str, family: int, bound: str, host: str, both: bool) -> None:
    with listening(family, bound, both=both) as server, connected(server, host) as connection:
        assert owner_of_peer(*connection.addresses) == os.getuid()


def test_a_connection_of_another_user(way: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    if shutil.which("setpriv") is None or (python := _python_for_all()) is None:
        pytest.skip("no setpriv, or no Python that every user may execute")
    become = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "env"]
    with listening(socket.AF_INET, "127.0.0.1") as server:
        command = [*become, python, "-c", CONNECT, "127.0.0.1", str(server.getsockname()[1])]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/") as stranger:
            accepted, peer = server.accept()
            with accepted:
                assert owner_of_peer(accepted.getsockname(), peer) == NOBODY
            assert stranger.stdin is not None
            stranger.stdin.close()


def _python_for_all() -> str | None:
    return shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin")


@pytest.mark.parametrize("look", [owner_of_peer, _in_the_table], ids=["either", "table"])
def test_a_client_that_has_closed_has_no_owner(look: Callable[..., int | None]) -> None:
    """The kernel says uid 0 of it, which is not root's."""
    with listening(socket.AF_INET, "127.0.0.1") as server, connected(server, "127.0.0.1") as connection:
        addresses = connection.addresses
        assert look(*addresses) == os.getuid()
        connection.client.sendall(b"POST")
        connection.client.close()  # FIN-WAIT-2: acknowledged, and no process has it open
        assert look(*addresses) is None
        connection.accepted.close()  # with an answer that nobody has read: RST, else TIME-WAIT
        assert look(*addresses) is None


def test_a_client_that_only_says_no_more_has_one(way: str) -> None:
    with listening(socket.AF_INET, "127.0.0.1") as server, connected(server, "127.0.0.1") as connection:
        connection.client.shutdown(socket.SHUT_WR)
        assert owner_of_peer(*connection.addresses) == os.getuid()


def test_who_listens_on_the_port_is_not_taken_for_the_client() -> None:
    with listening(socket.AF_INET, "127.0.0.1") as server, connected(server, "127.0.0.1") as connection:
        local, (host, _) = connection.addresses
        assert owner_of_peer(local, (host, local[1])) is None
        assert owner_of_peer((host, 1), local) is None


@pytest.mark.parametrize(
    ("local", "peer"),
    [
        (("127.0.0.1", 1), ("127.0.0.1", 2)),
        (("::1", 1), ("::1", 2)),
        (("127.0.0.1", 1), ("::1", 2)),
        (("localhost", 1), ("127.0.0.1", 2)),
        (("", 0), ("", 0)),
    ],
)
def test_a_connection_that_is_not_there(local: tuple[str, int], peer: tuple[str, int]) -> None:
    assert owner_of_peer(local, peer) is None


@given(st.text(max_size=8), st.integers(-1, 70_000), st.text(max_size=8), st.integers(-1, 70_000))
def test_nonsense_has_no_owner(host: str, port: int, other: str, other_port: int) -> None:
    assert owner_of_peer((host, port), (other, other_port)) is None
    assert owner_of_peer(("127.0.0.1", port), ("127.0.0.1", -other_port)) is None


def test_the_kernel_is_asked_however_many_sockets_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "_looked_up", _must_not_be_called)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(listening(socket.AF_INET, "127.0.0.1"))
        found = [stack.enter_context(connected(server, "127.0.0.1")) for _ in range(100)]
        assert {owner_of_peer(*connection.addresses) for connection in found} == {os.getuid()}
