"""From an order to a process: journal, FIFO, groups, clone."""

from __future__ import annotations

import functools
import os
import resource

from runner.keeper import child, folders
from runner.keeper.files import Files
from runner.keeper.isolations import Isolations, clone_flags, group_name, needs_user_namespace
from runner.keeper.job import Job
from runner.keeper.journal import Journal
from runner.keeper.members import GroupMembers, NamespaceMembers, TreeMembers
from runner.keeper.output import Output
from runner.keeper.protocol import MARK
from runner.keeper.temporaries import SharedMemory
from runner.keeper.traces import Traces
from runner.lifecycle.facts import FactName
from runner.lifecycle.stops import Isolation, check_grace
from runner.linux import cgroups, procfs
from runner.linux.process import Process, clone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from runner.keeper.family import Family
    from runner.keeper.loop import Loop
    from runner.keeper.members import Members
    from runner.keeper.stacks import Stacks

_SOFT, _HARD = resource.getrlimit(resource.RLIMIT_NOFILE)


def raise_open_files() -> None:
    """As many descriptors as this user may have: a job costs five. The jobs get the limit that the keeper had."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (_HARD, _HARD))


class Launcher:
    """Makes jobs; counts them, so that no two groups have one name."""

    __slots__ = (
        *("_count", "_family", "_grown", "_isolations", "_keeper", "_loop", "_mark", "_shared"),
        *("_unkillable_after", "files", "stacks"),
    )

    def __init__(
        self,
        data_dir: str,
        isolations: Isolations,
        family: Family,
        loop: Loop,
        grown: Callable[[str, str], None],
        unkillable_after: float,
    ) -> None:
        self._mark = data_dir
        self._isolations = isolations
        self._family = family
        self.files = Files(loop)
        """What all jobs do to files."""
        self._shared = SharedMemory()
        self._loop = loop
        self._grown = grown
        self._unkillable_after = unkillable_after
        self._keeper = os.pidfd_open(os.getpid())
        self._count = 0
        self.stacks: Stacks | None = None

    def launch(self, order: dict[str, Any]) -> Job:
        """Launch one attempt. What goes wrong is in its journal; raises OSError only if there can be none.

        Raises KeyError, TypeError or ValueError for a malformed order, before anything exists.
        """
        _check(order)
        isolation = Isolation(order["isolation"])
        folder: str = order["folder"]
        journal = Journal(os.path.join(folder, "journal.jsonl"), order["attempt"])
        try:
            output = Output(folder)
        except OSError:
            journal.close()
            raise
        self._count += 1
        group = self._group() if isolation is Isolation.PLAIN else None
        journal.add(
            FactName.LAUNCH,
            argv=order["argv"],
            isolation=isolation.value,
            boot=procfs.boot_id(),
            cgroup=group.path if group else None,
            folder=folder,
            mark=self.mark(order),
            grace=order["grace"],
            watched=folders.told(order["watched"]),
        )
        journal.flush()
        job = Job(order, isolation, journal, output, self._loop, self._grown)
        job.unkillable_after = self._unkillable_after
        job.traces = Traces(self.files, self._shared, journal, order)
        if order.get("stacks") is not None and self.stacks is not None:
            job.stacks = functools.partial(self.stacks.take, order["stacks"])
        try:
            self._start(job, order, folder, output, group)
        except OSError:
            job.traces.close()
            raise
        return job

    def mark(self, order: dict[str, Any]) -> str:
        """How the processes of this attempt are known by their environment."""
        return f"{self._mark}:{order['job']}:{order['attempt']}"

    def _group(self) -> cgroups.Group | None:
        parent = self._isolations.group_parent()
        if parent is None:
            return None
        try:
            return cgroups.Group.make(parent, group_name(self._count))
        except OSError:
            return None

    def _start(self, job: Job, order: dict[str, Any], folder: str, output: Output, group: cgroups.Group | None) -> None:
        mark = self.mark(order)
        # A keeper inside a job: what it makes belongs to that job, too.
        outer = os.environ.get(MARK)
        environment = {**order["environment"], MARK: f"{mark};{outer}" if outer else mark}
        plan = self._plan(job, order, folder, environment)
        memory = None
        pipe: tuple[int, int] | None = None
        try:
            memory = self._memory(order["memory"], plan)
            plan.output = output.job_end()
            pipe = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
            plan.report = pipe[1]
            pid, pidfd = clone(clone_flags(job.isolation), group.fd if group else -1)
            if pid == 0:
                child.become(plan, needs_user_namespace())
        except OSError as error:
            if pipe:
                os.close(pipe[0])
            if group:
                group.remove()
            if memory:
                memory.remove()
            job.not_started("clone", error)
            return
        finally:
            for fd in (plan.output, plan.report):
                if fd >= 0:
                    os.close(fd)
        main = Process(pid, pidfd, procfs.read_stat(pid).start)
        if group:
            group.close()
        members = self._members(main, group, job, mark)
        job.started(main, members, memory, pipe[0], lambda report: child.explain(report, plan.argv, environment))

    def _plan(self, job: Job, order: dict[str, Any], folder: str, environment: dict[str, str]) -> child.Plan:
        spare = os.path.join(folder, "spare")
        os.makedirs(spare, exist_ok=True)
        mounts = [(source, target) for source, target in order["mounts"]]
        plan = child.Plan(order["argv"], environment, order["working_directory"], job.isolation, mounts, spare)
        plan.files = (_SOFT, _HARD)
        plan.keeper = self._keeper
        return plan

    def _memory(self, limit: int | None, plan: child.Plan) -> cgroups.MemoryGroup | None:
        """Where the machine allows no memory group, the job runs without the limit."""
        if limit is None:
            return None
        try:
            group = cgroups.MemoryGroup.make(f"{group_name(self._count)}-memory", limit)
        except OSError:
            return None
        plan.cgroups.append(f"{group.path}/cgroup.procs")
        return group

    def _members(self, main: Process, group: cgroups.Group | None, job: Job, mark: str) -> Members:
        if job.isolation is Isolation.PID1:
            return NamespaceMembers(main)
        if group:
            return GroupMembers(main, job.key, mark, self._family, group)
        return TreeMembers(main, job.key, mark, self._family)


def _check(order: dict[str, Any]) -> None:
    argv, environment = order["argv"], order["environment"]
    if not argv or not all(isinstance(word, str) for word in [*argv, *environment, *environment.values()]):
        raise ValueError("argv and environment must be texts, and argv not empty")
    check_grace(order["grace"])
    if not all(isinstance(order[name], str) for name in ("job", "folder", "working_directory")):
        raise TypeError("job, folder and working_directory must be texts")
    if not isinstance(order["attempt"], int):
        raise TypeError("attempt must be a number")
    for source, target in order["mounts"]:
        if not isinstance(source, str) or not isinstance(target, str) or not os.path.isabs(target):
            raise ValueError("a mount is a path and an absolute path")
    folders.check(order["watched"])
    if not isinstance(order["temporary"], str | None):
        raise TypeError("temporary must be a path or null")
    if not isinstance(order.get("stacks"), str | None):
        raise TypeError("stacks must be the path of a program")
    if order["memory"] is not None and order["memory"] < 0:
        raise ValueError("memory must be a number of bytes")
