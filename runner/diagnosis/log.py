"""What a job printed, by time: what came before the signal and what came after it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

_NUMBER = re.compile(r"[-+]?\d[\d.,:eE+-]*%?")
_SOON = 1.0
"""Seconds after the signal within which a handler that says something has said it."""
_KILLED = re.compile(r"\bKilled\b|\bSIGKILL\b|\bsignal 9\b|\bkill -(?:9|KILL)\b")
_SPACE = re.compile(r"\s+")
_SHAPE_OF = 200
"""Characters of a line that tell what kind of line it is."""


class Line(NamedTuple):
    t: float
    """Seconds from the signal."""
    text: str
    """As the program printed it: not to be shown as it is."""


@dataclass(frozen=True)
class Log:
    """Lines in the order of time; none if no log was given, or if no signal is on record."""

    lines: tuple[Line, ...] = ()

    @cached_property
    def before(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.t <= 0)

    @cached_property
    def after(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.t > 0)

    @cached_property
    def news(self) -> tuple[Line, ...]:
        """Lines soon after the signal of a kind that is printed just this once: of a handler, most likely."""
        known = {shape(line.text) for line in self.before}
        kinds = Counter(shape(line.text) for line in self.after)
        return tuple(
            line
            for line in self.after
            if line.t <= _SOON and line.text.strip() and (kind := shape(line.text)) not in known and kinds[kind] == 1
        )

    @cached_property
    def tells_of_kill(self) -> bool:
        """It was printed after the signal that something was killed, as shells do of their children."""
        return any(_KILLED.search(line.text) for line in self.after)

    @property
    def goes_on(self) -> bool:
        """It prints after the signal what it printed before it."""
        return len(self.after) - len(self.news) >= 2

    @cached_property
    def crash(self) -> Crash | None:
        """The last uncaught exception that was reported after the signal."""
        found = None
        for number, line in enumerate(self.after):
            crash = _crash(self.after[number:]) if _BEGINS.match(line.text) else None
            found = crash or found
        return found


class Crash(NamedTuple):
    """An uncaught exception, as the language reports it."""

    t: float
    what: str
    """Such as `OSError: [Errno 28] No space left on device`."""
    raised: bool
    """By a `raise` of the program's own, not by something that failed."""

    @property
    def name(self) -> str:
        """The exception's class, without its module."""
        return self.what.partition(":")[0].strip().rpartition(".")[2]


def shape(text: str) -> str:
    """A line without its numbers: metric lines of two steps have one shape."""
    return _SPACE.sub(" ", _NUMBER.sub("#", text[:_SHAPE_OF])).strip()


_BEGINS = re.compile(
    r"^(?:Traceback \(most recent call last\):|panic: |Uncaught |terminate called|Exception in thread|"
    r"(?:[\w.]+(?:Error|Exception): )|.* at \S+ line \d+\.$)"
)
_EXCEPTION = re.compile(r"^[A-Za-z_][\w.]*(?:: .*)?$")


def _crash(lines: tuple[Line, ...]) -> Crash | None:
    """What the report that begins with the first of these lines says."""
    first = lines[0]
    if not first.text.startswith("Traceback"):
        return Crash(first.t, first.text.strip(), False)
    source = ""
    for line in lines[1:]:
        if line.text[:1] in (" ", "\t"):
            stripped = line.text.strip()
            if stripped and not stripped.startswith("File ") and set(stripped) - set("^~"):
                source = stripped
        elif _EXCEPTION.match(line.text):
            return Crash(first.t, line.text.strip(), source.startswith("raise ") or source == "raise")
        else:
            return None
    return None
