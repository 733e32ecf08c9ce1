"""The rules of a stop: its grace, and PID 1's rule. Slim on purpose: the keeper imports this module.

Sources: signal(7) and pid_namespaces(7) ("a signal for which the init process has no handler is ignored"),
`docker stop`, which SageMaker's documentation names as the equivalent of its stop.
"""

from __future__ import annotations

import math
from enum import Enum, unique

DEFAULT_GRACE = 120.0
"""Seconds from SIGTERM to SIGKILL, as StopTrainingJob documents them."""
LONGEST_GRACE = 86_400.0
GRACE_RULE = f"must be from 0 to {LONGEST_GRACE:,.0f} seconds"


@unique
class Isolation(Enum):
    """How a job is kept apart from the machine."""

    PID1 = "pid1"
    """The main process is PID 1 of a PID namespace of its own: the kernel applies PID 1's rule."""
    PLAIN = "plain"
    """A session of its own: PID 1's rule is emulated for the stop's own signal."""
    DOCKER = "docker"
    """A real container."""


@unique
class Disposition(Enum):
    """What a process does with SIGTERM, read from /proc/PID/status and its wait channel."""

    DEFAULT = "default"
    CAUGHT = "caught"
    IGNORED = "ignored"
    BLOCKED = "blocked"
    WAITED = "waited"
    """Neither caught nor blocked by the masks, but asleep in sigtimedwait(2): the kernel takes the set out of
    the blocked mask for that time, so masks alone would say DEFAULT (tini waits so)."""

    @property
    def takes(self) -> bool:
        """PID 1's rule lets SIGTERM through: the program has arranged to receive it."""
        return self in _TAKES


_TAKES = frozenset({Disposition.CAUGHT, Disposition.BLOCKED, Disposition.WAITED})


def check_grace(grace: object) -> float:
    """The grace in seconds, or ValueError with the rule that it breaks.

    NaN, infinities, booleans and texts are refused: a grace is a promise, so it must be a number of seconds
    that can be kept, from 0 (SIGKILL at once) to a day.
    """
    if isinstance(grace, bool) or not isinstance(grace, int | float):
        raise ValueError(f"must be a number of seconds, not {grace!r}")
    # Written so that NaN, which compares false with everything, is refused.
    if not 0 <= grace <= LONGEST_GRACE:
        raise ValueError(f"{GRACE_RULE}, not {grace!r}")
    return float(grace)


def deadline(from_ns: int, grace: float) -> int:
    """The CLOCK_MONOTONIC instant, in ns, before which there is no SIGKILL."""
    return from_ns + math.ceil(grace * 1_000_000_000)
