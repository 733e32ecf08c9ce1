"""The fixture `check_stop`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Unpack

from runner.errors import InvalidRequest, JobEnded, RunnerError, WaitTimeout
from runner.pytest_plugin.jobs import Jobs
from runner.pytest_plugin.judging import GRACEFUL, Expectation, Told, failure
from runner.pytest_plugin.launching import PATIENCE, Command, Wishes, words_of

if TYPE_CHECKING:
    from runner.api import Job
    from runner.diagnosis.report import Report

_AFTER_OUTPUT, _AFTER_START = 5.0, 15.0
"""Seconds; when a command is stopped whose test does not say when, as with `runner check`."""


@dataclass(frozen=True)
class Moment:
    """When the stop comes."""

    ready: str | None
    after: float | None
    timeout: float

    def __post_init__(self) -> None:
        """Raises InvalidRequest for what is no length of time."""
        for name, value in (("after", self.after), ("timeout", self.timeout)):
            if value is not None and not (value >= 0 and math.isfinite(value)):
                raise InvalidRequest(name, f"must be a number of seconds from 0 on, not {value!r}")

    def wait(self, job: Job) -> None:
        """Until it is time. Raises JobEnded if the job ends first, WaitTimeout if it is not ready in time."""
        if self.ready is not None:
            job.wait_for_log(self.ready, self.timeout)
        if self.after is not None:
            _pass(job, self.after)

    def wait_as_usual(self, job: Job) -> None:
        """The same for a command that was launched for the check: it gets time to begin."""
        if self.ready is not None or self.after is not None:
            self.wait(job)
            return
        with suppress(WaitTimeout):
            job.wait_for_log("", _AFTER_START)
            _pass(job, _AFTER_OUTPUT)


def _pass(job: Job, seconds: float) -> None:
    """Let time go by while the job runs. Raises JobEnded."""
    try:
        job.wait(seconds)
    except WaitTimeout:
        return
    raise JobEnded("the program has ended", job.status)


class CheckStop:
    """Stops programs and jobs, and fails the test unless they stop as they should."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def __repr__(self) -> str:
        return "<fixture check_stop>"

    def __call__(  # noqa: PLR0913 - one argument is one wish of the caller
        self,
        what: Command | Job,
        *,
        ready: str | None = None,
        after: float | None = None,
        timeout: float = PATIENCE,
        expect: str = GRACEFUL,
        allow: Sequence[str] = (),
        full_grace: bool = False,
        **wishes: Unpack[Wishes],
    ) -> Report:
        """Launch a command (see `LaunchJob`), or take a job, stop it, and return the report on its stop.

        The stop comes `after` so many seconds, counted from the first line that matches `ready` if that is given, else
        from the start. Without both a job is stopped at once; a command 5 s after its first line of output, or 15 s
        after its start.

        Raises StopNotGraceful, with the report as its text, unless the verdict is graceful, or what is `expect`ed in
        its place: another verdict, or the code of the main finding. The codes in `allow` do not count. A program that
        ends before the stop, or is not `ready` within `timeout` seconds, is a failure too. From 10 s after SIGTERM on
        the deadline is not waited for once the facts decide, but with `full_grace`. Of `wishes`, which are those of
        `LaunchJob`, a job that runs already can have another `grace` only.
        """
        __tracebackhide__ = True
        expectation = Expectation(expect, allow)
        try:
            told = replace(self._check(what, Moment(ready, after, timeout), full_grace, wishes), checked=expectation)
        except RunnerError as error:
            raise error.with_traceback(None) from None
        self._jobs.keep(told)
        if not told.is_as_expected:
            raise failure(told.report, expectation, told.render(self._jobs.options.width), told.note)
        return told.report

    def _check(self, what: Command | Job, moment: Moment, full_grace: bool, wishes: Wishes) -> Told:
        from runner.api import Job

        if isinstance(what, Job):
            job, wait = what, moment.wait
            if beside := wishes.keys() - {"grace"}:
                raise InvalidRequest(" and ".join(sorted(beside)), "cannot be changed any more: the job runs already")
        else:
            job = self._jobs.launch(words_of(what), **wishes)
            wait = moment.wait_as_usual
        try:
            wait(job)
        except JobEnded:
            job.wait()
            return self._jobs.tell(job)
        except WaitTimeout:
            late = f"not ready: no line of its output matched {moment.ready!r} within {moment.timeout:g} s"
            return replace(self._jobs.tell(job), note=late)
        job.stop(wishes.get("grace"), full_grace=full_grace)
        return self._jobs.tell(job)
