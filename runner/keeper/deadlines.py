"""What has to be done at an instant: a heap of them, and one timer for the earliest."""

from __future__ import annotations

import heapq

from runner import clock
from runner.linux.timers import Timer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Deadlines:
    """Calls each action once, never before its instant. Actions look for themselves whether they still apply."""

    __slots__ = ("_armed", "_count", "_heap", "timer")

    def __init__(self) -> None:
        self.timer = Timer()
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        self._armed: int | None = None

    def at(self, instant_ns: int, action: Callable[[], None]) -> None:
        """Call `action` at an instant of CLOCK_MONOTONIC."""
        self._count += 1
        heapq.heappush(self._heap, (instant_ns, self._count, action))
        self._arm()

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        self.at(clock.monotonic_ns() + round(seconds * 1e9), action)

    def run(self) -> None:
        """Do what is due."""
        self.timer.clear()
        self._armed = None
        now = clock.monotonic_ns()
        while self._heap and self._heap[0][0] <= now:
            _, _, action = heapq.heappop(self._heap)
            action()
        self._arm()

    def _arm(self) -> None:
        if self._heap and (self._armed is None or self._heap[0][0] < self._armed):
            self._armed = self._heap[0][0]
            self.timer.arm(self._armed)
