"""Whether a process that got SIGKILL got it for want of memory."""

from __future__ import annotations

from runner.linux import procfs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.linux.cgroups import MemoryGroup


class Memory:
    """What the kernel counts from the launch on: in the job's own group where it has one, else of all the machine."""

    __slots__ = ("_before", "_group")

    def __init__(self, group: MemoryGroup | None) -> None:
        self._group = group
        self._before = procfs.oom_kills()

    def killed(self) -> str:
        """ "yes", "no", or "unknown": the machine ran out of memory meanwhile, and does not say who was killed."""
        kills = None if self._group is None else self._group.oom_kills()
        if kills is not None:
            return "yes" if kills else "no"
        now = procfs.oom_kills()
        if now is None or self._before is None:
            return "unknown"
        return "unknown" if now > self._before else "no"

    def close(self) -> bool:
        """Remove the group; False if the kernel is not done with its last member yet."""
        return self._group is None or self._group.remove()
