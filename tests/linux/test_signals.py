"""The signals that the C library keeps for itself."""

from __future__ import annotations

import subprocess
import sys

_TRY = """
import ctypes
from runner.linux import libc, signals

def ignored():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1], 16) for line in status if line.startswith("SigIgn")) >> 31 & 3

action = signals._KernelAction(handler=1)
for number in (32, 33):
    libc.syscall("rt_sigaction", signals._RT_SIGACTION, ctypes.c_int(number), ctypes.byref(action), None,
                 ctypes.c_size_t(8))
before = ignored()
signals.reset_reserved()
print(before, ignored())
"""


def test_what_make_leaves_ignored_is_put_back() -> None:
    answer = subprocess.run([sys.executable, "-c", _TRY], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["3", "0"]
