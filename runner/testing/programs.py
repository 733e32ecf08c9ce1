"""Scripts for the fake backend: what a program does, as values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

NEVER = math.inf


@dataclass(frozen=True)
class Output:
    """A line that is printed `after` seconds."""

    after: float
    text: str


@dataclass(frozen=True)
class Reaction:
    """What SIGTERM does: the program ends `after` seconds, in this way."""

    after: float = 0.0
    code: int | None = 0
    signal: str | None = None


@dataclass(frozen=True)
class NotExecuted:
    """The program cannot be executed."""

    code: int = 127
    reason: str = "No such file or directory"


@dataclass(frozen=True)
class Program:
    """One scripted program. Times are seconds; they count from exec(2)."""

    lasts: float = NEVER
    """When it ends by itself,"""
    code: int | None = 0
    """with this exit code"""
    signal: str | None = None
    """or by this signal (its code is None then)."""
    on_term: Reaction | None = Reaction()
    """None: SIGTERM has no effect, because it is ignored."""
    output: Sequence[Output] = ()
    dies_after: float = 0.0
    """From SIGKILL to its end; NEVER: it cannot be killed."""
    executed_after: float = 0.0
    """From the launch to exec(2)."""
    not_executed: NotExecuted | None = None


MISSING = Program(not_executed=NotExecuted())
