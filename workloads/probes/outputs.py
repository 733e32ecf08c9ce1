"""Probes by what they print."""

from __future__ import annotations

import os

from workloads.probes.telling import exit_on_sigterm, ready, wait_for_ever

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

LINE = 64
LINES_AT_ONCE = 1024


def write(data: bytes, descriptor: int = 1) -> None:
    """All of it: a pipe may take less than it is given."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def floods(size: str) -> None:
    ready()
    left, number = int(size), 0
    while left > 0:
        block = b"".join(b"%0*d\n" % (LINE - 1, number + line) for line in range(LINES_AT_ONCE))[:left]
        write(block)
        left -= len(block)
        number += LINES_AT_ONCE


def pieces() -> None:
    import signal

    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    ready()
    for piece in (b"one ", b"line ", b"in pieces\n", b"an open end"):
        write(piece)
    signal.sigwait([signal.SIGTERM])
    write(b", and the last words without one")


def binary() -> None:
    exit_on_sigterm(0)
    ready()
    write(bytes(range(256)) + b"\n\xff\xfe\x00\xc3\n")
    wait_for_ever()


def silent() -> None:
    import signal

    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(0))
    wait_for_ever()


def by_name(count: str) -> None:
    ready()
    for number in range(int(count)):
        for name in ("stdout", "stderr"):
            # With O_TRUNC, as a shell's `>` opens it: this is what empties a log that is a regular file.
            descriptor = os.open(f"/dev/{name}", os.O_WRONLY | os.O_TRUNC)
            write(f"{name} {number}\n".encode(), descriptor)
            os.close(descriptor)


PROBES: dict[str, Callable[..., None]] = {
    "floods": floods,
    "pieces": pieces,
    "binary": binary,
    "silent": silent,
    "by-name": by_name,
}
