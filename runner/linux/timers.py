"""A timer that fires when it should: one absolute CLOCK_MONOTONIC timerfd.

A time-out of poll or epoll may be late by 0.1 % of its length, up to 100 ms (timer slack): at SageMaker's 120 s that
is a tenth of a second. A timerfd is late by about 0.1 ms at any length.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import time

from runner.linux import libc

_TFD_TIMER_ABSTIME = 1
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}.get(os.uname().machine)
_SCHED_FLAG_RESET_ON_FORK = 1
_SHORT_SLICE_NS = 100_000


class _Timespec(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("ns", ctypes.c_long)]


class _Setting(ctypes.Structure):
    _fields_ = [("interval", _Timespec), ("value", _Timespec)]


class _SchedulingAttributes(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_uint32),
        ("policy", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("nice", ctypes.c_int32),
        ("priority", ctypes.c_uint32),
        ("runtime", ctypes.c_uint64),
        ("deadline", ctypes.c_uint64),
        ("period", ctypes.c_uint64),
    ]


class Timer:
    """Becomes readable at the instant that it was armed for, never before it."""

    __slots__ = ("fd",)

    def __init__(self) -> None:
        self.fd = libc.call("timerfd_create", time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)

    def arm(self, instant_ns: int) -> None:
        """Fire at an instant of CLOCK_MONOTONIC, at once if it has passed."""
        # A value of zero would disarm the timer.
        seconds, ns = divmod(max(instant_ns, 1), 1_000_000_000)
        setting = _Setting(value=_Timespec(seconds, ns))
        libc.call("timerfd_settime", self.fd, _TFD_TIMER_ABSTIME, ctypes.byref(setting), None)

    def clear(self) -> None:
        """Take note that it has fired."""
        with contextlib.suppress(BlockingIOError):
            os.read(self.fd, 8)


def ask_for_short_slices() -> bool:
    """Be scheduled soon after waking, also beside busy programs (Linux 6.12: the slice of an ordinary task).

    Needs no privilege; children get the default back. False where the kernel does not take it.
    """
    if _SCHED_SETATTR is None:
        return False
    wish = _SchedulingAttributes(flags=_SCHED_FLAG_RESET_ON_FORK, nice=os.nice(0), runtime=_SHORT_SLICE_NS)
    wish.size = ctypes.sizeof(wish)
    try:
        libc.syscall("sched_setattr", _SCHED_SETATTR, ctypes.c_int(0), ctypes.byref(wish), ctypes.c_uint(0))
    except OSError:
        return False
    return True
