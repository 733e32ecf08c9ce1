"""/proc, read without a detour: psutil needs five to a hundred times as long for the same facts."""

from __future__ import annotations

import functools
import os

_PF_EXITING = 0x4
_PF_FORKNOEXEC = 0x40
_TICK = os.sysconf("SC_CLK_TCK")
_RT_SIGTIMEDWAIT = {"x86_64": b"128", "aarch64": b"137"}.get(os.uname().machine)


class Stat:
    """Of /proc/PID/stat (proc(5)): what is used of it."""

    __slots__ = (
        "cpu",
        "executed",
        "exit_code",
        "exiting",
        "group",
        "has_environment",
        "name",
        "parent",
        "session",
        "start",
        "state",
        "threads",
    )

    def __init__(self, line: bytes) -> None:
        # The name may hold anything, spaces and brackets included: it ends at the last bracket.
        head, _, tail = line.rpartition(b")")
        fields = tail.split()
        self.name = head.partition(b"(")[2].decode(errors="replace")
        self.state = fields[0].decode()
        self.parent = int(fields[1])
        self.group = int(fields[2])
        self.session = int(fields[3])
        flags = int(fields[6])
        self.exiting = bool(flags & _PF_EXITING)
        self.executed = not flags & _PF_FORKNOEXEC
        self.cpu = (int(fields[11]) + int(fields[12])) / _TICK
        self.threads = int(fields[17])
        self.start = int(fields[19])
        self.has_environment = int(fields[48]) != 0
        """False in the middle of an exec, of who is ending, and of who may not be looked at."""
        self.exit_code = int(fields[49])

    @property
    def ended(self) -> bool:
        """A zombie, or about to be gone. (A main thread that ended before the others shows as a zombie, too.)"""
        return self.state in "ZX" and self.threads <= 1

    @property
    def ending(self) -> bool:
        """A zombie, or past the point from which it can only become one."""
        return (self.exiting or self.state in "ZX") and self.threads <= 1


class Status:
    """Of /proc/PID/status: the pids in all its namespaces; signal masks and context switches of the main thread."""

    __slots__ = ("blocked", "caught", "ignored", "pending", "pids", "switches")

    def __init__(self, text: bytes) -> None:
        # Not line by line: a look at a hundred processes is to cost little, and there are sixty lines.
        self.pids = [int(pid) for pid in _value(text, b"\nNSpid:").split()]
        """From the namespace in which this is read to the innermost."""
        masks = text[text.find(b"\nSigPnd:") : text.find(b"\nCapInh:")].split()[1::2]
        pending, shared, self.blocked, self.ignored, self.caught = (int(mask, 16) for mask in masks)
        self.pending = pending | shared
        self.switches = int(_value(text, b"\nvoluntary_ctxt_switches:") or 0)
        """Voluntary ones: how often it has waited for something."""


def _value(text: bytes, key: bytes) -> bytes:
    """What stands behind a key, which begins with the newline before it. A name cannot hold one (proc(5))."""
    at = text.find(key)
    return b"" if at < 0 else text[at + len(key) : text.index(b"\n", at + 1)]


def read(path: str) -> bytes:
    """A whole file of /proc. It gives about a page a read, however much is asked for."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        text = os.read(fd, 16384)
        if len(text) < 1024:
            return text
        parts = [text]
        while text:
            text = os.read(fd, 16384)
            parts.append(text)
        return b"".join(parts)
    finally:
        os.close(fd)


def _read_record(path: str) -> bytes:
    """A file of /proc that is one record: the kernel gives all of it at once, if there is room for it."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        text = os.read(fd, 4096)
        while len(text) % 4096 == 0 and (more := os.read(fd, 4096)):
            text += more
        return text
    finally:
        os.close(fd)


def read_stat(pid: int) -> Stat:
    """Raises FileNotFoundError or ProcessLookupError for a process that is gone."""
    return Stat(read_stat_line(pid))


def read_stat_line(pid: int) -> bytes:
    """What a Stat is made of. Raises as `read_stat`."""
    return _read_record(f"/proc/{pid}/stat")


def read_status(pid: int) -> Status:
    """Raises as `read_stat`."""
    return Status(_read_record(f"/proc/{pid}/status"))


