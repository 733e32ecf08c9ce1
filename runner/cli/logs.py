"""`runner logs`: what a job prints."""

from __future__ import annotations

import json
import sys
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from runner.api import Job, Runner
from runner.cli import opening, pipes, terminal, times
from runner.cli.opening import Target
from runner.cli.terminal import safe
from runner.diagnosis.printable import lines_of
from runner.errors import NoSupervisor
from runner.jobs.base import Kind

_LOOK_EVERY = 0.5
"""Seconds between two looks at a log of which nobody tells when it grows."""


@dataclass(frozen=True)
class Wish:
    """What was asked for on the command line."""

    target: Target
    follow: bool
    timestamps: bool
    as_json: bool


def logs(wish: Wish) -> int:
    """Print it; the exit code. Raises NoSuchJob, NoSupervisor (the directory is none), InvalidRequest."""
    reader = _Reader(wish)
    with pipes.interruptible(f"{safe(wish.target.name)} goes on"):
        if wish.follow:
            reader.follow()
        else:
            opening.answered(wish.target.data_dir, lambda runner: reader.rest(runner, opening.job(runner, wish.target)))
    return 0


class _Reader:
    """Prints each line once, whoever tells it."""

    def __init__(self, wish: Wish) -> None:
        self._wish = wish
        self._after = 0
        self._alone = False
        """It has been said that no supervisor runs."""

    def rest(self, runner: Runner, job: Job) -> None:
        """What there is."""
        if job.kind == "tuning" and not self._wish.follow:
            self._say_where(job)
        while self._print(runner.call(runner.verbs.logs(Kind(job.kind), job.name, self._after))):
            pass

    def follow(self) -> None:
        """What there is and what comes, until the job has ended."""
        folder = opening.folder_of(self._wish.target.data_dir)
        while True:
            try:
                with Runner.connect(folder) as runner:
                    self._until_the_end(runner, opening.job(runner, self._wish.target))
                return
            except NoSupervisor:
                with Runner.read(folder) as runner:
                    if self._is_over(runner, opening.job(runner, self._wish.target)):
                        return
            if not self._alone:
                self._alone = True
                terminal.say(f"no supervisor runs in {folder}: what the job prints is read from its log from here on")
            pipes.pause(_LOOK_EVERY)

    def _until_the_end(self, runner: Runner, job: Job) -> None:
        if self._alone:
            self._alone = False
            terminal.say("a supervisor runs again")
        if job.kind == "tuning":
            self._say_where(job)
        while self._print(runner.call(self._more(runner, job))):
            pass

    def _more(self, runner: Runner, job: Job) -> Coroutine[Any, Any, dict[str, Any]]:
        return pipes.while_read(runner.verbs.more_logs(Kind(job.kind), job.name, self._after))

    def _is_over(self, runner: Runner, job: Job) -> bool:
        """Looked at before the log is: what is written in between is read now."""
        progress = runner.call(runner.verbs.progress(Kind(job.kind), job.name))
        self.rest(runner, job)
        if progress["over"] and not progress["job"]["terminal"]:
            terminal.say(f"the program has ended; {job.name} ends when a supervisor runs again")
        return bool(progress["job"]["terminal"] or progress["over"])

    def _say_where(self, job: Job) -> None:
        trainings = [training.name for training in job.trainings()]
        terminal.say(f"a tuning job prints nothing itself; its trainings: {', '.join(trainings) or 'none yet'}")

    def _print(self, page: dict[str, Any]) -> bool:
        """False if there was nothing."""
        self._print_lines(page["lines"])
        self._after = page["next"]
        return bool(page["lines"])

    def _print_lines(self, lines: Sequence[tuple[int, str]]) -> None:
        for wall, text in lines:
            if self._wish.as_json:
                print(json.dumps({"time": wall / 1e9, "text": text}))
            else:
                stamp = f"{times.exact(wall / 1e9)} " if self._wish.timestamps else ""
                print(stamp + lines_of(text)[0])
        if self._wish.follow:
            sys.stdout.flush()
