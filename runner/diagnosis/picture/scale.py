"""Seconds to places on the page: one measure for the time around the stop, and breaks for long times beside it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from runner.diagnosis.picture.formats import Format

SHORTEST = 0.05
"""Seconds that the picture spans at least: an end within a millisecond shall not look like a slow one."""
_MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Part:
    """A piece of the axis with one measure."""

    begin: float
    """Seconds."""
    end: float
    left: float
    right: float
    squeezed: bool = False
    """More seconds on less room than in the part around the stop."""

    def x(self, t: float) -> float:
        return self.left + (t - self.begin) / (self.end - self.begin) * (self.right - self.left)


@dataclass(frozen=True)
class Scale:
    """The whole axis: parts that follow each other without a gap."""

    parts: tuple[Part, ...]

    def x(self, t: float) -> float:
        """The place of an instant; the nearer end of the axis for one that is outside."""
        for part in self.parts:
            if t <= part.end:
                return round(part.x(max(t, part.begin)), 1)
        return self.parts[-1].right

    @property
    def main(self) -> Part:
        """The part around the stop."""
        return next(part for part in self.parts if not part.squeezed)

    @property
    def breaks(self) -> tuple[float, ...]:
        """Where the measure changes."""
        return tuple(one.right for one, _ in pairwise(self.parts))

    @property
    def begin(self) -> float:
        return self.parts[0].begin

    @property
    def end(self) -> float:
        return self.parts[-1].end


def around_stop(first: float, last: float, deadline: float | None, form: Format) -> Scale:
    """An axis for what was seen from `first` (before the stop, which is 0) to `last`, and for the deadline.

    One measure for all of it where that is readable: the time before the stop takes at most 60 % of the room, and the
    deadline is not far behind the end. Else the main part shows the time after the stop and a little before it, and
    what lies further away is squeezed into a narrow part behind a break.
    """
    left, right, width = form.left, form.right, form.right - form.left
    after = max(last, SHORTEST)
    far = deadline is not None and deadline > 1.7 * after
    early = -first > 1.5 * (after if far or deadline is None else max(after, deadline))
    inner_left = left + (0.2 * width if early else 0.0)
    inner_right = right - (0.16 * width if far else 0.0)
    free = (form.room if far else 6.0) / (inner_right - inner_left)
    until = after if far or deadline is None else max(after, deadline)
    begin = -form.before * until if early else min(first, 0.0)
    end = begin + (until - begin) / (1 - free)
    parts = [Part(begin, end, inner_left, inner_right)]
    if early:
        parts.insert(0, Part(first, begin, left, inner_left, squeezed=True))
    if far and deadline is not None:
        # The line of the deadline stands a little before the edge.
        parts.append(Part(end, deadline + 0.25 * (deadline - end), inner_right, right, squeezed=True))
    return Scale(tuple(parts))


def whole(first: float, last: float, left: float, right: float) -> Scale:
    """An axis with one measure: without a stop nothing is more important than the rest."""
    end = max(last, first + SHORTEST)
    return Scale((Part(first, end + 0.03 * (end - first), left, right),))


def ticks(part: Part, spacing: float) -> Iterator[float]:
    """Round numbers of seconds, at least `spacing` apart on the page."""
    seconds = (part.end - part.begin) * spacing / (part.right - part.left)
    step = _step(seconds)
    for number in range(math.ceil(part.begin / step - 1e-9), math.floor(part.end / step + 1e-9) + 1):
        yield float(f"{number * step:.9g}")


def _step(seconds: float) -> float:
    """The next round number: of seconds, from minutes on of minutes or hours."""
    if seconds > 60:
        day = 86_400
        steps = (*(60 * n for n in (2, 5, 10, 15, 30, 60, 120, 180, 360, 720)), *(day * 2**n for n in range(40)))
        return float(next(step for step in steps if step >= seconds * 0.999))
    power = 10.0 ** math.floor(math.log10(seconds))
    return power * next(n for n in (1, 2, 5, 10) if n * power >= seconds * 0.999)


def told(t: float) -> str:
    """An instant at a tick: `0.5`, `20`; with its unit from a thousand seconds on."""
    sign = _MINUS if t < 0 else ""
    amount = abs(t)
    if amount < 1000:
        return sign + f"{amount:.3f}".rstrip("0").rstrip(".")
    minutes = round(amount / 60)
    if minutes < 120:
        return f"{sign}{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return f"{sign}{hours} h" + (f" {rest} min" if rest else "")
    return f"{sign}{hours / 24:.1f} d"
