"""Probes by what they do with other processes. Each bounds how many there are at any time."""

from __future__ import annotations

import os
import signal
import sys
import time

from workloads.probes.telling import exit_on_sigterm, ready, tell, wait_for_ever

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

TERM = signal.SIGTERM
PAUSE = 0.002
"""Seconds that a process of a storm lives before it forks the next."""


def fork(act: Callable[[], None]) -> int:
    """A child that does `act` and exits 0, whatever happens in there; its pid."""
    pid = os.fork()
    if pid == 0:
        try:
            act()
        finally:
            os._exit(0)
    return pid


def close_output() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)


def ignore_sigterm_for_ever() -> None:
    signal.signal(TERM, signal.SIG_IGN)
    wait_for_ever()


def deaf_children(count: int, quiet: bool = True) -> None:
    """`count` children that ignore SIGTERM, which they do before they begin; each is told."""
    usual = signal.signal(TERM, signal.SIG_IGN)

    def live() -> None:
        if quiet:
            close_output()
        ignore_sigterm_for_ever()

    for _ in range(count):
        tell(f"child {fork(live)}")
    signal.signal(TERM, usual)


def leaves_child(count: str = "1") -> None:
    deaf_children(int(count))
    exit_on_sigterm(0)
    ready()
    wait_for_ever()


def holds_stdout() -> None:
    deaf_children(1, quiet=False)
    exit_on_sigterm(0)
    ready()
    wait_for_ever()


def sleeper(descriptor: str) -> None:
    """What `escapee-unmarked` executes: ignore SIGTERM, write the own pid to a descriptor, wait."""
    signal.signal(TERM, signal.SIG_IGN)
    os.write(int(descriptor), str(os.getpid()).encode())
    os.close(int(descriptor))
    wait_for_ever()


def _escape(act: Callable[[str], None]) -> None:
    reading, writing = os.pipe()

    def leave_session() -> None:
        os.setsid()
        os.set_inheritable(writing, True)
        fork(lambda: act(str(writing)))

    os.waitpid(fork(leave_session), 0)
    os.close(writing)
    tell(f"child {os.read(reading, 32).decode()}")
    exit_on_sigterm(0)
    ready()
    wait_for_ever()


def escapee() -> None:
    _escape(sleeper)


def escapee_unmarked() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    command = [sys.executable, "-I", "-S", here, "sleeper"]
    _escape(lambda descriptor: os.execve(command[0], [*command, descriptor], {}))


def successive(times: int, pause: float, *, until: float = float("inf")) -> int:
    """Be replaced by a child in a session of its own `times` times, `pause` seconds apart; how often it was.

    Ends early once CLOCK_MONOTONIC has come to `until` seconds.

    The child waits for its parent's end (the parent's end of a pipe closes) before it goes on, so that there are
    never more than two at a time.
    """
    for done in range(times):
        if time.monotonic() > until:
            return done
        reading, writing = os.pipe()
        if os.fork():
            os._exit(0)
        os.close(writing)
        os.read(reading, 1)
        os.close(reading)
        os.setsid()
        time.sleep(pause)
    return times


def hops(times: str, pause: str) -> None:
    def hop() -> None:
        signal.signal(TERM, signal.SIG_IGN)
        tell(f"hopped {successive(int(times), float(pause))} times, into session {os.getsid(0)}")

    fork(hop)
    exit_on_sigterm(0)
    ready()
    wait_for_ever()


def crashes(count: str) -> None:
    import faulthandler

    deaf_children(int(count))
    ready()
    # Not `_sigsegv`, which only raises the signal: a PID 1 that has no handler for it would not get it.
    faulthandler._read_null()  # type: ignore[attr-defined]  # there for exactly this, and not in the stubs


def orphans(count: str) -> None:
    def leave_a_child() -> None:
        fork(lambda: None)

    exit_on_sigterm(0)
    for _ in range(int(count)):
        os.waitpid(fork(leave_a_child), 0)
    tell(f"orphaned {count}")
    ready()
    wait_for_ever()


def dies_with_child(code: str) -> None:
    child = fork(wait_for_ever)
    tell(f"child {child}")

    def end(number: int, frame: FrameType | None) -> None:
        os.kill(child, signal.SIGKILL)
        os._exit(int(code))

    signal.signal(TERM, end)
    ready()
    wait_for_ever()


def storm(live: str, seconds: str) -> None:
    lines = int(live) // 2

    def rage() -> None:
        signal.signal(TERM, signal.SIG_IGN)
        times = successive(sys.maxsize, PAUSE, until=time.monotonic() + float(seconds))
        tell(f"hopped {times} times, into session {os.getsid(0)}")

    def begin(number: int, frame: FrameType | None) -> None:
        tell("got SIGTERM")
        for _ in range(lines):
            fork(rage)
        os._exit(0)

    signal.signal(TERM, begin)
    ready()
    wait_for_ever()


def workers(count: str) -> None:
    reading, writing = os.pipe()
    deaf, tells_deaf = os.pipe()
    signal.pthread_sigmask(signal.SIG_BLOCK, [TERM])

    def work() -> None:
        signal.signal(TERM, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [TERM])
        os.close(writing)
        os.write(tells_deaf, b".")
        os.read(reading, 1)

    children = [fork(work) for _ in range(int(count))]
    for _ in children:
        os.read(deaf, 1)

    def finish(number: int, frame: FrameType | None) -> None:
        tell("got SIGTERM")
        os.close(writing)
        for child in children:
            os.waitpid(child, 0)
        tell(f"all {count} workers have ended")
        os._exit(0)

    signal.signal(TERM, finish)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [TERM])
    ready()
    wait_for_ever()


PROBES: dict[str, Callable[..., None]] = {
    "leaves-child": leaves_child,
    "holds-stdout": holds_stdout,
    "escapee": escapee,
    "escapee-unmarked": escapee_unmarked,
    "sleeper": sleeper,
    "hops": hops,
    "crashes": crashes,
    "orphans": orphans,
    "dies-with-child": dies_with_child,
    "storm": storm,
    "workers": workers,
}
