"""`runner list`: the jobs of a data directory."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from runner import clock
from runner.api import Runner
from runner.cli import opening, terminal, times
from runner.cli.terminal import safe
from runner.jobs.base import Kind

if TYPE_CHECKING:
    from runner.cli.resources import Use

Summary = Mapping[str, Any]

_UNLIMITED = 10_000
"""Columns where there is no terminal: one job is one line."""
_STYLES = {"completed": "green", "failed": "bold red", "stopped": "yellow"}
"""By phase; everything else is on its way."""


@dataclass(frozen=True)
class Wish:
    """What was asked for on the command line."""

    kind: str | None
    resources: bool
    data_dir: Path | None
    as_json: bool


def list_jobs(wish: Wish) -> int:
    """Print them; the exit code. Raises NoSupervisor (the directory is none), InvalidRequest."""
    opening.check_kind(wish.kind)
    jobs, marks = opening.answered(wish.data_dir, lambda runner: _found(runner, wish))
    use = _use(marks) if wish.resources else {}
    if wish.as_json:
        print(json.dumps({"jobs": [_as_json(job, wish, use) for job in jobs]}, indent=2))
    elif jobs:
        _print(jobs, wish, use)
    else:
        terminal.say("no jobs")
    return 0


Marks = dict[tuple[str, str], str]
"""Type and name of a running job -> the mark of its processes."""


def _found(runner: Runner, wish: Wish) -> tuple[Sequence[Summary], Marks]:
    jobs = runner.list(wish.kind)
    running = [job for job in jobs if wish.resources and not job["terminal"]]
    marks = {}
    for job in running:
        progress = runner.call(runner.verbs.progress(Kind(job["kind"]), job["name"]))
        if progress["mark"] is not None:
            marks[job["kind"], job["name"]] = progress["mark"]
    return jobs, marks


def _use(marks: Marks) -> dict[tuple[str, str], Use]:
    from runner.cli import resources

    used = resources.used(marks.values())
    return {job: used[mark] for job, mark in marks.items() if mark in used}


def _as_json(job: Summary, wish: Wish, use: Mapping[tuple[str, str], Use]) -> dict[str, Any]:
    if not wish.resources:
        return dict(job)
    found = use.get((job["kind"], job["name"]))
    shown = found and {
        "processes": found.processes,
        "cpu_percent": found.cpu_percent,
        "memory_bytes": found.memory,
    }
    return {**job, "resources": shown}


# --- the table

Cell = Callable[[Summary], str]


def _print(jobs: Sequence[Summary], wish: Wish, use: Mapping[tuple[str, str], Use]) -> None:
    cells = _columns(clock.wall_ns() / 1e9)
    if wish.resources:
        cells |= _resource_columns(use)
    console = Console(
        highlight=False,
        no_color=not terminal.has_colour(sys.stdout),
        width=None if sys.stdout.isatty() else _UNLIMITED,
    )
    table = _table(jobs, cells)
    with console.capture() as capture:
        if Measurement.get(console, console.options.update(max_width=_UNLIMITED), table).maximum <= console.width:
            console.print(table)
        else:
            console.print(*_stacked(jobs, cells), sep="\n")
    for line in capture.get().splitlines():
        print(line.rstrip())


def _table(jobs: Sequence[Summary], cells: Mapping[str, Cell]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in cells:
        table.add_column(name.upper(), no_wrap=True)
    for job in jobs:
        table.add_row(*(Text(cell(job), style=_style(name, job)) for name, cell in cells.items()))
    return table


def _stacked(jobs: Sequence[Summary], cells: Mapping[str, Cell]) -> list[Text]:
    """For a terminal that is too narrow for a table: each job is a paragraph of what there is to tell of it."""
    found = []
    for job in jobs:
        paragraph = Text(cells["name"](job), style="bold")
        for name, cell in cells.items():
            if name != "name" and (value := cell(job)):
                label = "" if name in _PLAIN else f"{name} "
                paragraph.append_text(Text(f", {label}", style="not bold"))
                paragraph.append_text(Text(value, style=f"not bold {_style(name, job)}"))
        found.append(paragraph)
    return found


_PLAIN = frozenset({"type", "status", "secondary", "isolation"})
"""Columns whose values say themselves what they are."""


def _columns(now: float) -> dict[str, Cell]:
    return {
        "name": lambda job: safe(job["name"]),
        "type": lambda job: str(job["kind"]),
        "status": lambda job: str(job["status"]),
        "secondary": lambda job: job["secondary_status"] or "",
        "started": lambda job: "" if job["started"] is None else times.recent(job["started"], now),
        "ran": lambda job: _ran(job, now),
        "exit": _exit,
        "isolation": lambda job: "" if job["kind"] == Kind.TUNING.value else str(job["isolation"]),
    }


def _resource_columns(use: Mapping[tuple[str, str], Use]) -> dict[str, Cell]:
    def of(shown: Callable[[Use], str]) -> Cell:
        return lambda job: "" if (found := use.get((job["kind"], job["name"]))) is None else shown(found)

    return {
        "processes": of(lambda found: str(found.processes)),
        "cpu": of(lambda found: f"{found.cpu_percent:.0f}%"),
        "memory": of(lambda found: f"{found.memory / 1e6:.1f} MB"),
    }


def _ran(job: Summary, now: float) -> str:
    """How long it has run, uploads included, or runs."""
    if job["started"] is None:
        return ""
    return times.duration((job["ended"] or now) - job["started"])


def _exit(job: Summary) -> str:
    if job["exit_signal"] is not None:
        return str(job["exit_signal"])
    return "" if job["exit_code"] is None else str(job["exit_code"])


def _style(column: str, job: Summary) -> str:
    return _STYLES.get(job["phase"], "cyan") if column == "status" else ""
