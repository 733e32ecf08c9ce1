"""One run of a check: launch, wait for the trigger, stop, report."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from runner.cli import kept, terminal
from runner.cli.triggers import Trigger
from runner.cli.wishes import Wish
from runner.errors import ExpressionTooSlow, JobEnded, WaitTimeout

if TYPE_CHECKING:
    from runner.api import Job, Runner
    from runner.diagnosis.report import Report

_LAST_LINES = 10


@dataclass(frozen=True)
class Ran:
    """A run that is over."""

    job: Job
    report: Report
    came: bool
    """Its trigger came, or it ended before."""

    @cached_property
    def first_line(self) -> int | None:
        """ns since 1970 of its first line of output."""
        try:
            return self.job.wait_for_log("", timeout=0).wall
        except (JobEnded, WaitTimeout):
            return None

    @property
    def last_lines(self) -> Sequence[str]:
        return [line.text for line in self.job.tail(_LAST_LINES)]


def run(runner: Runner, wish: Wish, trigger: Trigger) -> Ran:
    """Run the program once, and with `wish.resume` a second time. Raises RunnerError."""
    name = f"check-{os.urandom(4).hex()}"
    job = runner.train(
        wish.command,
        name=name,
        grace=wish.grace,
        isolation=wish.isolation,
        cwd=wish.cwd,
        checkpoints=wish.checkpoints,
        checkpoint_uri=kept.uri(name) if wish.resume else None,
    )
    terminal.say(f"the stop comes {trigger}; grace {wish.grace:g} s")
    came = True
    try:
        trigger.wait(job, wish.give_up)
        job.stop(full_grace=wish.full_grace)
    except JobEnded:
        job.wait()
    except (WaitTimeout, ExpressionTooSlow) as late:
        came = False
        terminal.say(f"gave up: {terminal.safe(str(late))}")
    report = job.report()
    if wish.resume is not None and came:
        from runner.cli import resuming

        report = job.report(afterwards=resuming.afterwards(runner, wish, job, report))
    return Ran(job, report, came)
