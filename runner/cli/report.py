"""`runner report`: what happened when a job was stopped."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.api import Job
from runner.cli import opening, terminal
from runner.cli.files import is_stdout, write_report
from runner.cli.opening import Target
from runner.diagnosis import overview, sections
from runner.diagnosis.report import Report
from runner.errors import InvalidRequest


@dataclass(frozen=True)
class Wish:
    """What was asked for on the command line."""

    name: str
    kind: str | None
    data_dir: Path | None
    as_json: bool
    html: Path | None
    junit: Path | None


def report(wish: Wish) -> int:
    """Print it, write the files that were asked for; the exit code.

    Raises NoSuchJob, NoSupervisor (the directory is none), InvalidRequest.
    """
    _check_stdout(wish)
    target = Target(wish.name, wish.kind, wish.data_dir)
    names, reports = opening.answered(wish.data_dir, lambda runner: _reports(opening.job(runner, target)))
    if wish.html is not None:
        from runner.diagnosis.html import render

        write_report(wish.html, render(reports, wish.name, names), "--html")
    if wish.junit is not None:
        from runner.diagnosis.junit import render as render_junit

        write_report(wish.junit, render_junit(reports, names), "--junit")
    if wish.as_json:
        print(json.dumps(overview.to_json(reports), indent=2))
    elif not (is_stdout(wish.html) or is_stdout(wish.junit)):
        print(_text(names, reports), end="")
    return 0


def _check_stdout(wish: Wish) -> None:
    """Raises InvalidRequest for two things that are to go to stdout."""
    there = {"--json": wish.as_json, "--html": is_stdout(wish.html), "--junit": is_stdout(wish.junit)}
    asked = [option for option, is_there in there.items() if is_there]
    if len(asked) > 1:
        raise InvalidRequest(" and ".join(asked), "only one of them can go to stdout: give the other a file")


def _reports(job: Job) -> tuple[list[str], list[Report]]:
    """Of a tuning job, which has no process of its own, those of the trainings that it launched."""
    jobs = list(job.trainings()) if job.kind == "tuning" else []
    named = [(one.name, one.report()) for one in jobs or [job]]
    return [name for name, _ in named], [report for _, report in named]


def _text(names: Sequence[str], reports: Sequence[Report]) -> str:
    width, colour = terminal.width(), terminal.has_colour(sys.stdout)
    if len(reports) == 1:
        return reports[0].to_text(width, colour)
    found = ", ".join(f"{count} {sections.TITLES[verdict].lower()}" for verdict, count in overview.counts(reports))
    parts = [f"{len(reports)} trainings: {found}. The worst first.\n"]
    for number in overview.worst_first(reports):
        parts.append(f"== {terminal.safe(names[number])}\n\n{reports[number].to_text(width, colour)}")
    return "\n".join(parts)
