"""The one door to time: wall clock and monotonic clock are read here and nowhere else.

Tests replace the functions of this module. Durations and deadlines use the monotonic clock; the wall clock is for
people. Slim on purpose: the keeper imports this module.
"""

from __future__ import annotations

import time


def monotonic_ns() -> int:
    """ns of CLOCK_MONOTONIC: one clock for every process of this machine; it stands still while the machine sleeps."""
    return time.monotonic_ns()


def wall_ns() -> int:
    """ns since 1970 (UTC). May be set back or forward at any time."""
    return time.time_ns()
