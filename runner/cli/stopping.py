"""`runner stop` and `runner wait`: the end of a job, with what happens until then."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.api import Job, Runner
from runner.cli import opening, pipes, progress
from runner.cli.opening import Target
from runner.cli.progress import Display
from runner.cli.terminal import safe
from runner.errors import NoSupervisor, WaitTimeout
from runner.jobs.base import Kind

Summary = Mapping[str, Any]


@dataclass(frozen=True)
class Wish:
    """What was asked for on the command line."""

    target: Target
    wait: bool
    now: bool
    as_json: bool


def stop(wish: Wish) -> int:
    """Begin the job's stop, perhaps wait for its end; the exit code.

    Raises NoSuchJob, JobEnded, NoSupervisor, InvalidRequest.
    """
    name = safe(wish.target.name)
    with opening.supervised(wish.target) as (runner, job):
        runner.call(runner.verbs.stop(Kind(job.kind), job.name, None, wish.now))
        if not wish.wait:
            _print(job.summary(), wish.as_json)
            return 0
        with pipes.interruptible(f"the stop of {name} goes on; `runner wait {name}` waits for its end"):
            try:
                summary = _watched(runner, job)
            except NoSupervisor:
                summary = _on_record(runner.data_dir, wish.target)
    _print(summary, wish.as_json)
    return _exit_code(summary)


def wait(target: Target, as_json: bool) -> int:
    """Wait for the job's end; the exit code. Raises NoSuchJob, NoSupervisor, InvalidRequest."""
    folder = opening.folder_of(target.data_dir)
    with pipes.interruptible(f"{safe(target.name)} goes on"):
        try:
            with Runner.connect(folder) as runner:
                summary = _watched(runner, opening.job(runner, target))
        except NoSupervisor:
            summary = _on_record(folder, target)
    _print(summary, as_json)
    return _exit_code(summary)


def _watched(runner: Runner, job: Job) -> Summary:
    """The job's summary once it has ended."""
    kind = Kind(job.kind)
    with progress.display() as display:
        while True:
            try:
                return runner.call(runner.verbs.wait(kind, job.name, display.every))
            except WaitTimeout:
                _show(display, runner.call(runner.verbs.progress(kind, job.name)))


def _show(display: Display, told: Mapping[str, Any]) -> None:
    display.show(progress.lines(told), progress.key(told))


def _on_record(folder: Path, target: Target) -> Summary:
    """Of a job that has ended. Raises NoSupervisor for another."""
    with Runner.read(folder) as reader:
        job = opening.job(reader, target)
        summary = job.summary()
        if not summary["terminal"]:
            raise opening.nobody(folder, job) from None
        return summary


def _print(summary: Summary, as_json: bool) -> None:
    print(json.dumps(summary, indent=2) if as_json else _text(summary))


def _text(summary: Summary) -> str:
    how = ""
    if summary["exit_signal"] is not None:
        how = f" ({summary['exit_signal']})"
    elif summary["exit_code"] is not None:
        how = f" (exit code {summary['exit_code']})"
    why = f": {safe(summary['failure'])}" if summary["failure"] else ""
    return f"{safe(summary['name'])} {summary['status']}{how}{why}"


def _exit_code(summary: Summary) -> int:
    return 1 if summary["phase"] == "failed" else 0
