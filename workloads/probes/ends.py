"""Probes that end, each in its own way, without being asked to."""

from __future__ import annotations

import os
import signal

from workloads.probes.telling import exit_on_sigterm, ready, tell, wait_for_ever

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

STEP = 16 << 20
MISSING = "/nonexistent/program"


def exit_(code: str) -> None:
    ready()
    os._exit(int(code))


def dies(name: str) -> None:
    number = signal.Signals[name]
    if number is not signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    ready()
    os.kill(os.getpid(), number)
    wait_for_ever()


def aborts() -> None:
    ready()
    os.abort()


def segfaults() -> None:
    # Not kill(2): a signal that PID 1 sends to itself is dropped, one that the processor raises is not.
    import faulthandler

    ready()
    # Not `_sigsegv`, which only raises the signal: a PID 1 that has no handler for it would not get it.
    faulthandler._read_null()  # type: ignore[attr-defined]  # there for exactly this, and not in the stubs


def exec_missing() -> None:
    ready()
    try:
        os.execv(MISSING, [MISSING])
    except FileNotFoundError as error:
        os.write(2, f"{MISSING}: {error.strerror}\n".encode())
        os._exit(127)


def takes_memory(limit: str) -> None:
    exit_on_sigterm(0)
    ready()
    taken: list[bytearray] = []
    for size in range(STEP, int(limit) + 1, STEP):
        block = bytearray(STEP)
        block[:: os.sysconf("SC_PAGE_SIZE")] = b"x" * (STEP // os.sysconf("SC_PAGE_SIZE"))
        taken.append(block)
        tell(f"allocated {size}")
    wait_for_ever()


PROBES: dict[str, Callable[..., None]] = {
    "exit": exit_,
    "dies": dies,
    "aborts": aborts,
    "segfaults": segfaults,
    "exec-missing": exec_missing,
    "takes-memory": takes_memory,
}
