"""The end of a job's other processes while it is being stopped: when, and where the kernel tells it, how."""

from __future__ import annotations

import os
import signal

from runner.lifecycle.facts import FactName
from runner.linux import procfs
from runner.linux.process import Process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from runner.keeper.journal import Journal
    from runner.keeper.loop import Loop

MOST = 1000
"""Processes of one job that are watched: each costs a descriptor."""


class Watch:
    """A pidfd for each process that was seen, in the epoll set."""

    __slots__ = ("_ends_with_main", "_journal", "_killed_with_main", "_loop", "_main", "_seen", "_tell", "_watched")

    def __init__(
        self, journal: Journal, main: Process, loop: Loop, ends_with_main: bool, tell: Callable[[], None]
    ) -> None:
        self._journal = journal
        self._ends_with_main = ends_with_main
        """The kernel kills the others with the main process, which is PID 1 of their namespace."""
        self._main = main
        self._loop = loop
        self._tell = tell
        self._watched: dict[int, tuple[Process, dict[str, Any]]] = {}
        self._seen: set[tuple[int, int]] = set()
        self._killed_with_main: list[dict[str, Any]] = []

    def add(self, processes: list[dict[str, Any]]) -> None:
        """Watch those that are not watched yet, but for the main process."""
        for seen in processes:
            identity = (seen["pid"], seen["start"])
            if seen["pid"] == self._main.pid or identity in self._seen or len(self._watched) >= MOST:
                continue
            self._seen.add(identity)
            self._open(seen)

    def _open(self, seen: dict[str, Any]) -> None:
        try:
            process = Process.open(seen["pid"])
        except OSError:
            self._write(seen, None, came_to_watch=False)
            return
        if process.start != seen["start"]:
            process.close()
            self._write(seen, None, came_to_watch=False)
            return
        if process.pid in self._watched:
            # The pid is used again, and the end of the one before has not been handled yet.
            self.ended(process.pid, self._watched[process.pid][0].exit_status())
        self._watched[process.pid] = (process, seen)
        self._loop.add(process.fd, lambda: self._pidfd_ready(process.pid))

    def _pidfd_ready(self, pid: int) -> None:
        process, _ = self._watched[pid]
        self.ended(pid, process.exit_status())
        self._tell()

    def ended(self, pid: int, status: int | None) -> bool:
        """A process has ended with this wait status; False if it is not one of these."""
        if pid not in self._watched:
            return False
        process, seen = self._watched.pop(pid)
        self._loop.remove(process.fd)
        process.close()
        self._write(seen, status)
        return True

    def _write(self, seen: dict[str, Any], status: int | None, *, came_to_watch: bool = True) -> None:
        """`came_to_watch`: else it was gone within an instant of having been seen, and nothing says by what: as a rule
        by itself, and main processes that wait for such a child end next.
        """
        code = number = None
        if status is not None and os.WIFEXITED(status):
            code = os.WEXITSTATUS(status)
        elif status is not None and os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
        by_kill = came_to_watch and code is None and number in (None, signal.SIGKILL)
        if self._ends_with_main and by_kill and self._main_is_ending():
            self._killed_with_main.append(seen)
        self._journal.add(
            FactName.PROCESS_ENDED,
            pid=seen["pid"],
            inner=seen["inner"],
            name=seen["name"],
            code=code,
            signal=None if number is None else signal_name(number),
        )

    def _main_is_ending(self) -> bool:
        """PID 1 kills the others on its way out, before its own end is reported."""
        try:
            stat = procfs.read_stat(self._main.pid)
        except OSError:
            return True
        return stat.start != self._main.start or stat.exiting

    def killed_with_main(self) -> list[dict[str, Any]]:
        """Those that ended because the main process did, as they were last seen. Settles all that is watched."""
        for pid in list(self._watched):
            process, _ = self._watched[pid]
            if process.has_ended():
                self.ended(pid, process.exit_status())
        return self._killed_with_main

    def close(self) -> None:
        for pid in list(self._watched):
            self.ended(pid, self._watched[pid][0].exit_status())


def signal_name(number: int) -> str:
    """`SIGKILL`; `SIGRTMIN+3` for those that have no name of their own."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIGRTMIN+{number - signal.SIGRTMIN}"
