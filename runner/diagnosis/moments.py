"""When to stop a program in a series of runs: its length is learned from one run, and the stops are spread over it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum, unique
from itertools import cycle, islice
from typing import NamedTuple

from runner.diagnosis.members import Fact, nanoseconds, number
from runner.diagnosis.reading import facts_of
from runner.lifecycle.facts import FactName

_OF_SAVES = 0.3
_OF_START_UP = 0.2
"""Shares of the runs of a series."""
_INTO_A_SAVE = (0.5, 0.25, 0.75, 0.05, 0.95)
"""How far into it: its middle first."""


@unique
class Where(StrEnum):
    """The part of a run that a stop is meant for."""

    TRIGGER = "trigger"
    """When the trigger came: the run from which the others' moments are learned."""
    START = "start"
    """At once, when the program has been executed."""
    START_UP = "start-up"
    """Before the first line of output: imports, data, models."""
    RUN = "run"
    """Anywhere in the run."""
    SAVE = "save"
    """When the first run was in the middle of writing a file."""


class Moment(NamedTuple):
    """A stop to come."""

    at: float
    """Seconds from the start of the program."""
    where: Where


class Span(NamedTuple):
    """Seconds from the start of the program."""

    begun: float
    done: float


@dataclass(frozen=True)
class Scale:
    """How long things take in a run of the program."""

    length: float
    """Seconds from its start to its stop, or to its end."""
    first_output: float | None = None
    """Seconds from its start to its first line of output."""
    saves: tuple[Span, ...] = ()
    """What it wrote before it was stopped."""


def learn(facts: Sequence[Fact], first_line: int | None) -> Scale | None:
    """From the journal of a run, and the time (ns since 1970) of its first line of output. None: it did not run."""
    own = facts_of(facts)
    begun = _first(own, FactName.EXECUTED)
    if begun is None:
        return None
    end = _first(own, FactName.SIGNAL) or _first(own, FactName.ENDED) or own[-1]
    length = _since(begun, nanoseconds(end))
    printed = None
    if first_line is not None:
        printed = min(max((first_line - (number(begun.get("w")) or first_line)) / 1e9, 0.0), length)
    spans = sorted({span for span in _saves(own, begun) if 0 <= span.begun < length})
    return Scale(length, printed, tuple(Span(span.begun, min(span.done, length)) for span in spans))


def spread(count: int, scale: Scale) -> list[Moment]:
    """So many moments: at the start, before the first output, in the middle of saves, and evenly over the whole run."""
    at_start = 1 if count >= 4 else 0
    saves = max(round(count * _OF_SAVES), 1) if scale.saves and count >= 2 else 0
    early = max(round(count * _OF_START_UP), 1) if scale.first_output and count >= 3 else 0
    moments = [Moment(0.0, Where.START)] * at_start
    moments += [Moment(at, Where.START_UP) for at in _between(early, scale.first_output or 0.0)]
    moments += [Moment(at, Where.SAVE) for at in islice(_in_saves(scale.saves), saves)]
    moments += [Moment(at, Where.RUN) for at in _between(count - len(moments), scale.length)]
    return sorted(moments)


def evenly(count: int, seconds: float) -> list[Moment]:
    """From the start to so many seconds after it, both included; one alone is at the end."""
    steps = max(count - 1, 1)
    first = 0 if count > 1 else 1
    return [Moment(seconds * step / steps, Where.RUN) for step in range(first, first + count)]


def _between(count: int, seconds: float) -> Iterator[float]:
    return (seconds * (step + 0.5) / count for step in range(count))


def _in_saves(spans: Sequence[Span]) -> Iterator[float]:
    """The middle of each save, the later ones first, then other places in them."""
    latest = list(reversed(spans))
    for share in cycle(_INTO_A_SAVE):
        yield from (span.begun + share * (span.done - span.begun) for span in latest)


def _saves(facts: Sequence[Fact], begun: Fact) -> Iterator[Span]:
    told = [fact for fact in facts if fact.get("fact") == FactName.FILES.value]
    for fact in told[-1:]:
        for member in ("saves", "open"):
            listed = fact.get(member)
            for save in listed if isinstance(listed, list) else ():
                start = number(save.get("begun")) if isinstance(save, dict) else None
                if start is not None:
                    done = number(save.get("done")) or nanoseconds(fact)
                    yield Span(_since(begun, start), max(_since(begun, done), _since(begun, start)))


def _first(facts: Sequence[Fact], name: FactName) -> Fact | None:
    return next((fact for fact in facts if fact.get("fact") == name.value), None)


def _since(begun: Fact, ns: int) -> float:
    return round((ns - nanoseconds(begun)) / 1e9, 6)
