"""Keeps a job's output moving to its log while the job lives, and tells who follows it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.keeper.loop import Loop
    from runner.keeper.output import Output

_DISK_RETRY = 0.5
"""Seconds until a log that could not be written is tried again."""


class Pump:
    """The output in the epoll set, and its marks at most once in 10 ms."""

    __slots__ = ("_comes_back", "_done", "_followed", "_logged", "_loop", "_moves", "_output")

    def __init__(self, output: Output, loop: Loop, logged: Callable[[], None]) -> None:
        """`logged` is called when a log that is followed has grown."""
        self._output = output
        self._loop = loop
        self._logged = logged
        self._followed = False
        self._moves = False
        self._comes_back = False
        self._done = False

    def start(self) -> None:
        """Move what is printed from now on."""
        if not self._moves and not self._done:
            self._moves = True
            self._loop.add(self._output.fd, self._move)

    def follow(self, on: bool) -> None:
        """Whether growth of the log is told."""
        self._followed = on
        if on:
            self._logged()

    def finish(self) -> int:
        """Move all that is left, since nobody writes any more, and close; how long the log is in bytes."""
        if self._moves:
            self._loop.remove(self._output.fd)
        self._done = True
        self._output.drain()
        self._output.close()
        return self._output.size

    def tell_end(self) -> None:
        """To those who follow: there will be no more."""
        if self._followed:
            self._logged()

    def _move(self) -> None:
        try:
            if self._output.move():
                self._mark()
        except OSError:
            # The log cannot be written: the pipe fills and the job waits, as it would for a slow reader.
            self._moves = False
            self._loop.remove(self._output.fd)
            self._loop.deadlines.after(_DISK_RETRY, self.start)

    def _mark(self) -> None:
        if self._done:
            return
        again = self._output.mark()
        if again is None:
            self.tell_end()
        elif not self._comes_back:
            self._comes_back = True
            self._loop.deadlines.at(again, self._mark_again)

    def _mark_again(self) -> None:
        self._comes_back = False
        self._mark()
