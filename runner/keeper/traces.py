"""The facts of one job about files: `files` at the three moments that matter, and `temporaries` at its end."""

from __future__ import annotations

import os

from runner import clock
from runner.keeper import temporaries
from runner.keeper.saves import Saves
from runner.keeper.writers import Writers
from runner.lifecycle.facts import FactName

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from runner.keeper.files import Files
    from runner.keeper.journal import Journal
    from runner.keeper.temporaries import SharedMemory


class Traces:
    """From before a job's process exists until nothing of it is left."""

    __slots__ = ("_files", "_journal", "_saves", "_shared", "_stopped_at", "_temporary")

    def __init__(self, files: Files, shared: SharedMemory, journal: Journal, order: dict[str, Any]) -> None:
        self._files = files
        self._shared = shared
        self._journal = journal
        self._temporary: tuple[str, str] | None = None
        if order["temporary"] is not None:
            self._temporary = order["temporary"], seen_by_job(order["temporary"], order["mounts"])
            shared.launched(self)
        self._saves: Saves | None = None
        self._stopped_at = 0
        if order["watched"]:
            self._saves = Saves(files, order["watched"])
            files.begin(self._saves)

    def started(self, pids: Callable[[], list[int]], level: int) -> None:
        """There is a process: `pids` of all there are, the main one first; `level` of their namespace."""
        if self._saves is not None:
            self._saves.writers = Writers(pids, level)

    def look(self) -> None:
        """Who writes is of interest from now on: the job is being stopped, or looked at."""
        if self._saves is not None:
            self._files.drain()
            self._saves.find_writers()

    def stopping(self) -> None:
        """Just before the signal; the queue has been drained."""
        if self._saves is not None:
            self._saves.closely = True
            self._saves.find_writers()
            self._stopped_at = clock.monotonic_ns()

    def tell_stop(self) -> None:
        """Just after the signal: nothing has been taken from the queue since `stopping`."""
        if self._saves is not None and self._stopped_at:
            self._write("stop", self._stopped_at)
            self._stopped_at = 0

    def taken(self) -> bytes:
        """What has happened until now, for `killed`: a deadline waits for nothing more."""
        return self._files.take() if self._saves is not None else b""

    def killed(self, taken: bytes, at: int, sent: bool) -> None:
        """After a SIGKILL, of which `at` is the instant before; nothing is written if it was not `sent`."""
        if self._saves is not None:
            self._files.note(taken, at)
            if sent:
                self._write("kill", at)

    def ended(self) -> None:
        """The main process has ended; the queue has been drained."""
        if self._saves is not None:
            self._saves.find_writers()
            self._write("end")

    def close(self) -> None:
        """Nothing of the job runs any more, or it never ran: write down what it left, and watch no more."""
        if self._saves is not None:
            self._saves.end()
            self._saves = None
        if self._temporary is not None:
            found = {**temporaries.left(*self._temporary), "shared_memory": self._shared.gone(self)}
            self._temporary = None
            if found["count"] or found["shared_memory"]:
                self._journal.add(FactName.TEMPORARIES, **found)

    def _write(self, moment: str, at: int | None = None) -> None:
        assert self._saves is not None
        self._journal.add(FactName.FILES, at, moment=moment, **self._saves.told())


def seen_by_job(path: str, mounts: list[list[str]]) -> str:
    """A path of this machine, as a job with these mounts has it."""
    for source, target in mounts:
        if path == source or path.startswith(f"{source}/"):
            return os.path.normpath(f"{target}/{os.path.relpath(path, source)}")
    return path
