"""Which processes are a job's, besides its main process: three ways to know, by what the machine allows."""

from __future__ import annotations

import os
import signal

from runner.keeper.protocol import MARK
from runner.linux import procfs
from runner.linux.process import Process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Protocol

    from runner.linux.cgroups import Group

    Identity = tuple[int, int]
    """Pid, and start in ticks since boot: no later process has both."""

    class Members(Protocol):
        """The other processes of one job."""

        def others(self) -> list[Identity]:
            """All that live now, without the main process and without zombies."""

        def hidden(self) -> list[Identity]:
            """Those that `others` may have missed; dear, so for the very end."""

        def kill(self, processes: Iterable[Identity]) -> None:
            """SIGKILL to these, or to all where that is surer."""

        def close(self) -> None:
            """Remove what was made to know them. Nobody is left."""


def living(pids: Iterable[int], main: int) -> list[Identity]:
    """Those that have not ended, without the main process."""
    found = []
    for pid in pids:
        try:
            stat = procfs.read_stat(pid)
        except OSError:
            continue
        if pid != main and not stat.ended:
            found.append((pid, stat.start))
    return found


class NamespaceMembers:
    """`pid1`: everything below the main process, because orphans become its children; they end with it."""

    __slots__ = ("_main",)

    def __init__(self, main: Process) -> None:
        self._main = main

    def others(self) -> list[Identity]:
        return living(procfs.descendants(self._main.pid), self._main.pid)

    def hidden(self) -> list[Identity]:
        return []

    def kill(self, processes: Iterable[Identity]) -> None:
        # The kernel kills them with PID 1, and reports its end only when they are gone.
        return

    def close(self) -> None:
        return


class GroupMembers:
    """`plain` with a cgroup: whoever was born in it, whatever they did since."""

    __slots__ = ("_group", "_main")

    def __init__(self, main: Process, group: Group) -> None:
        self._main = main
        self._group = group

    def others(self) -> list[Identity]:
        return living(self._group.members(), self._main.pid)

    def hidden(self) -> list[Identity]:
        return []

    def kill(self, processes: Iterable[Identity]) -> None:
        self._group.kill()

    def close(self) -> None:
        self._group.remove()


class TreeMembers:
    """`plain` without a cgroup: descendants, and orphans that came to the keeper and are known to be this job's."""

    __slots__ = ("_family", "_known", "main", "mark")

    def __init__(self, main: Process, mark: str, family: Family) -> None:
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
        found = set(procfs.descendants(self.main.pid))
        for orphan in self._family.orphans():
            if self._owns(orphan):
                found.add(orphan)
                found.update(procfs.descendants(orphan))
        return set(living(found, self.main.pid))

    def _owns(self, orphan: int) -> bool:
        """It is remembered, marked or of this session; or it can be nobody else's."""
        return self.recognises(orphan) or self._family.possible_owners(orphan) == [self]

    def recognises(self, orphan: int) -> bool:
        """By itself, not because nobody else could own it."""
        try:
            stat = procfs.read_stat(orphan)
        except OSError:
            return False
        return (
            (orphan, stat.start) in self._known
            or procfs.read_variable(orphan, MARK) == self.mark
            or stat.session == self.main.pid
        )

    def hidden(self) -> list[Identity]:
        return marked(self.mark)

    def kill(self, processes: Iterable[Identity]) -> None:
        # What forks meanwhile becomes a child of the keeper at the latest when its parent has been killed, so the
        # next look finds it.
        for pid, start in processes:
            kill_one(pid, start)

    def close(self) -> None:
        self._family.leave(self)


class Family:
    """The keeper's own children that are no main process: orphans of `plain` jobs, whose subreaper it is."""

    __slots__ = ("_is_main", "_trees")

    def __init__(self, is_main: Callable[[int], bool]) -> None:
        self._is_main = is_main
        self._trees: list[TreeMembers] = []

    def join(self, tree: TreeMembers) -> None:
        self._trees.append(tree)

    def leave(self, tree: TreeMembers) -> None:
        self._trees.remove(tree)

    def orphans(self) -> list[int]:
        return [pid for pid in procfs.children(os.getpid()) if not self._is_main(pid)]

    def possible_owners(self, orphan: int) -> list[TreeMembers]:
        """The jobs that an orphan which nobody recognises may have come from: those that are older than it."""
        if any(tree.recognises(orphan) for tree in self._trees):
            return []
        try:
            start = procfs.read_stat(orphan).start
        except OSError:
            return []
        return [tree for tree in self._trees if tree.main.start <= start]

    def strays(self) -> list[tuple[int, list[TreeMembers]]]:
        """Orphans that more than one job may own."""
        found = ((orphan, self.possible_owners(orphan)) for orphan in self.orphans())
        return [(orphan, owners) for orphan, owners in found if len(owners) > 1]


def marked(mark: str) -> list[Identity]:
    """All processes of the machine that were executed with this mark. Looks at every one: 5 ms for a thousand."""
    return living((pid for pid in procfs.pids() if procfs.read_variable(pid, MARK) == mark), os.getpid())


def kill_one(pid: int, start: int) -> None:
    """SIGKILL to this process, not to a later one that was given its pid."""
    try:
        process = Process.open(pid)
    except OSError:
        return
    try:
        if process.start == start:
            process.signal(signal.SIGKILL)
    except OSError:
        pass  # it has ended
    finally:
        process.close()
