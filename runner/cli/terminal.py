"""What all commands share: messages, and options that are seconds or patterns."""

from __future__ import annotations

import math
import os
import shutil
import sys
from typing import TextIO

from runner.diagnosis.printable import printable
from runner.errors import InvalidRequest

safe = printable
"""Text of a program, with control characters made visible: it never steers the terminal."""


def say(text: str) -> None:
    """A message about the command itself: to stderr, so that stdout is only what was asked for."""
    print(f"runner: {safe(text)}", file=sys.stderr, flush=True)


def has_colour(stream: TextIO) -> bool:
    """A terminal that was not asked to do without (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def is_dumb() -> bool:
    """The terminal cannot move its cursor, so that nothing can be written over."""
    return os.environ.get("TERM", "") in ("", "dumb", "unknown")


def width() -> int:
    """Columns for a text: those of the terminal, at most 100; 80 where there is none."""
    return min(shutil.get_terminal_size((80, 24)).columns, 100)


def seconds(option: str, value: float) -> float:
    """Raises InvalidRequest for what is no length of time."""
    if not (value >= 0 and math.isfinite(value)):
        raise InvalidRequest(option, f"must be a number of seconds from 0 on, not {value!r}")
    return value


def pattern(option: str, value: str) -> str:
    """Raises InvalidRequest for what is no regular expression."""
    from runner.jobs.expressions import compiled

    compiled(option, value)
    return value
