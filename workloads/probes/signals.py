"""Probes by what they do with SIGTERM."""

from __future__ import annotations

import os
import signal
import time

from workloads.probes.telling import exit_on_sigterm, ready, tell, wait_for_ever

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

TERM = signal.SIGTERM
TOLD = (TERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGCONT)


def polite() -> None:
    exits("0")


def exits(code: str) -> None:
    exit_on_sigterm(int(code))
    ready()
    wait_for_ever()


def slow(seconds: str, code: str = "0") -> None:
    def save(number: int, frame: FrameType | None) -> None:
        signal.signal(TERM, signal.SIG_IGN)
        tell("got SIGTERM")
        time.sleep(float(seconds))
        tell("saved")
        os._exit(int(code))

    signal.signal(TERM, save)
    ready()
    wait_for_ever()


def tells(seconds: str) -> None:
    def say(number: int, frame: FrameType | None) -> None:
        tell(f"got {signal.Signals(number).name}")
        if number == TERM and not signal.getitimer(signal.ITIMER_REAL)[0]:
            signal.setitimer(signal.ITIMER_REAL, max(float(seconds), 1e-6))

    for number in TOLD:
        signal.signal(number, say)
    signal.signal(signal.SIGALRM, lambda number, frame: os._exit(0))
    ready()
    wait_for_ever()


def deaf() -> None:
    signal.signal(TERM, signal.SIG_IGN)
    ready()
    wait_for_ever()


def no_handler() -> None:
    ready()
    wait_for_ever()


def late(seconds: str) -> None:
    tell(f"starting {os.getpid()}")
    time.sleep(float(seconds))
    polite()


def blocks() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, [TERM])
    ready()
    wait_for_ever()


def waits() -> None:
    # Told before it waits: a signal that comes in between is blocked, stays pending, and ends the wait at once.
    signal.pthread_sigmask(signal.SIG_BLOCK, [TERM])
    ready()
    signal.sigwait([TERM])
    tell("got SIGTERM")


def waits_in_thread() -> None:
    import _thread

    signal.pthread_sigmask(signal.SIG_BLOCK, [TERM])

    def wait() -> None:
        ready()
        signal.sigwait([TERM])
        tell("got SIGTERM")
        os._exit(0)

    _thread.start_new_thread(wait, ())
    wait_for_ever()


def reraises() -> None:
    def again(number: int, frame: FrameType | None) -> None:
        tell("got SIGTERM")
        signal.signal(TERM, signal.SIG_DFL)
        os.kill(os.getpid(), TERM)

    signal.signal(TERM, again)
    ready()
    wait_for_ever()


def stops_itself() -> None:
    exit_on_sigterm(0)
    ready()
    os.kill(os.getpid(), signal.SIGSTOP)
    tell("went on")
    wait_for_ever()


def reads_tty() -> None:
    exit_on_sigterm(0)
    ready()
    os.kill(os.getpid(), signal.SIGTTIN)
    tell("went on")
    wait_for_ever()


PROBES: dict[str, Callable[..., None]] = {
    "polite": polite,
    "exits": exits,
    "slow": slow,
    "tells": tells,
    "deaf": deaf,
    "no-handler": no_handler,
    "late": late,
    "blocks": blocks,
    "waits": waits,
    "waits-in-thread": waits_in_thread,
    "reraises": reraises,
    "stops-itself": stops_itself,
    "reads-tty": reads_tty,
}
