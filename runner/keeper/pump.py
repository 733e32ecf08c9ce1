"""Keeps a job's output moving to its log while the job lives, and tells who follows it.

A line that comes alone is moved at once. While lines come faster than the log may be marked, the FIFO is left alone
until the next mark is due, or until it would be half full at the rate of the moment: a program that prints without end
then costs fifty turns a second, instead of one for each of its lines. The time of a line is no worse for it, since that
is the time of its mark; and the program does not wait, as it would with a rest of one length: with 10 ms and the usual
64 KiB it could not print more than 6.5 MB/s.
"""

from __future__ import annotations

from runner import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.keeper.loop import Loop
    from runner.keeper.output import Output

_DISK_RETRY = 0.5
"""Seconds until a log that could not be written is tried again."""
_SHORTEST_REST = 200_000
"""ns. A flood that fills the FIFO sooner than this is moved in every turn of the loop."""


class Pump:
    """The output in the epoll set, and its marks as often as they may be."""

    __slots__ = ("_done", "_followed", "_listens", "_logged", "_loop", "_moved_at", "_output", "_started")

    def __init__(self, output: Output, loop: Loop, logged: Callable[[], None]) -> None:
        """`logged` is called when a log that is followed has grown."""
        self._output = output
        self._loop = loop
        self._logged = logged
        self._followed = False
        self._started = False
        self._listens = False
        """The FIFO is in the epoll set."""
        self._moved_at = 0
        self._done = False

    def start(self) -> None:
        """Move what is printed from now on."""
        if not self._started:
            self._started = True
            self._listen()

    def follow(self, on: bool) -> None:
        """Whether growth of the log is told."""
        self._followed = on
        if on:
            self._logged()

    def finish(self) -> int:
        """Move all that is left, since nobody writes any more, and close; how long the log is in bytes."""
        self._rest()
        self._done = True
        self._output.drain()
        self._output.close()
        return self._output.size

    def tell_end(self) -> None:
        """To those who follow: there will be no more."""
        if self._followed:
            self._logged()

    def _listen(self) -> None:
        if not self._listens:
            self._listens = True
            self._loop.add(self._output.fd, self._move)

    def _rest(self) -> None:
        if self._listens:
            self._listens = False
            self._loop.remove(self._output.fd)

    def _move(self) -> None:
        """Move what there is, mark it if that may be, and come back when there is more or when it may."""
        if self._done:
            return
        now = clock.monotonic_ns()
        try:
            moved = self._output.move()
        except OSError:
            # The log cannot be written: the pipe fills and the job waits, as it would for a slow reader.
            self._come_back(now + round(_DISK_RETRY * 1e9))
            return
        again = self._output.mark()
        if again is None:
            self.tell_end()
        elapsed, self._moved_at = now - self._moved_at, now
        if moved and (again is not None or not self._listens):
            # Half full at this rate; a full one tells only that it was filled some time before.
            again = min(again or now + self._output.mark_every, now + elapsed * self._output.room // (2 * moved))
        if again is None or again - now < _SHORTEST_REST:
            self._listen()
        else:
            self._come_back(again)

    def _come_back(self, at: int) -> None:
        self._rest()
        self._loop.deadlines.at(at, self._move)
