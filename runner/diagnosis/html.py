"""A report as one HTML file that needs nothing else: no network, no script, no font.

What programs print never becomes markup: every value goes through Jinja's escaping, and before it through
`printable`, so that control characters are visible escapes here too. Pages say so to the browser as well: their
content security policy allows nothing but their own style.

Jinja2 is imported when a page is made; no command pays for it that makes none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from runner.diagnosis import overview, sections
from runner.diagnosis.picture.drawing import draw
from runner.diagnosis.picture.formats import NARROW, WIDE
from runner.diagnosis.picture.shapes import Picture
from runner.diagnosis.printable import clipped, command_line, lines_of, printable, seconds
from runner.diagnosis.report import SCHEMA, Report

if TYPE_CHECKING:
    from jinja2 import Environment

_LONGEST_COMMAND = 300
_FEW_LINES = 40
"""So many lines of output are shown without being asked for."""


def render(reports: Report | Sequence[Report], title: str = "", names: Sequence[str] = ()) -> str:
    """The page of one report, or of several with an overview on top (`render_runs`).

    `title` says what was run; without it that is the command line.
    """
    several = [reports] if isinstance(reports, Report) else list(reports)
    return render_runs(several, title, names) if len(several) != 1 else _page(several, title, ["this run"])


def render_runs(reports: Sequence[Report], title: str = "", names: Sequence[str] = ()) -> str:
    """The page of several runs of one program: what became of them all, then each, the worst first.

    `names`: of the runs, in the order of the reports; without them they are numbered from 1. No reports at all make a
    page that says so.
    """
    called = list(names) or [f"run {number}" for number in range(1, len(reports) + 1)]
    return _page(reports, title, called)


@dataclass(frozen=True)
class _Run:
    """One report, ready for its template."""

    report: Report
    name: str
    anchor: str
    wide: Picture | None
    narrow: Picture | None


def _page(reports: Sequence[Report], title: str, names: Sequence[str]) -> str:
    order = overview.worst_first(reports)
    runs = [_run(reports[number], names[number], f"run-{number + 1}") for number in order]
    span, cells = overview.histogram(reports)
    shown = title or (_command_line(reports[0].command) if reports else "") or "a job"
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            runs=runs,
            title=shown,
            heading=_heading(reports),
            counted_from=_counted_from(reports),
            counts=overview.counts(reports),
            span=span,
            cells=cells,
            columns=overview.COLUMNS,
            schema=SCHEMA,
            few_lines=_FEW_LINES,
        )
    )


def _heading(reports: Sequence[Report]) -> str:
    if not reports:
        return "No runs"
    worst = sections.heading(reports[overview.worst_first(reports)[0]])
    return worst if len(reports) == 1 else f"{worst} in the worst of {len(reports)} runs"


def _counted_from(reports: Sequence[Report]) -> str:
    named = {sections.COUNTED[report.counted_from] for report in reports}
    return f"from {named.pop()}" if len(named) == 1 else "from each run's SIGTERM"


def _run(report: Report, name: str, anchor: str) -> _Run:
    return _Run(report, name, anchor, draw(report, WIDE), draw(report, NARROW))


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import escape

    made = Environment(
        loader=PackageLoader("runner.diagnosis", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_safe,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )

    def pasted(text: str) -> Any:
        """Several lines as they are, for `pre`."""
        return escape("\n".join(lines_of(text)))

    made.globals |= {
        "sections": sections,
        "titles": sections.TITLES,
        "saved": sections.BECAME,
        "stopped_after": overview.stopped_after,
    }
    made.filters |= {
        "command_line": _command_line,
        "seconds": seconds,
        "pasted": pasted,
        "instant": sections.instant,
        "frames": sections.frames,
    }
    return made


def _command_line(argv: Sequence[str]) -> str:
    return clipped(command_line(argv), _LONGEST_COMMAND)


def _safe(value: Any) -> Any:
    """The last door: texts are made printable once more, numbers get the digits that a picture needs."""
    if hasattr(value, "__html__"):
        return value  # of this package's own templates: a macro has escaped what it was given
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0")
    return printable(value) if isinstance(value, str) else value
