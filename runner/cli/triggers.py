"""When the stop of a check comes."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from runner.cli import terminal
from runner.errors import InvalidRequest, JobEnded, WaitTimeout

if TYPE_CHECKING:
    from runner.api import Job

_FILE_EVERY = 0.05
_START_EVERY = 0.01


class Trigger(Protocol):
    """When the stop comes."""

    def wait(self, job: Job, give_up: float) -> None:
        """Until it is time. Raises JobEnded if the job ends first, WaitTimeout if it has not come in `give_up` s,
        ExpressionTooSlow.
        """

    def __str__(self) -> str: ...


class FirstOutput(NamedTuple):
    """Some seconds after the first line of output, or longer after the start."""

    after_line: float = 5.0
    after_start: float = 15.0

    def wait(self, job: Job, give_up: float) -> None:
        try:
            job.wait_for_log("", timeout=min(self.after_start, give_up))
        except WaitTimeout:
            if self.after_start > give_up:
                raise
            return
        _pass(job, self.after_line)

    def __str__(self) -> str:
        return f"{self.after_line:g} s after its first line of output, or {self.after_start:g} s after the start"


class After(NamedTuple):
    """Some seconds after the start: the instant at which the program has been executed."""

    seconds: float

    def wait(self, job: Job, give_up: float) -> None:
        _until_started(job, give_up)
        _pass(job, min(self.seconds, give_up))
        if self.seconds > give_up:
            raise WaitTimeout(f"{self.seconds:g} s after the start is later than --give-up")

    def __str__(self) -> str:
        return f"{self.seconds:.3g} s after the start"


class AtRandom(NamedTuple):
    """At a random moment of the first seconds, another one for each run."""

    within: float

    def drawn(self) -> After:
        """One moment."""
        return After(random.uniform(0, self.within))

    def wait(self, job: Job, give_up: float) -> None:
        self.drawn().wait(job, give_up)

    def __str__(self) -> str:
        return f"at a random moment of the first {self.within:g} s"


class LogLine(NamedTuple):
    """A line of output matches."""

    pattern: str

    def wait(self, job: Job, give_up: float) -> None:
        job.wait_for_log(self.pattern, timeout=give_up)

    def __str__(self) -> str:
        return f"when a line of its output matches {self.pattern!r}"


class FileChange(NamedTuple):
    """A file appears, or is another one or of another time or size than before the program was launched."""

    path: Path
    before: tuple[int, int, int] | None

    @classmethod
    def of(cls, path: Path) -> FileChange:
        """To be made before the launch."""
        return cls(path, _seen(path))

    def wait(self, job: Job, give_up: float) -> None:
        for _ in range(max(round(give_up / _FILE_EVERY), 1)):
            if _seen(self.path) != self.before:
                return
            _pass(job, _FILE_EVERY)
        raise WaitTimeout(f"{self.path} did not appear or change within {give_up:g} s")

    def __str__(self) -> str:
        return f"when {terminal.safe(str(self.path))} appears or changes"


def trigger_of(after: float | None, when_log: str | None, when_file: Path | None, at_random: float | None) -> Trigger:
    """The one trigger that was chosen. Raises InvalidRequest for two of them, or for seconds that are no time."""
    chosen = {
        "--after": after,
        "--when-log": when_log,
        "--when-file": when_file,
        "--at-random": at_random,
    }
    named = [name for name, value in chosen.items() if value is not None]
    if len(named) > 1:
        raise InvalidRequest(" and ".join(named), "choose one trigger")
    if after is not None:
        return After(terminal.seconds("--after", after))
    if at_random is not None:
        return AtRandom(terminal.seconds("--at-random", at_random))
    if when_log is not None:
        return LogLine(terminal.pattern("--when-log", when_log))
    return FileChange.of(when_file.absolute()) if when_file is not None else FirstOutput()


def _seen(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _until_started(job: Job, give_up: float) -> None:
    for _ in range(max(round(give_up / _START_EVERY), 1)):
        if job.summary()["started"] is not None:
            return
        _pass(job, _START_EVERY)
    raise WaitTimeout(f"the program has not been started within {give_up:g} s")


def _pass(job: Job, seconds: float) -> None:
    """Let time go by while the job runs. Raises JobEnded."""
    try:
        job.wait(timeout=seconds)
    except WaitTimeout:
        return
    raise JobEnded("the program has ended", job.status)
