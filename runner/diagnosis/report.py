"""The report on one stop: verdict, findings, and what they rest on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from runner.diagnosis import exhibits
from runner.diagnosis.afterwards import Afterwards
from runner.diagnosis.findings.base import Finding, Severity, Verdict
from runner.diagnosis.findings.rules import findings_of, verdict_of
from runner.diagnosis.log import Line, Log
from runner.diagnosis.members import Fact
from runner.diagnosis.printable import printable
from runner.diagnosis.reading import read
from runner.diagnosis.story import Story
from runner.diagnosis.timeline import Entry, process_entry, timeline_of
from runner.diagnosis.wording import main_name

SCHEMA = "runner.report/1"
"""Members are added under the same number; it grows when one is renamed, removed or given another meaning."""

__all__ = ["SCHEMA", "Exit", "Fact", "Finding", "LogLine", "Output", "Report", "Severity", "Verdict", "diagnose"]


class LogLine(NamedTuple):
    """A line that the job printed."""

    wall: int
    """ns since 1970, of the same clock as the facts' `w`."""
    text: str


class Exit(NamedTuple):
    """How the main process ended: one of the two, or neither if that is not (yet) known."""

    code: int | None
    signal: str | None


class Output(NamedTuple):
    """What the job printed after the signal."""

    lines_after: int
    last: float | None
    """Seconds from the signal to the last line."""


@dataclass(frozen=True)
class Report:
    """What is known of one stop. The members that `to_json` shows have the same names there."""

    verdict: Verdict
    findings: tuple[Finding, ...]
    """The main one first; a warning before `graceful`."""
    exit: Exit
    escalated: bool
    """SIGKILL was needed, at the deadline or before it (`cut_short`), to end a stop."""
    cut_short: bool
    """SIGKILL came before the grace was over."""
    seconds_to_exit: float | None
    """From SIGTERM to the end of the main process; None if it had ended before the stop, was cut short, or runs."""
    left_over: tuple[Entry, ...]
    """Processes that were alive when the main process had ended."""
    isolation: str | None
    grace: float | None
    cause: str | None
    """Why it was stopped (`lifecycle.phases.Cause`)."""
    attempt: int
    command: tuple[str, ...]
    main_process: str
    """Its name for people, such as `sh (PID 1)`."""
    counted_from: str
    """What `t` of the time line counts from: `signal`, `stop` (the order; the signal is not on record) or `launch`."""
    output: Output | None
    """None: no log was given, or no signal is on record."""
    timeline: tuple[Entry, ...]
    processes: tuple[Entry, ...] = ()
    """Every process of the job that was seen, the main one first: `pid`, `inner`, `ppid`, `name`, `command`, `sigterm`
    (at the signal, or when it was first seen), `main`, `first` and `last` (`t` at which it was seen first and last),
    `ended` (`t`, or null), `code`, `signal`, `left_over`."""
    saves: tuple[Entry, ...] = ()
    """What it wrote in the watched folders, in order: `path`, `role`, `how`, `begun` and `done` (`t`, or null), `size`,
    `became`, `to`, `writer` (text or null), `complete`, `cut_off`. The latest ones only, if there are many."""
    lines: tuple[Entry, ...] = ()
    """Lines of the log around the stop: `t`, `text`."""
    density: tuple[Entry, ...] = ()
    """How many lines it printed when: `t` (beginning of a span), `seconds` (its length), `lines`."""
    stack: tuple[Entry, ...] = ()
    """Python threads shortly before the deadline, the main one first: `process` (text), `thread`, `main`, `active`,
    `frames` (innermost first: `function`, `file`, `line`)."""
    temporaries: Entry | None = None
    """What was left in TMPDIR and in shared memory: `paths`, `count`, `bytes`, `shared_memory` (list or null)."""

    resume: Entry | None = None
    """What starting it again showed, if that was asked for: `saved`, `resumed`, `why`, `load`."""

    def to_json(self) -> dict[str, Any]:
        """For machines. Every text is printable: control characters of the program are visible escapes."""
        return {
            "schema": SCHEMA,
            "verdict": self.verdict.value,
            "findings": [
                {"code": f.code, "severity": f.severity, "explanation": f.explanation, "cure": f.cure}
                for f in self.findings
            ],
            "exit": self.exit._asdict(),
            "escalated": self.escalated,
            "cut_short": self.cut_short,
            "seconds_to_exit": self.seconds_to_exit,
            "left_over": [dict(process) for process in self.left_over],
            "isolation": self.isolation,
            "grace": self.grace,
            "cause": self.cause,
            "attempt": self.attempt,
            "command": [printable(word) for word in self.command],
            "main_process": self.main_process,
            "counted_from": self.counted_from,
            "output": self.output._asdict() if self.output else None,
            "timeline": [dict(entry) for entry in self.timeline],
            "processes": [dict(process) for process in self.processes],
            "saves": [dict(save) for save in self.saves],
            "lines": [dict(line) for line in self.lines],
            "density": [dict(span) for span in self.density],
            "stack": [dict(thread) for thread in self.stack],
            "temporaries": dict(self.temporaries) if self.temporaries else None,
            "resume": dict(self.resume) if self.resume else None,
        }

    def to_text(self, width: int = 80, colour: bool = False) -> str:
        """For people, in lines of at most `width` columns."""
        from runner.diagnosis.text import render

        return render(self, width=width, colour=colour)

    def to_html(self, title: str = "") -> str:
        """One page that needs nothing else. `title` says what was run; without it that is the command line."""
        from runner.diagnosis.html import render

        return render(self, title)

    def to_junit(self) -> str:
        """JUnit XML with one test case, for CI systems."""
        from runner.diagnosis.junit import render

        return render(self)


