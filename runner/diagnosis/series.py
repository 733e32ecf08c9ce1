"""Several runs of one program, each stopped at another moment: which is the worst, and what was found when.

A stop may come before a program can have a handler at all: while its interpreter starts. No program can pass that, and
it loses nothing but time by it; so such a run is shown, and does not count (`docs/decisions/0011`).
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from runner.diagnosis.findings.base import Code, Severity, Verdict
from runner.diagnosis.moments import Where
from runner.diagnosis.printable import seconds
from runner.diagnosis.report import Report

HEAD_START = 1.0
"""Seconds from its start in which a program need not have a handler yet, unless it has printed something before."""

_BEFORE_A_HANDLER = frozenset(
    {Code.TOO_EARLY.value, Code.NO_HANDLER.value, Code.NO_HANDLER_PID1.value, Code.CANNOT_TELL.value}
)
"""What a stop looks like that comes before the handler."""
_RANK = {Verdict.GRACEFUL: 0, Verdict.UNDECIDED: 1, Verdict.NOT_GRACEFUL: 2}
_WORDS = {Verdict.GRACEFUL: "graceful", Verdict.NOT_GRACEFUL: "not graceful", Verdict.UNDECIDED: "undecided"}
_SPANS = 5
_WIDE = 56
_LABEL = 22


@dataclass(frozen=True)
class Run:
    """One run of a series."""

    number: int
    """From 1."""
    where: Where
    report: Report
    printed: float | None = None
    """Seconds from its start to its first line of output."""

    @cached_property
    def at(self) -> float | None:
        """Seconds from the start of the program to the stop. None: it was not stopped, or did not run."""
        times = {entry["event"]: float(entry["t"]) for entry in reversed(self.report.timeline)}
        stop = times.get("signal", times.get("stop"))
        return None if stop is None or "executed" not in times else round(max(stop - times["executed"], 0.0), 6)

    @property
    def code(self) -> str:
        """Of the main finding."""
        return self.report.findings[0].code

    @property
    def is_early(self) -> bool:
        """The stop came before a program can have a handler."""
        latest = HEAD_START if self.printed is None else min(self.printed, HEAD_START)
        return self.at is not None and self.at < latest

    @property
    def lacks_a_handler(self) -> bool:
        """All that is wrong with it is that there was no handler when the stop came."""
        worse = {finding.code for finding in self.report.findings if finding.severity == Severity.ERROR.value}
        return self.report.verdict is not Verdict.GRACEFUL and {self.code, *worse} <= _BEFORE_A_HANDLER


@dataclass(frozen=True)
class Series:
    """All runs that were made, in order. At least one."""

    runs: Sequence[Run]

    def counts(self, run: Run) -> bool:
        """Whether the run may be the worst one.

        Not one that was stopped before its handler can have been there, if a later one had it; nor the first, if it
        only ended before its trigger came.
        """
        if len(self.runs) > 1 and run.where is Where.TRIGGER and run.code == Code.ENDED_BEFORE_STOP.value:
            return False
        return not (run.is_early and run.lacks_a_handler and self._has_a_handler)

    @cached_property
    def _has_a_handler(self) -> bool:
        return any(not run.is_early and run.at is not None and not run.lacks_a_handler for run in self.runs)

    @cached_property
    def worst(self) -> Run:
        """The first of those that are worst: not graceful before undecided before graceful."""
        return max(self.runs, key=lambda run: (self.counts(run), _RANK[run.report.verdict], -run.number))

    def to_json(self) -> dict[str, Any]:
        """`worst` and `runs`, to stand beside the members of the worst run's report."""
        return {"worst": self.worst.number, "runs": [self._told(run) for run in self.runs]}

    def _told(self, run: Run) -> dict[str, Any]:
        own = {"run": run.number, "moment": run.where.value, "at": run.at, "counts": self.counts(run)}
        return {**own, **run.report.to_json()}


def name(run: Run) -> str:
    """A run as a list of several names it."""
    return f"run {run.number}, {_stopped(run)}"


