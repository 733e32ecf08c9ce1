"""What a process was doing: one look at it, as it goes into the journal."""

from __future__ import annotations

import signal

from runner.lifecycle.stops import Disposition
from runner.linux import procfs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

_SIGTERM = 1 << (signal.SIGTERM - 1)
_OF_BACKGROUND = 1 << (signal.SIGINT - 1) | 1 << (signal.SIGQUIT - 1)
_ALL = sum(1 << (number - 1) for number in range(1, 32) if number not in (signal.SIGKILL, signal.SIGSTOP))
LARGEST_LOOK = 2000
"""More processes than this are counted, not described."""


def look(pid: int, closely: bool, level: int, stat: procfs.Stat | None = None) -> dict[str, Any] | None:
    """The facts of one process, `closely` with its command line and wait channel; None if it is gone.

    `level`: how many PID namespaces below the keeper's the job has its own; the process may have made more.
    `stat`: if it has just been read.
    """
    try:
        stat = stat or procfs.read_stat(pid)
        status = procfs.read_status(pid)
    except OSError:
        return None
    wait = procfs.read_wait(pid) if closely else None
    seen = _told(pid, stat, status, disposition(pid, status, wait), level)
    if closely:
        seen["wait"] = wait
        try:
            seen["command"] = procfs.read_command(pid)
        except OSError:
            seen["command"] = []
    return seen


class Glance:
    """A look at one process, not closely, of which nothing is put into words until there is time for it."""

    __slots__ = ("_line", "_pid", "disposition", "status")

    def __init__(self, pid: int) -> None:
        """Raises OSError if the process is gone."""
        self._pid = pid
        self._line = procfs.read_stat_line(pid)
        self.status = procfs.read_status(pid)
        self.disposition = disposition(pid, self.status)

    def told(self, level: int) -> dict[str, Any]:
        """As `look`."""
        return _told(self._pid, procfs.Stat(self._line), self.status, self.disposition, level)


def _told(pid: int, stat: procfs.Stat, status: procfs.Status, sigterm: Disposition, level: int) -> dict[str, Any]:
    return {
        "pid": pid,
        "inner": status.pids[level] if level < len(status.pids) else pid,
        "ppid": stat.parent,
        "name": stat.name,
        "state": stat.state,
        "sigterm": sigterm.value,
        "blocked": bool(status.blocked & _SIGTERM),
        "blocks_all": blocks_everything(status),
        "pending": bool(status.pending & _SIGTERM),
        "background": status.ignored & _OF_BACKGROUND == _OF_BACKGROUND,
        "threads": stat.threads,
        "switches": status.switches,
        "cpu": round(stat.cpu, 3),
        "start": stat.start,
    }


def look_at_all(
    pids: Iterable[int], closely: bool, level: int, stats: Mapping[int, procfs.Stat] | None = None
) -> list[dict[str, Any]]:
    """The facts of those that are still there; `stats` of some may have been read already."""
    known = stats or {}
    seen = (look(pid, closely, level, known.get(pid)) for pid in list(pids)[:LARGEST_LOOK])
    return [process for process in seen if process is not None]


def disposition(pid: int, status: procfs.Status, wait: str | None = None) -> Disposition:
    """What the process does with SIGTERM; `wait` is its wait channel, if that has been read.

    A thread in sigwait(3) shows as blocked in the main thread; the main thread in it shows no bit at all, because
    the kernel takes the awaited set out of the blocked mask while it sleeps.
    """
    if status.ignored & _SIGTERM:
        return Disposition.IGNORED
    if status.caught & _SIGTERM:
        return Disposition.CAUGHT
    if status.blocked & _SIGTERM:
        return Disposition.BLOCKED
    return Disposition.WAITED if procfs.waits_for_signal(pid, wait) else Disposition.DEFAULT


def blocks_everything(status: procfs.Status) -> bool:
    """Every signal with a name of its own is blocked (SIGKILL and SIGSTOP cannot be)."""
    return status.blocked & _ALL == _ALL


def fingerprint(processes: Iterable[dict[str, Any]]) -> frozenset[tuple[object, ...]]:
    """What makes one look differ from the one before: who is there, and what they do with SIGTERM."""
    return frozenset((p["pid"], p["start"], p["sigterm"], p["blocked"], p["pending"], p["name"]) for p in processes)
