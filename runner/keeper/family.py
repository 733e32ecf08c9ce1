"""The keeper's own children that are no main process: orphans of `plain` jobs, whose subreaper it is."""

from __future__ import annotations

import os
import signal

from runner.keeper.protocol import MARK, bears
from runner.linux import procfs
from runner.linux.process import is_executing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Protocol

    from runner.linux.process import Process

    Identity = tuple[int, int]
    """Pid, and start in ticks since boot: no later process has both."""

    class Owner(Protocol):
        """The members of one `plain` job."""

        key: str
        main: Process

        def recognises(self, kin: Kin) -> bool:
            """This is one of the job's, for a reason of its own and not because no other job could own it."""


class Kin:
    """What tells whose an orphan is, read once. All of it is unknown of a process that may not be looked at."""

    __slots__ = ("_marks", "pid", "session", "start")

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.session = 0
        self.start = _UNKNOWN
        try:
            stat = procfs.read_stat(pid)
            self.session, self.start = stat.session, stat.start
        except OSError:
            pass  # proc(5), hidepid
        self._marks: str | None = ""

    def bears(self, mark: str) -> bool:
        if self._marks == "":
            self._marks = procfs.read_variable(self.pid, MARK)
        return bears(self._marks, mark)


_UNKNOWN = 1 << 62
"""Later than anything: any job may be older."""


class Family:
    """A child of the keeper keeps its pid until the keeper has waited for it: so what is known of one may be kept."""

    __slots__ = ("_arrived", "_disputed", "_is_main", "_jobs", "_known")

    def __init__(self, is_main: Callable[[int], bool]) -> None:
        self._is_main = is_main
        self._jobs: list[Owner] = []
        self._known: dict[int, list[Owner]] = {}
        self._disputed: dict[int, tuple[str, ...]] = {}
        """Orphans that more than one job may have left, and the keys of those, although some may be gone by now."""
        self._arrived: list[tuple[int, list[Owner]]] | None = None

    def join(self, job: Owner) -> None:
        self._jobs.append(job)

    def leave(self, job: Owner) -> None:
        """Forgets one that is not there."""
        self._jobs = [other for other in self._jobs if other is not job]

    def pids(self) -> list[int]:
        """The orphans, zombies included, in the order in which they came."""
        return [pid for pid in procfs.own_children() if not self._is_main(pid)]

    def orphans(self) -> list[tuple[int, list[Owner]]]:
        """Each with its `owners`."""
        return [(pid, self.owners(pid)) for pid in self.pids()]

    def arrived(self) -> list[tuple[int, list[Owner]]]:
        """The orphans that there were when `renew` had been called: enough to know where a job that ended left any."""
        if self._arrived is None:
            self._arrived = self.orphans()
        return self._arrived

    def renew(self, waited_for: Iterable[int] = ()) -> None:
        """Processes have ended, so that orphans may have arrived; these have been waited for."""
        self._arrived = None
        for pid in waited_for:
            self._known.pop(pid, None)
            self._disputed.pop(pid, None)

    def owners(self, orphan: int) -> list[Owner]:
        """The jobs that may have left it: one if it is recognised, or if only one is older than it."""
        known = self._known.get(orphan)
        if known:
            return known
        kin = Kin(orphan)
        older = [job for job in self._jobs if job.main.start <= kin.start]
        sure = [job for job in older if job.recognises(kin)] if len(older) > 1 else older
        if len(sure) == 1:
            self._known[orphan] = sure
        return sure or older

    def waits_for(self, job: Owner) -> bool:
        """There is an orphan that nobody but this job can have left; or that it may have, and soon more is known."""
        return any(
            owners == [job] or (job in owners and (procfs.read_stat(orphan).ending or is_executing(orphan)))
            for orphan, owners in self.orphans()
        )

    def belongs_to(self, orphan: int, owners: list[Owner], job: Owner) -> bool:
        """It is this job's for sure, and not only because the others that may have left it are gone."""
        return owners == [job] and orphan not in self._disputed

    def strays(self, job: Owner) -> list[tuple[list[str], list[Identity]]]:
        """Living escapees that this job may have left as well as others, by all of whose they may be."""
        found: dict[tuple[str, ...], list[int]] = {}
        for orphan, owners in self.arrived():
            if len(owners) > 1 and not is_executing(orphan):
                self._disputed.setdefault(orphan, tuple(sorted(owner.key for owner in owners)))
            keys = self._disputed.get(orphan, ())
            if job.key in keys:
                found.setdefault(keys, []).extend((orphan, *procfs.descendants(orphan)))
        return [(list(keys), left) for keys, pids in found.items() if (left := living(pids, 0))]

    def kill_all(self) -> bool:
        """SIGKILL to every orphan, when there is no job any more; False if there is none, zombies included."""
        orphans = self.pids()
        for pid in orphans:
            os.kill(pid, signal.SIGKILL)
        return bool(orphans)


def alive(pids: Iterable[int], main: int) -> dict[int, procfs.Stat]:
    """Those that have not ended, without the main process, and what was read of them for that."""
    found = {}
    for pid in pids:
        if pid != main:
            try:
                stat = procfs.read_stat(pid)
            except OSError:
                continue
            if not stat.ended:
                found[pid] = stat
    return found


def identities(stats: dict[int, procfs.Stat]) -> set[Identity]:
    return {(pid, stat.start) for pid, stat in stats.items()}


def living(pids: Iterable[int], main: int) -> list[Identity]:
    """Those that have not ended, without the main process."""
    return [(pid, stat.start) for pid, stat in alive(pids, main).items()]


def marked(mark: str) -> list[Identity]:
    """All processes of the machine that were executed with this mark. Looks at every one: 5 ms for a thousand."""
    return living((pid for pid in procfs.pids() if bears(procfs.read_variable(pid, MARK), mark)), os.getpid())
