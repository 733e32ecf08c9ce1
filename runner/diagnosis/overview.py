"""Several runs of one program, each stopped at another moment: which was worst, and what became of them all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from runner.diagnosis.findings.base import Verdict
from runner.diagnosis.report import Report

_RANKS = (Verdict.NOT_GRACEFUL, Verdict.UNDECIDED, Verdict.GRACEFUL)
COLUMNS = 24
"""Of the histogram."""


@dataclass(frozen=True)
class Cell:
    """One run in the histogram: a column from the left, a place from below, and its verdict."""

    column: int
    level: int
    verdict: str


def worst_first(reports: Sequence[Report]) -> list[int]:
    """The places of the reports: not graceful before undecided before graceful; equal ones stay in their order."""
    return sorted(range(len(reports)), key=lambda number: _RANKS.index(reports[number].verdict))


def stopped_after(report: Report) -> float | None:
    """Seconds from the start of the program to its stop; None if it was not stopped, or has not started."""
    started = [entry["t"] for entry in report.timeline if entry["event"] in ("executed", "started", "launch")]
    return None if not started or report.counted_from == "launch" else max(0.0, -float(started[-1]))


def to_json(reports: Sequence[Report]) -> dict[str, Any]:
    """That of the only report; of several that of the worst, with all of them as `runs`, in their own order."""
    worst = reports[worst_first(reports)[0]].to_json()
    return worst if len(reports) == 1 else {**worst, "runs": [report.to_json() for report in reports]}


def counts(reports: Sequence[Report]) -> list[tuple[Verdict, int]]:
    """How many runs had each verdict, the worst verdict first; only those that there are."""
    found = Counter(report.verdict for report in reports)
    return [(verdict, found[verdict]) for verdict in _RANKS if found[verdict]]


def histogram(reports: Sequence[Report]) -> tuple[float, list[Cell]]:
    """When the stops came: seconds that the columns span together, and a cell for each run with a known moment.

    The worst runs lie at the bottom of their column, so that they line up.
    """
    known = [(after, reports[number]) for number in worst_first(reports) if (after := stopped_after(reports[number]))]
    span = max((after for after, _ in known), default=0.0) or 1.0
    heights: Counter[int] = Counter()
    cells = []
    for after, report in known:
        column = min(int(after / span * COLUMNS), COLUMNS - 1)
        cells.append(Cell(column, heights[column], report.verdict.value))
        heights[column] += 1
    return span, cells