def line(run: Run, of: int) -> str:
    """What came of one run, in a line."""
    part = "" if run.where in (Where.RUN, Where.TRIGGER) else f" ({_part(run.where)})"
    code = "" if run.code == run.report.verdict.value else f", {run.code}"
    return f"run {run.number} of {of}: {_stopped(run)}{part}: {_WORDS[run.report.verdict]}{code}"


def render(series: Series, *, width: int = 80) -> str:
    """How many runs ended how, and a histogram of when they were stopped and what was found, in lines of `width`."""
    lines = [*_wrapped(_summary(series), width, ""), ""]
    for label, runs in _groups(series):
        found = Counter(_found(series, run) for run in runs)
        told = ", ".join(f"{count} {what}" for what, count in found.most_common())
        if width >= _WIDE:
            bar = "#" * min(len(runs), 10)
            lines += textwrap.wrap(
                f"  {label:<{_LABEL}} {bar:<10} {told}", width, subsequent_indent=" " * (_LABEL + 14)
            )
        else:
            lines += [*_wrapped(f"{label}:", width, "  "), *_wrapped(told, width, "    ")]
    apart = [run for run in series.runs if not series.counts(run) and run.is_early]
    if apart:
        lines += ["", *_wrapped(_why_apart(apart), width, "")]
    return "\n".join(lines) + "\n"


def _stopped(run: Run) -> str:
    return "was not stopped" if run.at is None else f"stopped {seconds(run.at)} after the start"


def _summary(series: Series) -> str:
    count = Counter(run.report.verdict for run in series.runs if series.counts(run))
    told = [f"{count[verdict]} {_WORDS[verdict]}" for verdict in Verdict if count[verdict]]
    apart = sum(not series.counts(run) for run in series.runs)
    if apart:
        told.append(f"{apart} not counted")
    worst = series.worst
    when = "" if worst.at is None else f", stopped {seconds(worst.at)} after the start"
    runs = "1 run" if len(series.runs) == 1 else f"{len(series.runs)} runs"
    return f"{runs}: {', '.join(told)}. The report above is that of the worst: run {worst.number}{when}."


def _why_apart(apart: Sequence[Run]) -> str:
    times = ", ".join(seconds(run.at or 0.0) for run in apart[:3])
    more = f" and {len(apart) - 3} more" if len(apart) > 3 else ""
    return (
        f"Not counted: stops {times}{more} after the start, before a handler can be there. Nothing is lost then but "
        "the time of the grace; no program can do better, and it does not decide the exit code."
    )


def _found(series: Series, run: Run) -> str:
    if not series.counts(run):
        return f"{run.code} (not counted)"
    return f"{run.code} (undecided)" if run.report.verdict is Verdict.UNDECIDED else run.code


def _groups(series: Series) -> Iterator[tuple[str, Sequence[Run]]]:
    """Parts of a run, in the order of time, each with the runs that were stopped there."""
    for where in (Where.START, Where.START_UP):
        yield from _group(_part(where), [run for run in series.runs if run.where is where])
    spread = [run for run in series.runs if run.where in (Where.RUN, Where.TRIGGER) and run.at is not None]
    longest = max((run.at or 0.0 for run in spread), default=0.0)
    for span in range(_SPANS):
        begin, end = longest * span / _SPANS, longest * (span + 1) / _SPANS
        last = span == _SPANS - 1
        inside = [run for run in spread if begin <= (run.at or 0.0) and (last or (run.at or 0.0) < end)]
        yield from _group(f"{begin:.3g} s to {seconds(end)}", inside)
    yield from _group(_part(Where.SAVE), [run for run in series.runs if run.where is Where.SAVE])
    yield from _group("not stopped", [run for run in series.runs if run.where is Where.TRIGGER and run.at is None])


def _group(label: str, runs: Sequence[Run]) -> Iterator[tuple[str, Sequence[Run]]]:
    if runs:
        yield label, runs


def _part(where: Where) -> str:
    return {Where.START: "at the start", Where.START_UP: "in its start-up", Where.SAVE: "around a save"}[where]


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(text, max(width, 24), initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