def read_command(pid: int) -> list[str]:
    """The command line; empty for a zombie or a kernel thread."""
    text = read(f"/proc/{pid}/cmdline").rstrip(b"\0")
    return [part.decode(errors="replace") for part in text.split(b"\0")] if text else []


def read_program(pid: int) -> str | None:
    """The file that the process executes; None if that may not be known."""
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return None


def ptrace_scope() -> int:
    """Who may look into whose memory (Linux's Yama, kernel.yama.ptrace_scope): 0 is no more than the usual rule."""
    try:
        return int(read("/proc/sys/kernel/yama/ptrace_scope"))
    except (OSError, ValueError):
        return 0


def running_threads(pid: int, most: int) -> set[int] | None:
    """Ids, as the threads themselves know them, of those that run or wait for a disk; None for more than `most`."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return None
    if len(threads) > most:
        return None
    found = set()
    for thread in threads:
        try:
            text = _read_record(f"/proc/{pid}/task/{thread}/status")
        except OSError:
            continue
        if _value(text, b"\nState:").lstrip()[:1] in (b"R", b"D"):
            found.add(int((_value(text, b"\nNSpid:").split() or [thread.encode()])[-1]))
    return found


def read_wait(pid: int) -> str | None:
    """The kernel function in which the main thread sleeps; None if it runs, or if this may not be known."""
    try:
        text = read(f"/proc/{pid}/wchan").decode(errors="replace")
    except OSError:
        return None
    return None if text in ("", "0") else text


def waits_for_signal(pid: int, wait: str | None = None) -> bool:
    """The main thread sleeps in sigtimedwait(2), sigwait(3) or the like; `wait` as `read_wait` gave it, if it did."""
    wait = wait or read_wait(pid)
    if wait is not None:
        return wait.startswith("do_sigtimedwait")
    try:
        return read(f"/proc/{pid}/syscall").split(b" ", 1)[0] == _RT_SIGTIMEDWAIT
    except OSError:
        return False


def read_variable(pid: int, name: str) -> str | None:
    """A variable of the environment that the process was executed with; None without it, or if it may not be read."""
    try:
        environment = _read_environment(pid)
    except OSError:
        return None
    start = name.encode() + b"="
    for entry in environment.split(b"\0"):
        if entry.startswith(start):
            return entry[len(start) :].decode(errors="surrogateescape")
    return None


def _read_environment(pid: int) -> bytes:
    try:
        return read(f"/proc/{pid}/environ")
    except ProcessLookupError:
        # A main thread that has ended has no memory to look at; the others may go on.
        threads = [thread for thread in os.listdir(f"/proc/{pid}/task") if thread != str(pid)]
        return read(f"/proc/{pid}/task/{threads[0]}/environ") if threads else b""


def own_children() -> list[int]:
    """The children of this thread. None can be missed, since none goes before it has been waited for."""
    return [int(pid) for pid in read("/proc/thread-self/children").split()]


def children(pid: int) -> list[int]:
    """The children of all threads of a process, exact only if none is made or ends meanwhile (proc(5))."""
    found: list[int] = []
    try:
        # Two links and one for each thread: saves the listing of most.
        alone = os.stat(f"/proc/{pid}/task").st_nlink == 3
        threads = [str(pid)] if alone else os.listdir(f"/proc/{pid}/task")
    except OSError:
        return found
    for thread in threads:
        try:
            found += map(int, read(f"/proc/{pid}/task/{thread}/children").split())
        except OSError:
            continue
    return found


def descendants(pid: int) -> list[int]:
    """All that came of a process, nearest first, without itself."""
    found = children(pid)
    seen = set(found)
    for parent in found:
        for child in children(parent):
            if child not in seen:
                seen.add(child)
                found.append(child)
    return found


def pids() -> list[int]:
    """All processes of the machine that this process may see."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


@functools.cache
def boot_id() -> str:
    """Changes with every start of the kernel: CLOCK_MONOTONIC and pids mean nothing across it."""
    return read("/proc/sys/kernel/random/boot_id").decode().strip()


def oom_kills() -> int | None:
    """How many processes the kernel has killed for want of memory since it started; None where it does not count."""
    try:
        for line in read("/proc/vmstat").splitlines():
            if line.startswith(b"oom_kill "):
                return int(line.split()[1])
    except OSError:
        pass
    return None
