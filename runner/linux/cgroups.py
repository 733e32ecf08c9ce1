"""Control groups: who is in, kill all of it, and whether the kernel ran out of memory in there (cgroups(7)).

A group of the unified hierarchy needs no controller for its members to be listed and killed. A memory limit needs
the memory controller, in whichever hierarchy it is mounted.
"""

from __future__ import annotations

import contextlib
import errno
import os

from runner.linux import procfs

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re


class Group:
    """A cgroup v2 folder that this process made: its members, their end, and the folder's."""

    __slots__ = ("fd", "path")

    def __init__(self, path: str) -> None:
        self.path = path
        self.fd = -1

    @classmethod
    def make(cls, parent: str, name: str) -> Group:
        """Raises OSError if this user may not make groups there."""
        group = cls(os.path.join(parent, name))
        os.mkdir(group.path)
        try:
            group.fd = os.open(group.path, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            os.rmdir(group.path)
            raise
        return group

    def add(self, pid: int) -> None:
        _write(f"{self.path}/cgroup.procs", str(pid))

    def members(self) -> list[int]:
        """Pids as this machine sees them, zombies that have not been waited for included; also of groups below."""
        found: list[int] = []
        for path in _tree(self.path):
            try:
                found += map(int, procfs.read(f"{path}/cgroup.procs").split())
            except OSError:
                continue  # removed meanwhile; or a threaded group, whose members its parent lists
        return found

    def kill(self) -> None:
        """SIGKILL to every member, and to whatever they fork meanwhile: nothing outruns it (Linux 5.14)."""
        _write(f"{self.path}/cgroup.kill", "1")

    def oom_kills(self) -> int | None:
        """Members that the kernel killed for want of memory; None without the memory controller."""
        return _counter(f"{self.path}/memory.events", b"oom_kill ")

    def remove(self) -> bool:
        """Remove it and the groups that members made in it. False while there are members.

        A zombie does not count; but a process that has just become one may, until it is off its processor.
        """
        self.close()
        return all([_remove(path) for path in reversed(_tree(self.path))])

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


class MemoryGroup:
    """A limit on the memory of its members, and whether it was what killed them. v1 and v2 spell it differently."""

    __slots__ = ("path", "unified")

    def __init__(self, path: str, unified: bool) -> None:
        self.path = path
        self.unified = unified

    @classmethod
    def make(cls, name: str, limit: int) -> MemoryGroup:
        """A group below this process's own, limited to `limit` bytes. Raises OSError where that is not possible."""
        parent = own_path("memory")
        unified = parent is None
        if parent is None:
            parent = own_path("")
            if parent is None or b"memory" not in procfs.read(f"{parent}/cgroup.subtree_control").split():
                raise OSError(errno.EOPNOTSUPP, "no memory controller to make groups of")
        group = cls(os.path.join(parent, name), unified)
        os.mkdir(group.path)
        try:
            _write(f"{group.path}/{'memory.max' if unified else 'memory.limit_in_bytes'}", str(limit))
        except OSError:
            _remove(group.path)
            raise
        return group

    def oom_kills(self) -> int | None:
        """Members that the kernel killed for want of memory."""
        if self.unified:
            return _counter(f"{self.path}/memory.events", b"oom_kill ")
        return _counter(f"{self.path}/memory.oom_control", b"oom_kill ")

    def remove(self) -> bool:
        return _remove(self.path)


def _tree(path: str) -> list[str]:
    """A group and all below it, parents first."""
    try:
        if os.stat(path).st_nlink <= 2:  # a folder without folders: saves the listing
            return [path]
    except FileNotFoundError:
        return [path]
    return [folder for folder, _, _ in os.walk(path)]


def remove_stale(parent: str, pattern: re.Pattern[str], before_ns: int) -> None:
    """Remove the empty groups below `parent` whose maker, the pid in the pattern's first group, is gone.

    Only those that were made before `before_ns` (since 1970): a maker in another PID namespace cannot be seen, and its
    newest group may still wait for its first member.
    """
    for name in os.listdir(parent):
        match, path = pattern.fullmatch(name), os.path.join(parent, name)
        if match and not os.path.exists(f"/proc/{match[1]}"):
            with contextlib.suppress(OSError):  # somebody else was quicker, or may do it
                if os.stat(path).st_mtime_ns < before_ns:
                    Group(path).remove()


def own_path(controller: str) -> str | None:
    """The folder of this process's own group: of cgroup v2 for "", else of the v1 hierarchy with that controller.

    None where that hierarchy is not mounted, or is mounted without the part that this process is in.
    """
    mounted = _mount_of(controller)
    if mounted is None:
        return None
    root, mount_point = mounted
    for line in procfs.read("/proc/self/cgroup").decode().splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            inside = os.path.relpath(path, root)
            return None if inside.startswith("..") else os.path.normpath(os.path.join(mount_point, inside))
    return None


def _mount_of(controller: str) -> tuple[str, str] | None:
    kind = "cgroup" if controller else "cgroup2"
    for line in procfs.read("/proc/self/mountinfo").decode(errors="surrogateescape").splitlines():
        before, _, after = line.partition(" - ")
        fields, (file_system, _, options) = before.split(), after.split(" ", 2)
        if file_system == kind and (not controller or controller in options.split(",")):
            return fields[3], fields[4]
    return None


def _counter(path: str, key: bytes) -> int | None:
    try:
        for line in procfs.read(path).splitlines():
            if line.startswith(key):
                return int(line.split()[1])
    except OSError:
        pass
    return None


def _write(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def _remove(path: str) -> bool:
    try:
        os.rmdir(path)
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno in (errno.EBUSY, errno.ENOTEMPTY):
            return False
        raise
    return True
