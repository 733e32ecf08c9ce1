"""Runs a command where there is no network but the loopback: `python -m tests.tools.alone COMMAND [ARGUMENT]...`.

In a network namespace of its own. Whatever in there turns to another address is told at once that there is no way to
it, and the kernel counts it (`tests.clients.heavy.loopback`). Without root in a user namespace too.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import subprocess
import sys

_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1  # netdevice(7)
_INSIDE = "--inside"
_WAYS = (["unshare", "--net"], ["unshare", "--net", "--user", "--map-root-user"])


def main(arguments: list[str]) -> None:
    """Becomes the command."""
    if arguments[:1] == [_INSIDE]:
        bring_up_loopback()
        os.execvp(arguments[1], arguments[1:])
    for way in _WAYS:
        if subprocess.run([*way, "true"], stderr=subprocess.DEVNULL).returncode == 0:
            os.execvp(way[0], [*way, sys.executable, "-m", "tests.tools.alone", _INSIDE, *arguments])
    sys.exit("this machine allows no network namespace: neither to root, nor in a user namespace")


def bring_up_loopback() -> None:
    """What a new network namespace has is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        asked = struct.pack("16sH14x", b"lo", 0)
        (flags,) = struct.unpack("16xH14x", fcntl.ioctl(any_socket, _SIOCGIFFLAGS, asked))
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | _IFF_UP))


if __name__ == "__main__":
    main(sys.argv[1:])
