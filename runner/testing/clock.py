"""Virtual time: an event loop whose clock stands still while anything happens and jumps to the next timer when not.

A grace of 120 s costs nothing, and nothing depends on how fast the machine is. Work in threads is waited for in real
time, so a loop of this kind may be used with files and databases, but not with peers that have a clock of their own.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, TypeVar, TypeVarTuple, Unpack

from runner import clock

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")
_START = 1_000_000_000_000
"""ns of the monotonic clock at the beginning: far from 0, which some code takes for "never"."""
_WALL_AT_START = 1_800_000_000_000_000_000


class VirtualClock:
    """What `runner.clock` tells while it is replaced."""

    def __init__(self) -> None:
        self._now = _START
        self._wall_offset = _WALL_AT_START - _START

    def monotonic_ns(self) -> int:
        return self._now

    def wall_ns(self) -> int:
        return self._now + self._wall_offset

    def advance(self, seconds: float) -> None:
        """Time passes."""
        self._now += round(seconds * 1e9)

    def set_wall_back(self, seconds: float) -> None:
        """Someone sets the wall clock back (or, less than 0, forward); the monotonic clock does not notice."""
        self._wall_offset -= round(seconds * 1e9)


class _JumpingSelector(selectors.DefaultSelector):
    """Waits for descriptors as ever, but passes the time until the next timer instead of waiting for it."""

    def __init__(self, virtual: VirtualClock, is_busy: Callable[[], bool]) -> None:
        super().__init__()
        self._virtual = virtual
        self._is_busy = is_busy

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or (timeout > 0 and self._is_busy()):
            return super().select(None)
        events = super().select(0)
        if not events and timeout > 0:
            self._virtual.advance(timeout)
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop on virtual time."""

    def __init__(self, virtual: VirtualClock) -> None:
        self._virtual = virtual
        self._in_threads = 0
        super().__init__(_JumpingSelector(virtual, lambda: self._in_threads > 0))

    def time(self) -> float:
        return self._virtual.monotonic_ns() / 1e9

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[_Ts]], _T], *args: *_Ts
    ) -> asyncio.Future[_T]:
        """As ever; while it runs, time stands still."""
        self._in_threads += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._back)
        return future

    def _back(self, _: asyncio.Future[Any]) -> None:
        self._in_threads -= 1


@contextmanager
def replaced(virtual: VirtualClock) -> Iterator[None]:
    """`runner.clock` tells virtual time inside."""
    real = clock.monotonic_ns, clock.wall_ns
    clock.monotonic_ns, clock.wall_ns = virtual.monotonic_ns, virtual.wall_ns
    try:
        yield
    finally:
        clock.monotonic_ns, clock.wall_ns = real


def run(main: Coroutine[Any, Any, _T], virtual: VirtualClock | None = None) -> _T:
    """Run a coroutine on virtual time, in a loop of its own."""
    virtual = virtual or VirtualClock()
    with replaced(virtual), asyncio.Runner(loop_factory=lambda: VirtualLoop(virtual)) as runner:
        return runner.run(main)
