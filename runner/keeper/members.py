"""Which processes are a job's, besides its main process: three ways to know, by what the machine allows."""

from __future__ import annotations

from runner.keeper.family import Family, Kin, living, marked
from runner.linux import procfs
from runner.linux.process import Process, kill_one

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    from runner.keeper.family import Identity
    from runner.linux.cgroups import Group

    class Members(Protocol):
        """The other processes of one job."""

        def others(self) -> list[Identity]:
            """All that live now, without the main process and without zombies."""

        def hidden(self) -> list[Identity]:
            """What keeps the job from being over although `others` finds nobody, when its main process has ended."""

        def strays(self) -> list[tuple[list[str], list[Identity]]]:
            """Escapees that this job may have left as well as others: the keys of all those jobs, and the escapees."""

        def kill(self, processes: Iterable[Identity]) -> None:
            """SIGKILL to these, or to all where that is surer."""

        def close(self) -> bool:
            """Remove what was made to know them. Nobody is left; False if the kernel is not done with the last yet."""


def below(main: Process) -> list[int]:
    """All that came of a main process and still hangs on it: nobody once it has been waited for."""
    return procfs.descendants(main.pid) if main.holds_pid() else []


class NamespaceMembers:
    """`pid1`: everything below the main process, because orphans become its children; they end with it."""

    __slots__ = ("_main",)

    def __init__(self, main: Process) -> None:
        self._main = main

    def others(self) -> list[Identity]:
        return living(below(self._main), self._main.pid)

    def hidden(self) -> list[Identity]:
        return []

    def strays(self) -> list[tuple[list[str], list[Identity]]]:
        return []

    def kill(self, processes: Iterable[Identity]) -> None:
        # The kernel kills them with PID 1, and reports its end only when they are gone.
        return

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

    def others(self) -> list[Identity]:
        found = self._look()
        # `children` is exact only while nothing changes: look again until two looks agree (proc(5)).
        for _ in range(5):
            again = self._look()
            if again == found:
                break
            found = again
        self._known |= found
        return sorted(found)

    def _look(self) -> set[Identity]:
        found = set(below(self.main))
        for orphan, owners in self._family.orphans():
            if self._family.belongs_to(orphan, owners, self):
                found.add(orphan)
                found.update(procfs.descendants(orphan))
        return set(living(found, self.main.pid))

    def recognises(self, kin: Kin) -> bool:
        """By itself, not because nobody else could own it."""
        return (
            (kin.pid, kin.start) in self._known
            or kin.bears(self.mark)
            # A session keeps its number from being used again, but not once its last member has left it.
            or (kin.session == self.main.pid and not self.main.pid_is_reused())
        )

    def hidden(self) -> list[Identity]:
        """Zombies that this job may have left, until the keeper has waited for them; escapees of which it is the last
        possible owner; and whoever bears the mark.

        A look at children misses a process only if a parent of it ended meanwhile, which then is a zombie among the
        keeper's own children: with none of those, however fast they fork, nobody was missed.
        """
        found = []
        for orphan, owners in self._family.orphans():
            stat = procfs.read_stat(orphan)
            if owners == [self] or (self in owners and stat.ended):
                found.append((orphan, stat.start))
        return found or marked(self.mark)

    def strays(self) -> list[tuple[list[str], list[Identity]]]:
        return self._family.strays(self)

    def kill(self, processes: Iterable[Identity]) -> None:
        # What forks meanwhile becomes a child of the keeper at the latest when its parent has been killed, so the
        # next look finds it.
        for pid, start in processes:
            kill_one(pid, start)

    def close(self) -> bool:
        self._family.leave(self)
        return True


class GroupMembers(TreeMembers):
    """`plain` with a cgroup: whoever was born in it; and orphans that had themselves moved to another one."""

    __slots__ = ("_group",)

    def __init__(self, main: Process, key: str, mark: str, family: Family, group: Group) -> None:
        super().__init__(main, key, mark, family)
        self._group = group

    def others(self) -> list[Identity]:
        return living(self._group.members(), self.main.pid)

    def recognises(self, kin: Kin) -> bool:
        return super().recognises(kin) or kin.pid in self._group.members()

    def hidden(self) -> list[Identity]:
        moved = [orphan for orphan, owners in self._family.arrived() if owners == [self]]
        return living({pid for orphan in moved for pid in (orphan, *procfs.descendants(orphan))}, self.main.pid)

    def kill(self, processes: Iterable[Identity]) -> None:
        self._group.kill()
        super().kill(processes)
        self._family.renew()

    def close(self) -> bool:
        return self._group.remove() and super().close()
