"""After the stop: is what was saved readable, and does the program go on from it?

Both are tried with jobs of the same private runner, so that they have its isolation, its limits and its end.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from runner.api import Job, Runner
from runner.cli import kept, terminal
from runner.cli.triggers import FirstOutput
from runner.cli.wishes import Resume, Wish
from runner.diagnosis.afterwards import Afterwards, Load, Reading, reading_of
from runner.diagnosis.report import Report
from runner.errors import ExpressionTooSlow, JobEnded, RunnerError, WaitTimeout

LOAD_SECONDS = 60.0
"""What `--load` may take."""
_NOT_STOPPED = frozenset({"ended-before-stop", "not-executed", "not-ended", "keeper-lost", "not-signalled"})
_LAST_LINES = 5
_OF_LINE = 500
_LOAD = """\
exec 4>&1
case $2 in /*) at=$2;; *) at=$SM_CHECKPOINT_DIR/$2;; esac
code=$({ { sh -c "$1" sh "$at" 3>&- 4>&- 2>&1; echo $? >&3; } | tail -c 65536 >&4; } 3>&1)
exit "$code"
"""
"""Keeps the end of what the command prints, however much that is, and its exit code."""


class Saved(NamedTuple):
    """A file that a stopped program has left in a checkpoint folder."""

    name: str
    """Relative to its folder."""
    path: str
    """As `--load` is given it: below SM_CHECKPOINT_DIR if it is relative."""
    changed: int
    """ns since 1970."""


def afterwards(runner: Runner, wish: Wish, job: Job, report: Report) -> Afterwards:
    """What starting it again shows. A program that was not stopped is not started again."""
    if wish.resume is None or report.findings[0].code in _NOT_STOPPED:
        return Afterwards(0, why="it was not stopped", tried=False)
    saved = list(_saved(runner, wish, job.name))
    if not saved:
        return Afterwards(0, why="it has saved nothing in a checkpoint folder", tried=False)
    load = None if wish.resume.load is None else _load(runner, wish, wish.resume.load, job, saved)
    resumed, why = _again(runner, wish, wish.resume, job, {one.name for one in saved})
    return Afterwards(len(saved), resumed, why, load)


def _again(runner: Runner, wish: Wish, resume: Resume, first: Job, names: set[str]) -> Reading:
    terminal.say("started again with what it had saved")
    try:
        job = runner.train(
            wish.command,
            grace=wish.grace,
            isolation=wish.isolation,
            cwd=wish.cwd,
            checkpoints=wish.checkpoints,
            checkpoint_uri=kept.uri(first.name),
        )
    except RunnerError as error:
        return Reading(None, f"it could not be started again: {error}")
    try:
        return _line(job, resume.line, wish.give_up) if resume.line is not None else _opened(job, wish, names)
    finally:
        job.stop(now=True)


def _line(job: Job, expression: str, give_up: float) -> Reading:
    try:
        found = job.wait_for_log(expression, timeout=give_up)
    except JobEnded:
        return Reading(False, f"{_end(job)} without a line that matches {expression!r}{_quoted(job)}")
    except WaitTimeout:
        return Reading(False, f"it printed no line that matches {expression!r} within {give_up:g} s")
    except ExpressionTooSlow as error:
        return Reading(None, f"--resumed {error}")
    return Reading(True, f"it printed {found.text[:_OF_LINE]!r}")


def _opened(job: Job, wish: Wish, names: set[str]) -> Reading:
    """Judged by the files that it opens until the usual trigger would have come, or to its end."""
    ended = False
    try:
        FirstOutput().wait(job, wish.give_up)
    except JobEnded:
        ended = True
    except WaitTimeout:
        pass
    job.stop(now=True)
    failed = ended and job.summary()["exit_code"] != 0
    found = reading_of(job.facts(), names)
    return Reading(False, f"{_end(job)}{_quoted(job)}; {found.why}") if failed else found


def _load(runner: Runner, wish: Wish, command: str, first: Job, saved: list[Saved]) -> Load:
    newest = max(saved, key=lambda one: one.changed)
    terminal.say(f"reading what it had saved: {terminal.safe(command)}")
    source, copy = kept.folder(runner, first.name), f"{first.name}-load"
    if source.is_dir():
        runner.call(runner.verbs.put(str(source), kept.uri(copy)))
    job = runner.train(
        ["sh", "-c", _LOAD, "sh", command, newest.path],
        grace=0,
        isolation=wish.isolation,
        cwd=wish.cwd,
        checkpoint_uri=kept.uri(copy),
    )
    try:
        job.wait(timeout=LOAD_SECONDS)
    except WaitTimeout:
        job.stop(now=True)
        return Load(command, newest.path, None, seconds=LOAD_SECONDS)
    ended = job.summary()
    last = tuple(line.text[:_OF_LINE] for line in job.tail(_LAST_LINES))
    return Load(command, newest.path, ended["exit_code"], ended["exit_signal"], last=last)


def _saved(runner: Runner, wish: Wish, name: str) -> Iterator[Saved]:
    """What is in the checkpoint folders now."""
    private = kept.folder(runner, name)
    for folder in (private, *wish.checkpoints):
        for parent, _, names in os.walk(folder):
            for path in (Path(parent, one) for one in names):
                relative = str(path.relative_to(folder))
                try:
                    changed = path.stat().st_mtime_ns
                except OSError:
                    continue  # a link to nothing
                yield Saved(relative, relative if folder == private else str(path), changed)


def _end(job: Job) -> str:
    ended = job.summary()
    how = f"exit code {ended['exit_code']}" if ended["exit_signal"] is None else f"signal {ended['exit_signal']}"
    return f"it ended with {how}"


def _quoted(job: Job) -> str:
    lines = [line.text.strip()[:_OF_LINE] for line in job.tail(_LAST_LINES)]
    last = next((line for line in reversed(lines) if line), None)
    return "" if last is None else f", its last line being {last!r}"
