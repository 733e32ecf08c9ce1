"""Which process of a job has a file open for writing."""

from __future__ import annotations

from runner.linux import descriptors, procfs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from runner.keeper.saves import Save
    from runner.linux.descriptors import Inode

MOST = 100
"""Processes of a job whose descriptors are looked at: 0.03 ms each."""


class Writers:
    """Looks into the processes of one job, the main one first."""

    __slots__ = ("_level", "_pids")

    def __init__(self, pids: Callable[[], list[int]], level: int) -> None:
        """`level`: how many PID namespaces below the keeper's the job has its own."""
        self._pids = pids
        self._level = level

    def find(self, saves: Iterable[Save]) -> None:
        """Give each of these that somebody has open its writer."""
        wanted: dict[Inode, Save] = {}
        for save in saves:
            save.looks += 1
            status = save.status()
            if status is not None:
                wanted[status.st_dev, status.st_ino] = save
        for pid in self._pids()[:MOST]:
            if not wanted:
                return
            names = {save.name for save in wanted.values()}
            for inode in descriptors.written_by(pid, names):
                found = wanted.pop(inode, None)
                if found is not None:
                    found.writer = self._told(pid)
                    found.found = False

    def _told(self, pid: int) -> dict[str, Any] | None:
        try:
            pids, name = procfs.read_status(pid).pids, procfs.read_stat(pid).name
        except OSError:
            return None
        return {"pid": pid, "inner": pids[self._level] if self._level < len(pids) else pid, "name": name}
