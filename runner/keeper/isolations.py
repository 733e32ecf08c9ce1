"""Which isolations this machine allows, found out by doing the whole thing once with a real child."""

from __future__ import annotations

import json
import os
import re

from runner import clock
from runner.keeper import child
from runner.lifecycle.stops import Isolation
from runner.linux import cgroups, process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.linux.cgroups import Group


def clone_flags(isolation: Isolation) -> int:
    """What the child is born into. Without root a user namespace has to own the others."""
    if isolation is not Isolation.PID1:
        return 0
    flags = process.CLONE_NEWPID | process.CLONE_NEWNS
    return flags | process.CLONE_NEWUSER if needs_user_namespace() else flags


def needs_user_namespace() -> bool:
    return os.geteuid() != 0


class Isolations:
    """Tries each isolation when it is first asked for, and remembers the answer."""

    __slots__ = ("_groups", "_refusals", "_scratch", "_use_cgroups")

    def __init__(self, scratch: str, use_cgroups: bool) -> None:
        self._scratch = scratch
        """A folder in which temporary ones may be made."""
        self._use_cgroups = use_cgroups
        self._refusals: dict[Isolation, str | None] = {Isolation.PLAIN: None}
        self._groups: str | bool | None = False

    def refusal(self, isolation: Isolation) -> str | None:
        """What the machine refused, or None if this isolation works here."""
        if isolation not in self._refusals:
            self._refusals[isolation] = self._try(isolation)
        return self._refusals[isolation]

    def best(self) -> Isolation:
        """The most faithful one that works."""
        return Isolation.PLAIN if self.refusal(Isolation.PID1) else Isolation.PID1

    def offered(self) -> list[Isolation]:
        """All that work here."""
        return [isolation for isolation in Isolation if self.refusal(isolation) is None]

    def _try(self, isolation: Isolation) -> str | None:
        if isolation is not Isolation.PID1:
            return "no job is run in a container yet"
        folder = os.path.join(self._scratch, f"try-{os.getpid()}")
        os.mkdir(folder)
        try:
            ml, spare = os.path.join(folder, "ml"), os.path.join(folder, "spare")
            os.mkdir(ml)
            os.mkdir(spare)
            plan = child.Plan(["-"], {}, "/", isolation, [(ml, "/opt/ml")], spare)
            return _try_with_child(plan)
        finally:
            for path, _, _ in os.walk(folder, topdown=False):
                os.rmdir(path)

    def group_parent(self) -> str | None:
        """The cgroup in which groups for jobs may be made; None where that does not work."""
        if self._groups is False:
            self._groups = _try_groups() if self._use_cgroups else None
            if self._groups is not None:
                cgroups.remove_stale(self._groups, _GROUP, clock.wall_ns() - _STALE_AFTER_NS)
        return self._groups if isinstance(self._groups, str) else None


_GROUP = re.compile(r"runner-(\d+)-\d+")
"""Groups of jobs, by the pid of the keeper that made them."""


_STALE_AFTER_NS = 60_000_000_000


def group_name(number: int) -> str:
    """A name that says which keeper made the group: what a dead one has left is removed by the next."""
    return f"runner-{os.getpid()}-{number}"


def _try_with_child(plan: child.Plan) -> str | None:
    end, plan.report = os.pipe2(os.O_CLOEXEC)
    try:
        pid, pidfd = process.clone(clone_flags(plan.isolation))
        if pid == 0:
            child.try_isolation(plan, needs_user_namespace())
    except OSError as error:
        os.close(plan.report)
        os.close(end)
        return f"namespaces: {error.strerror}"
    os.close(plan.report)
    with open(end, "rb") as pipe:
        text = pipe.read()
    os.waitpid(pid, 0)
    os.close(pidfd)
    if not text:
        return None
    report = json.loads(text)
    return f"{report['stage']}: {report['text']}"


def _try_groups() -> str | None:
    """Make a group, have a real child born in it, kill it that way, remove it."""
    parent = cgroups.own_path("")
    if parent is None:
        return None
    try:
        group = cgroups.Group.make(parent, f"runner-try-{os.getpid()}")
    except OSError:
        return None
    try:
        return parent if _kills(group) else None
    except OSError:
        return None
    finally:
        group.remove()


def _kills(group: Group) -> bool:
    hold, report = os.pipe2(os.O_CLOEXEC)
    pid, pidfd = process.clone(cgroup=group.fd)
    if pid == 0:
        os.close(report)
        os.read(hold, 1)
        os._exit(0)
    try:
        inside = pid in group.members()
        group.kill()
    finally:
        os.close(report)
        os.close(hold)
        _, status = os.waitpid(pid, 0)
        os.close(pidfd)
    return inside and os.WIFSIGNALED(status)
