"""prctl(2), and what a process looks like in a process list."""

from __future__ import annotations

import ctypes

from runner.linux.libc import call

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36
_NONE = ctypes.c_ulong(0)


def _prctl(option: int, value: int) -> None:
    call("prctl", option, ctypes.c_ulong(value), _NONE, _NONE, _NONE)


def die_with_parent(signal_number: int) -> None:
    """Have the kernel send this process a signal when the thread that made it ends.

    A change of credentials takes the wish back (prctl(2)), so it is to be the last thing before an exec.
    """
    _prctl(_PR_SET_PDEATHSIG, signal_number)


def become_subreaper() -> None:
    """Orphans among this process's descendants become its children instead of PID 1's."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def stay_readable() -> None:
    """Let this process's /proc entries belong to it: after a setuid they would be root's, and uid_map not writable."""
    _prctl(_PR_SET_DUMPABLE, 1)


def name_process(name: str, command: str) -> None:
    """Show `name` (at most 15 bytes) and `command` in process lists."""
    text = command.encode(errors="surrogateescape")
    call("prctl", _PR_SET_NAME, ctypes.c_char_p(name.encode()), _NONE, _NONE, _NONE)
    with open("/proc/self/stat", "rb") as stat:
        fields = stat.read().rpartition(b")")[2].split()
    start, end = int(fields[45]), int(fields[46])  # arg_start and arg_end, fields 48 and 49 of proc(5)
    if 0 < start < end:
        # The kernel shows whatever stands there now. Without the zero at the end it would show the environment too.
        room = end - start
        ctypes.memmove(start, text[: room - 1].ljust(room, b"\0"), room)
