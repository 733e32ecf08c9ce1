"""Which processes are a job's, besides its main process: three ways to know, by what the machine allows."""

from __future__ import annotations

import os
import signal

from runner import clock
from runner.keeper.family import Family, Kin, alive, identities, living, marked
from runner.linux import procfs
from runner.linux.process import Process, kill_one

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from runner.keeper.family import Identity
    from runner.linux.cgroups import Group

    class Members(Protocol):
        """The other processes of one job."""

        def others(self) -> dict[int, procfs.Stat]:
            """All that live now, without the main process and without zombies, and what was read of them for that."""

        def strays(self) -> list[tuple[list[str], list[Identity]]]:
            """Escapees that this job may have left as well as others: the keys of all those jobs, and the escapees."""

        def end(self) -> bool:
            """SIGKILL to all that is left after the main process; True once there is nobody. To be called again."""

        def close(self) -> bool:
            """Remove what was made to know them. Nobody is left; False if the kernel is not done with the last yet."""


_A_TURN_NS = 5_000_000


def below(main: Process) -> list[int]:
    """All that came of a main process and still hangs on it: nobody once it has been waited for.

    Until then no other process can have its pid.
    """
    return [] if main.waited_for else procfs.descendants(main.pid)


class NamespaceMembers:
    """`pid1`: everything below the main process, because orphans become its children; they end with it."""

    __slots__ = ("_main",)

    def __init__(self, main: Process) -> None:
        self._main = main

    def others(self) -> dict[int, procfs.Stat]:
        return alive(below(self._main), self._main.pid)

    def strays(self) -> list[tuple[list[str], list[Identity]]]:
        return []

    def end(self) -> bool:
        # The kernel has killed them with PID 1, and reported its end only when they were gone.
        return True

    def close(self) -> bool:
        return True


class TreeMembers:
    """`plain` without a cgroup: descendants, and orphans that came to the keeper and are known to be this job's."""

    __slots__ = ("_family", "_known", "key", "main", "mark")

    def __init__(self, main: Process, key: str, mark: str, family: Family) -> None:
        self.key = key
        self.main = main
        self.mark = mark
        self._family = family
        self._known: set[Identity] = set()
        family.join(self)

    def others(self) -> dict[int, procfs.Stat]:
        found = self._look()
        # `children` is exact only while nothing changes: look again until two looks agree (proc(5)).
        for _ in range(5):
            again = self._look()
            if identities(again) == identities(found):
                break
            found = again
        self._known |= identities(found)
        return dict(sorted(found.items()))

    def _look(self) -> dict[int, procfs.Stat]:
        found = set(below(self.main))
        for orphan, owners in self._family.orphans():
            if self._family.belongs_to(orphan, owners, self):
                found.add(orphan)
                found.update(procfs.descendants(orphan))
        return alive(found, self.main.pid)

    def recognises(self, kin: Kin) -> bool:
        """By itself, not because nobody else could own it."""
        return (
            (kin.pid, kin.start) in self._known
            or kin.bears(self.mark)
            # A session keeps its number from being used again, but not once its last member has left it.
            or (kin.session == self.main.pid and not self.main.pid_is_reused())
        )

    def end(self) -> bool:
        return self._end_orphans() and not self._end_marked()

    def _end_orphans(self) -> bool:
        """Kill each orphan as it is found, the latest first, until there are no new ones.

        With the main process gone, whoever is left hangs on an orphan; and what an orphan forks before it dies is an
        orphan next. However fast they do that, nobody is missed: a look at the keeper's own children lacks a process
        only because a parent of it has ended meanwhile, and that parent is a zombie there.
        """
        until = clock.monotonic_ns() + _A_TURN_NS
        seen: set[int] = set()
        while new := [orphan for orphan in reversed(self._family.pids()) if orphan not in seen]:
            for orphan in new:
                if clock.monotonic_ns() > until:
                    return False  # the keeper has other things to do; this is called again
                seen.add(orphan)
                if self._family.owners(orphan) == [self]:
                    self._kill(orphan)
        return not self._family.waits_for(self)

    def _kill(self, orphan: int) -> None:
        # Nobody else can have its pid: that is kept until the keeper waits for it.
        os.kill(orphan, signal.SIGKILL)
        for pid, start in living(procfs.descendants(orphan), orphan):
            kill_one(pid, start)

    def _end_marked(self) -> bool:
        left = marked(self.mark)
        for pid, start in left:
            kill_one(pid, start)
        return bool(left)

    def strays(self) -> list[tuple[list[str], list[Identity]]]:
        return self._family.strays(self)

    def close(self) -> bool:
        self._family.leave(self)
        return True


class GroupMembers(TreeMembers):
    """`plain` with a cgroup: whoever was born in it; and orphans that had themselves moved to another one."""

    __slots__ = ("_group", "_group_killed")

    def __init__(self, main: Process, key: str, mark: str, family: Family, group: Group) -> None:
        super().__init__(main, key, mark, family)
        self._group = group
        self._group_killed = False

    def others(self) -> dict[int, procfs.Stat]:
        found = alive(self._group.members(), self.main.pid)
        self._known |= identities(found)
        return found

    def recognises(self, kin: Kin) -> bool:
        return super().recognises(kin) or kin.pid in self._group.members()

    def end(self) -> bool:
        left = self.others()
        if left:
            self._group.kill()
            if self._group_killed:
                # cgroup.kill passes by a process whose main thread has ended while others go on (seen on Linux 6.18).
                for pid, stat in left.items():
                    kill_one(pid, stat.start)
            self._group_killed = True
            self._family.renew()
            return False
        # A group does not list those that are dying, nor who has left it. Both are few, so the keeper's children are
        # looked at once for all jobs that end together.
        return not any(self in owners for _, owners in self._family.arrived()) or self._end_orphans()

    def close(self) -> bool:
        return self._group.remove() and super().close()
