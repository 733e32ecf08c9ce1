"""Where these tests run there is nothing but the loopback, and nothing turns elsewhere without being counted."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.clients.heavy import loopback
from tests.clients.heavy.installed import ROOT

TURN = """\
import json, socket
from tests.clients.heavy import loopback

def turn(family, kind, address):
    try:
        with socket.socket(family, kind) as one:
            one.connect(address)
    except OSError:
        return True
    return False

def look_up(name):
    try:
        socket.getaddrinfo(name, 443)
    except OSError:
        return True
    return False

server = socket.create_server(("127.0.0.1", 0))
print(json.dumps([{tried}, loopback.attempts()]))
"""


@pytest.mark.parametrize(
    ("tried", "counted"),
    [
        ('turn(socket.AF_INET, socket.SOCK_STREAM, ("192.0.2.1", 443))', "Ip.OutNoRoutes"),
        ('turn(socket.AF_INET, socket.SOCK_DGRAM, ("192.0.2.1", 53))', "Ip.OutNoRoutes"),
        ('turn(socket.AF_INET6, socket.SOCK_STREAM, ("2001:db8::1", 443))', "Ip6OutNoRoutes"),
        ('look_up("sts.eu-west-1.amazonaws.com")', "Ip.OutNoRoutes or Udp.NoPorts"),  # where the name server is
        ("turn(socket.AF_INET, socket.SOCK_STREAM, server.getsockname())", None),
    ],
)
def test_what_turns_elsewhere_is_counted(tried: str, counted: str | None) -> None:
    # In a namespace of its own, so that it is not taken for what a client does.
    command = [sys.executable, "-m", "tests.tools.alone", sys.executable, "-c", TURN.replace("{tried}", tried)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    failed, attempts = json.loads(done.stdout)
    (found,) = {name for name, number in attempts.items() if number} or {None}
    assert (found in counted.split(" or ")) if counted else (found is None), attempts
    assert failed is (counted is not None)


def test_here_is_nothing_else() -> None:
    assert loopback.is_all_there_is()
