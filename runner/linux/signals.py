"""The two signals that the C library keeps for itself and does not let anybody touch."""

from __future__ import annotations

import ctypes
import os

from runner.linux import libc

_RT_SIGACTION = {"x86_64": 13, "aarch64": 134}.get(os.uname().machine)
_RESERVED = (32, 33)


class _KernelAction(ctypes.Structure):
    _fields_ = [
        ("handler", ctypes.c_void_p),
        ("flags", ctypes.c_ulong),
        ("restorer", ctypes.c_void_p),
        ("mask", ctypes.c_uint64),
    ]


def reset_reserved() -> None:
    """Put signals 32 and 33 at their default action.

    posix_spawn of glibc leaves them ignored in the child, and exec keeps that: whatever `make` starts has them so.
    sigaction(2) of the C library refuses to touch them, so the kernel is asked itself.
    """
    if _RT_SIGACTION is None:
        return
    default, size = _KernelAction(), ctypes.c_size_t(8)
    for number in _RESERVED:
        libc.syscall("rt_sigaction", _RT_SIGACTION, ctypes.c_int(number), ctypes.byref(default), None, size)
