"""When a job may run: the one place that decides."""

from __future__ import annotations

from collections.abc import Callable


class Capacity:
    """Places for jobs, given in the order in which they were asked for."""

    def __init__(self, places: int | None = None) -> None:
        """`places`: how many jobs may run at once; None: as many as there are."""
        self._places = places
        self._running: set[str] = set()
        self._queue: dict[str, Callable[[], None]] = {}

    def ask(self, job: str, granted: Callable[[], None]) -> None:
        """Call `granted` once there is a place: perhaps now, perhaps never if the job is released first.

        A job that has a place or waits for one may ask again.
        """
        if job in self._running:
            granted()
            return
        self._queue[job] = granted
        self._grant()

    def take(self, job: str) -> None:
        """The job has a place already: it was running when the supervisor started."""
        self._running.add(job)

    def release(self, job: str) -> None:
        """The job needs no place any more."""
        self._queue.pop(job, None)
        self._running.discard(job)
        self._grant()

    def _grant(self) -> None:
        while self._queue and (self._places is None or len(self._running) < self._places):
            job = next(iter(self._queue))
            granted = self._queue.pop(job)
            self._running.add(job)
            granted()
