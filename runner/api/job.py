"""The handle of one job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, overload

from runner.api.requests import checked_grace
from runner.errors import JobEnded, WaitTimeout
from runner.jobs.base import Kind

if TYPE_CHECKING:
    from runner.api.runner import Runner
    from runner.backends.base import Fact
    from runner.diagnosis.afterwards import Afterwards
    from runner.diagnosis.report import LogLine, Report

Seconds = float

_LOOK_EVERY: Seconds = 1.0
"""While it waits for what the facts decide."""


class Job:
    """One job. Every method raises NoSuchJob once it has been deleted, and RunnerClosed with its runner."""

    def __init__(self, runner: Runner, kind: Kind, name: str) -> None:
        self.name = name
        self._runner = runner
        self._kind = kind

    def __repr__(self) -> str:
        return f"<{self.kind} job {self.name}>"

    @property
    def kind(self) -> str:
        """ "compilation", "training" or "tuning"."""
        return self._kind.value

    @property
    def status(self) -> str:
        """The status as the API spells it, e.g. `InProgress` or, of a compilation, `INPROGRESS`."""
        return str(self.summary()["status"])

    def summary(self) -> dict[str, Any]:
        """Status, phase, times (seconds since 1970), exit code and signal, and what else a list shows of the job."""
        return self._runner.call(self._runner.verbs.summary(self._kind, self.name))

    def describe(self) -> dict[str, Any]:
        """The job as SageMaker's Describe shows it, but for times: they are seconds since 1970."""
        return self._runner.call(self._runner.verbs.describe(self._kind, self.name))

    def detail(self) -> dict[str, Any]:
        """The summary, with the job's status history (`transitions`) and `results`."""
        return dict(self._reported()["job"])

    def facts(self) -> Sequence[Fact]:
        """The job's journal so far."""
        return list(self._reported()["facts"])

    def logs(self) -> Sequence[LogLine]:
        """What the job has printed so far, line by line, with times."""
        lines, after = self._page(self._runner.verbs.logs(self._kind, self.name))
        found = lines
        while lines:
            lines, after = self._page(self._runner.verbs.logs(self._kind, self.name, after))
            found = [*found, *lines]
        return found

    def tail(self, count: int) -> Sequence[LogLine]:
        """The last lines that the job has printed so far, `count` of them if there are so many."""
        from runner.diagnosis.report import LogLine

        return [LogLine(*line) for line in self._reported()["log"][-count:]] if count > 0 else []

    def follow(self) -> Iterator[LogLine]:
        """What the job prints, as it prints it, until it has ended."""
        lines, after = self._page(self._runner.verbs.more_logs(self._kind, self.name))
        while lines:
            yield from lines
            lines, after = self._page(self._runner.verbs.more_logs(self._kind, self.name, after))

    def wait(self, timeout: Seconds | None = None) -> str:
        """Wait until the job has ended, uploads included; returns its status. Raises WaitTimeout."""
        return str(self._runner.call(self._runner.verbs.wait(self._kind, self.name, timeout))["status"])

    def wait_for_log(self, pattern: str, timeout: Seconds | None = 60) -> LogLine:
        """The first line of the job's output in which the regular expression is found.

        Raises WaitTimeout, and JobEnded if the job ends first; both quote the last lines.
        """
        from runner.diagnosis.report import LogLine

        return LogLine(*self._runner.call(self._runner.verbs.wait_for_log(self._kind, self.name, pattern, timeout)))

    @overload
    def stop(
        self, grace: Seconds | None = None, now: bool = False, wait: Literal[True] = True, *, full_grace: bool = True
    ) -> Report: ...
    @overload
    def stop(self, grace: Seconds | None = None, now: bool = False, *, wait: Literal[False]) -> None: ...
    def stop(
        self, grace: Seconds | None = None, now: bool = False, wait: bool = True, *, full_grace: bool = True
    ) -> Report | None:
        """Stop the job as SageMaker does, wait for its end, and judge the stop.

        `grace` (seconds) takes the place of the job's own; `now` ends it without waiting for the deadline. A job that
        is being stopped keeps its deadline, and one that has ended stays as it is. Without `wait` it returns when
        Stopping is durable, and has no report. Without `full_grace` a job is killed once the facts decide
        (`diagnosis.deciding`), because waiting for the deadline would show nothing more.
        """
        checked = None if grace is None else checked_grace(grace)
        with suppress(JobEnded):
            self._runner.call(self._runner.verbs.stop(self._kind, self.name, checked, now))
        if not wait:
            return None
        if full_grace:
            self.wait()
        else:
            self._wait_until_decided()
        return self.report()

    def kill(self, why: str = "now") -> None:
        """End a job that is being stopped without waiting for its deadline; the journal says `why` (`KillReason`)."""
        with suppress(JobEnded):
            self._runner.call(self._runner.verbs.kill(self._kind, self.name, getattr(why, "value", why)))

    def look(self) -> None:
        """Have a look at all processes of the job written into its journal."""
        self._runner.call(self._runner.verbs.look(self._kind, self.name))

    def report(self, *, afterwards: Afterwards | None = None) -> Report:
        """What happened, to whom, when and why: judged from the journal as it is now.

        `afterwards`: what was learned since, by starting the program again.
        """
        from runner.diagnosis.report import LogLine, diagnose

        found = self._reported()
        return diagnose(found["facts"], log=[LogLine(*line) for line in found["log"]], afterwards=afterwards)

    def delete(self) -> None:
        """Delete a job that has ended, with its journal and log. Raises JobNotEnded."""
        self._runner.call(self._runner.verbs.delete(self._kind, self.name))

    def trainings(self, at_least: int = 0, timeout: Seconds | None = 60) -> Sequence[Job]:
        """The training jobs that a tuning job has launched so far, in order.

        Waits until there are `at_least` so many, or the tuning job has ended. Raises WaitTimeout.
        """
        found = self._runner.call(self._runner.verbs.trainings(self.name, at_least, timeout))
        return [Job(self._runner, Kind.TRAINING, training["name"]) for training in found]

    def _wait_until_decided(self) -> None:
        from runner.diagnosis import deciding

        # At a deadline that is not later than the first look, the look would only be in its way.
        grace = self.report().grace
        patience = deciding.SETTLED_AFTER if grace is None or grace > deciding.SETTLED_AFTER else None
        while True:
            with suppress(WaitTimeout):
                self.wait(patience)
                return
            self.look()
            if deciding.decided(self.facts()):
                self.kill("facts-decide")
                patience = None
            else:
                patience = _LOOK_EVERY

    def _reported(self) -> dict[str, Any]:
        return self._runner.call(self._runner.verbs.report(self._kind, self.name))

    def _page(self, answer: Any) -> tuple[list[LogLine], int]:
        from runner.diagnosis.report import LogLine

        page = self._runner.call(answer)
        return [LogLine(*line) for line in page["lines"]], int(page["next"])