def diagnose(facts: Sequence[Fact], *, log: Sequence[LogLine] = (), afterwards: Afterwards | None = None) -> Report:
    """Judge a stop by its facts alone (a journal's lines, `lifecycle.facts`). The same facts give the same report.

    The facts may be unfinished, torn, or of a job that was never stopped: the verdict is `undecided` then. Of several
    attempts the last one that was stopped is judged. What the job printed is evidence too: without `log` less can be
    told, and nothing wrong. `afterwards` is what was learned by starting the program again.
    """
    story = replace(read(facts), afterwards=afterwards)
    story = replace(story, log=_log(story, log))
    findings = findings_of(story)
    ended = story.ended
    return Report(
        verdict=verdict_of(findings),
        findings=findings,
        exit=Exit(ended.code, ended.signal) if ended else Exit(None, None),
        escalated=story.killed and story.stop is not None,
        cut_short=story.cut_short and story.stop is not None,
        seconds_to_exit=story.seconds_to_exit,
        left_over=tuple(process_entry(process) for process in story.left_over if process.alive),
        isolation=story.isolation,
        grace=story.stop.grace if story.stop else None,
        cause=story.stop.cause if story.stop else None,
        attempt=story.attempt,
        command=story.argv,
        main_process=main_name(story),
        counted_from="signal" if story.signal else "stop" if story.stop else "launch",
        output=_output(story),
        timeline=timeline_of(facts, story),
        processes=exhibits.processes_of(story),
        saves=exhibits.saves_of(story),
        lines=exhibits.lines_of(story.log),
        density=exhibits.density_of(story.log),
        stack=exhibits.stack_of(story),
        temporaries=exhibits.temporaries_of(story),
        resume=afterwards.to_json() if afterwards else None,
    )


def _log(story: Story, lines: Sequence[LogLine]) -> Log:
    """The lines by their time from the signal."""
    if story.signal is None or story.signal.wall is None:
        return Log()
    zero = story.signal.wall
    return Log(tuple(Line((line.wall - zero) / 1e9, line.text) for line in sorted(lines, key=lambda line: line.wall)))


def _output(story: Story) -> Output | None:
    if not story.log.lines:
        return None
    after = story.log.after
    return Output(len(after), round(after[-1].t, 3) if after else None)
