"""`runner check`: run a program, stop it, say whether it was graceful."""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from runner.api import Job, Runner
from runner.cli import terminal
from runner.diagnosis import deciding, text
from runner.diagnosis.report import Report, Verdict
from runner.errors import InvalidRequest, IsolationUnavailable, JobEnded, WaitTimeout

GRACEFUL, NOT_GRACEFUL, NOT_RUN, UNDECIDED, INTERRUPTED = 0, 1, 3, 4, 130
_EXIT_CODES = {Verdict.GRACEFUL: GRACEFUL, Verdict.NOT_GRACEFUL: NOT_GRACEFUL, Verdict.UNDECIDED: UNDECIDED}

_LOOK_EVERY = 1.0
_FILE_EVERY = 0.05
_LAST_LINES = 10


class Trigger(Protocol):
    """When the stop comes."""

    def wait(self, job: Job, give_up: float) -> None:
        """Until it is time. Raises JobEnded if the job ends first, WaitTimeout if it has not come in `give_up` s."""

    def __str__(self) -> str: ...


@dataclass(frozen=True)
class FirstOutput:
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


@dataclass(frozen=True)
class After:
    """Some seconds after the start."""

    seconds: float

    def wait(self, job: Job, give_up: float) -> None:
        _pass(job, min(self.seconds, give_up))
        if self.seconds > give_up:
            raise WaitTimeout(f"{self.seconds:g} s after the start is later than --give-up")

    def __str__(self) -> str:
        return f"{self.seconds:.3g} s after the start"


@dataclass(frozen=True)
class LogLine:
    """A line of output matches."""

    pattern: str

    def wait(self, job: Job, give_up: float) -> None:
        job.wait_for_log(self.pattern, timeout=give_up)

    def __str__(self) -> str:
        return f"when a line of its output matches {self.pattern!r}"


@dataclass(frozen=True)
class FileChange:
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
        return f"when {self.path} appears or changes"


def _seen(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _pass(job: Job, seconds: float) -> None:
    """Let time go by while the job runs. Raises JobEnded."""
    try:
        job.wait(timeout=seconds)
    except WaitTimeout:
        return
    raise JobEnded("the program has ended", job.status)


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
        return After(random.uniform(0, terminal.seconds("--at-random", at_random)))
    if when_log is not None:
        return LogLine(terminal.pattern("--when-log", when_log))
    return FileChange.of(when_file) if when_file is not None else FirstOutput()


@dataclass(frozen=True)
class Wish:
    """What was asked for on the command line."""

    command: Sequence[str]
    grace: float
    trigger: Trigger
    give_up: float
    isolation: str | None
    full_grace: bool


def check(wish: Wish, *, as_json: bool) -> int:
    """Do it, print the report, return the exit code."""
    terminal.seconds("--give-up", wish.give_up)
    try:
        with Runner() as runner:
            return _check(runner, wish, as_json)
    except IsolationUnavailable as error:
        terminal.say(f"could not be run: {error}")
        return NOT_RUN
    except KeyboardInterrupt:
        # Leaving the runner has killed the job.
        # It may have come between the making of a coroutine and its hand-over to the loop.
        warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
        terminal.say("interrupted; the program was killed")
        return INTERRUPTED


def _check(runner: Runner, wish: Wish, as_json: bool) -> int:
    job = runner.train(wish.command, grace=wish.grace, isolation=wish.isolation, cwd=os.getcwd())
    terminal.say(f"the stop comes {wish.trigger}; grace {wish.grace:g} s")
    came = True
    try:
        wish.trigger.wait(job, wish.give_up)
        _stop(job, wish)
    except JobEnded:
        job.wait()
    except WaitTimeout as late:
        came = False
        terminal.say(f"gave up: {late}")
    report = job.report()
    print(json.dumps(report.to_json(), indent=2) if as_json else _text(report), end="\n" if as_json else "")
    if not as_json and (not came or report.findings[0].code in ("ended-before-stop", "not-executed")):
        _print_last_lines(job)
    if report.findings[0].code == "not-executed":
        return NOT_RUN
    return _EXIT_CODES[report.verdict]


def _stop(job: Job, wish: Wish) -> None:
    """Stop it and wait for its end; cut the wait short once the facts decide."""
    job.stop(wait=False)
    if wish.full_grace or wish.grace <= deciding.SETTLED_AFTER:
        job.wait()
        return
    patience = deciding.SETTLED_AFTER
    while True:
        try:
            job.wait(timeout=patience)
            return
        except WaitTimeout:
            patience = _LOOK_EVERY
        job.look()
        if deciding.decided(job.facts()):
            job.kill("facts-decide")
            job.wait()
            return


def _text(report: Report) -> str:
    width = min(shutil.get_terminal_size((80, 24)).columns, 100)
    return text.render(report, width=width, colour=terminal.has_colour(sys.stdout))


def _print_last_lines(job: Job) -> None:
    lines = job.logs()[-_LAST_LINES:]
    if lines:
        print("\nThe last lines that it printed:")
    for line in lines:
        print(f"  {terminal.safe(line.text)}")
