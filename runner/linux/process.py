"""A handle of a process that never means another one, and the call that makes a process.

A pid may be used again as soon as its process has been waited for; a pidfd stays with the process that it was
opened for (pidfd_open(2)). `Process` is used wherever something is done to a process.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import select
import signal
import struct

from runner.linux import libc, procfs

_SYS_CLONE3 = 435  # the same on every architecture: it came after the numbers were unified
_CLONE_PIDFD = 0x1000
CLONE_INTO_CGROUP = 0x2_0000_0000
CLONE_NEWNS = 0x2_0000
CLONE_NEWUSER = 0x1000_0000
CLONE_NEWPID = 0x2000_0000

# _IOWR(0xFF, 11, 64 bytes) and the layout of struct pidfd_info, Linux 6.13; exit codes from 6.15 on.
_PIDFD_GET_INFO = 0xC040FF0B
_PIDFD_INFO = "=QQ11Ii"
_PIDFD_INFO_EXIT = 8


class Process:
    """One process of this machine: its pid, a pidfd, and when it started (ticks since boot, field 22 of stat)."""

    __slots__ = ("fd", "pid", "start", "waited_for")

    def __init__(self, pid: int, fd: int, start: int) -> None:
        self.pid = pid
        self.fd = fd
        self.start = start
        self.waited_for = False
        """Of a child of ours: until then nobody else can have its pid."""

    @classmethod
    def open(cls, pid: int) -> Process:
        """A handle of the process that has this pid now. Raises ProcessLookupError if there is none."""
        fd = os.pidfd_open(pid)
        try:
            # Read after the pidfd was opened: if it can be read, it is of the process that the pidfd means,
            # or of a later one whose predecessor the pidfd then shows as ended.
            return cls(pid, fd, procfs.read_stat(pid).start)
        except BaseException:
            os.close(fd)
            raise

    def signal(self, number: int) -> None:
        """Send a signal. Raises ProcessLookupError if the process has been waited for."""
        signal.pidfd_send_signal(self.fd, number)

    def pid_is_reused(self) -> bool:
        """Its pid means another process by now."""
        try:
            return procfs.read_stat(self.pid).start != self.start
        except OSError:
            return False

    def has_ended(self) -> bool:
        """Its pidfd is readable: it is a zombie, or has been waited for."""
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        return bool(poll.poll(0))

    def exit_status(self) -> int | None:
        """The wait status of a process that has ended and is not our child, or None where the kernel does not tell.

        Linux 6.15 and later keep it with the pidfd once the process has been waited for; before that the zombie
        shows it in field 52 of stat to those who may trace it.
        """
        try:
            stat = procfs.read_stat(self.pid)
        except OSError:
            return self._kept_status()
        if stat.start != self.start or stat.state not in "ZX":
            return self._kept_status()
        # Who may not see the status is shown 0; who could, cannot once it has been waited for, just now.
        return stat.exit_code if stat.exit_code or _may_look_at(self.pid) else self._kept_status()

    def _kept_status(self) -> int | None:
        answer = bytearray(struct.pack(_PIDFD_INFO, 0xF, *[0] * 13))
        try:
            fcntl.ioctl(self.fd, _PIDFD_GET_INFO, answer)
        except OSError:
            return None
        fields = struct.unpack(_PIDFD_INFO, answer)
        status: int = fields[-1]
        return status if fields[0] & _PIDFD_INFO_EXIT else None

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


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


def _may_look_at(pid: int) -> bool:
    """By the rule that also guards field 52 of stat (ptrace(2), PTRACE_MODE_READ_FSCREDS). Zombies have this link."""
    try:
        os.readlink(f"/proc/{pid}/ns/user")
    except OSError:
        return False
    return True


def is_executing(pid: int) -> bool:
    """It is in the middle of an exec, where /proc/PID/environ is empty although the new program will have one."""
    try:
        stat = procfs.read_stat(pid)
    except OSError:
        return False
    return not stat.has_environment and not stat.exiting and _may_look_at(pid)


class _CloneArguments(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_uint64)
        for name in (
            *("flags", "pidfd", "child_tid", "parent_tid", "exit_signal", "stack", "stack_size", "tls"),
            *("set_tid", "set_tid_size", "cgroup"),
        )
    ]


def clone(flags: int = 0, cgroup: int = -1) -> tuple[int, int]:
    """Make a copy of this process: (0, -1) in the copy, (pid, pidfd) in the caller.

    `flags` are CLONE_NEW… bits; `cgroup` is the descriptor of a cgroup v2 folder in which the copy is born. Only
    for processes with one thread, since no lock is put in order in the copy, as os.fork() would.
    Raises OSError if the kernel refuses.
    """
    if cgroup >= 0:
        flags |= CLONE_INTO_CGROUP
    pidfd = ctypes.c_int(-1)
    arguments = _CloneArguments(
        flags=flags | _CLONE_PIDFD,
        pidfd=ctypes.addressof(pidfd),
        exit_signal=signal.SIGCHLD.value,
        cgroup=max(cgroup, 0),
    )
    try:
        pid = libc.syscall("clone3", _SYS_CLONE3, ctypes.byref(arguments), ctypes.c_size_t(ctypes.sizeof(arguments)))
    except OSError as error:
        # The seccomp filters of container engines answer ENOSYS, because they cannot look into the arguments.
        if error.errno != errno.ENOSYS or flags:
            raise
        pid = os.fork()
        return (pid, os.pidfd_open(pid)) if pid else (0, -1)
    return (pid, pidfd.value) if pid else (0, -1)
