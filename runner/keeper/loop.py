"""One epoll set. Deadlines come before everything else that is due at the same time."""

from __future__ import annotations

import select
import signal
import socket

from runner.keeper.deadlines import Deadlines
from runner.linux.signals import reset_reserved

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Loop:
    """Calls a handler when its descriptor is ready, and the handler of SIGCHLD when children have ended."""

    __slots__ = ("_epoll", "_handlers", "_new", "_running", "_soon", "_wake", "deadlines")

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._handlers: dict[int, Callable[[], None]] = {}
        self._new: set[int] = set()
        """Added in this turn: what was ready at its beginning under the same number was another descriptor."""
        self._running = True
        self._soon: list[Callable[[], None]] = []
        self.deadlines = Deadlines()
        self._epoll.register(self.deadlines.timer.fd, select.EPOLLIN)

    def watch_children(self, handler: Callable[[], None]) -> None:
        """Call `handler` after children have ended: one call may stand for many of them (signal(7))."""
        self._wake, wake = socket.socketpair()
        self._wake.setblocking(False)
        wake.setblocking(False)
        signal.set_wakeup_fd(wake.detach(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)

        def woken() -> None:
            self._wake.recv(4096)
            handler()

        self.add(self._wake.fileno(), woken)

    def add(self, fd: int, handler: Callable[[], None], events: int = select.EPOLLIN) -> None:
        self._handlers[fd] = handler
        self._new.add(fd)
        self._epoll.register(fd, events)

    def change(self, fd: int, events: int) -> None:
        self._epoll.modify(fd, events)

    def remove(self, fd: int) -> None:
        """Before the descriptor is closed. Forgets one that is not there."""
        if self._handlers.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def soon(self, action: Callable[[], None]) -> None:
        """At the end of this turn, when all that is ready has been handled."""
        self._soon.append(action)

    def run(self) -> None:
        """Until `leave`."""
        timer = self.deadlines.timer.fd
        while self._running:
            ready = self._epoll.poll()
            self._new.clear()
            if any(fd == timer for fd, _ in ready):
                self.deadlines.run()
            for fd, _ in ready:
                # A handler before it may have removed this one.
                handler = self._handlers.get(fd)
                if handler is not None and fd not in self._new:
                    handler()
            actions, self._soon = self._soon, []
            for action in actions:
                action()

    def leave(self) -> None:
        self._running = False


def take_signals() -> None:
    """Every signal at its default and none blocked, so that exec gives children a clean start without a call for each.

    exec resets what is caught but keeps what is ignored (execve(2)), and whoever started us may have ignored or
    blocked anything. What must not end the keeper is caught by a handler that does nothing.
    """
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in range(1, signal.NSIG):
        try:
            signal.signal(number, signal.SIG_DFL)
        except (OSError, ValueError):
            continue  # SIGKILL, SIGSTOP, and the two that the C library keeps for itself
    reset_reserved()
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, lambda number, frame: None)
