"""The C library, called with an exception for every failure."""

from __future__ import annotations

import ctypes
import os

# PyDLL keeps the interpreter's lock: none of these calls waits, and a child made by a raw clone(2) comes back from
# it without having to take a lock that somebody else held.
_libc = ctypes.PyDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def call(name: str, *arguments: object) -> int:
    """Call a function of the C library that answers -1 for a failure. Raises OSError with its errno."""
    result: int = getattr(_libc, name)(*arguments)
    if result == -1:
        raise _error(name)
    return result


def syscall(name: str, number: int, *arguments: object) -> int:
    """Make a system call that the C library has no function for. Raises OSError with its errno.

    Every argument must be a ctypes object: a bare Python number would be passed as a C int.
    """
    result: int = _libc.syscall(ctypes.c_long(number), *arguments)
    if result == -1:
        raise _error(name)
    return result


def _error(name: str) -> OSError:
    code = ctypes.get_errno()
    return OSError(code, f"{name}: {os.strerror(code)}")
