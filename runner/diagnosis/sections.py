"""What the page says besides the picture: a report's members, put into words and into the order of reading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runner.diagnosis import text
from runner.diagnosis.findings.base import Verdict
from runner.diagnosis.picture.marks import kind_of
from runner.diagnosis.picture.rows import Row, does_of, tree_of
from runner.diagnosis.printable import seconds
from runner.diagnosis.report import Report

TITLES = {Verdict.GRACEFUL: "Graceful", Verdict.NOT_GRACEFUL: "Not graceful", Verdict.UNDECIDED: "Undecided"}
COUNTED = {"signal": "SIGTERM", "stop": "the order to stop", "launch": "the launch"}
MOST_PROCESSES = 200
_MINUS = "\N{MINUS SIGN}"
_CAUSES = {
    "requested": "it was asked to stop",
    "runtime-exceeded": "its time limit was over",
    "timed-out": "its time limit was over",
    "wait-exceeded": "its longest waiting time was over",
    "interrupted": "a spot interruption",
}
_OTHERS = {
    "launch": "the order to launch",
    "started": "the process exists",
    "stop": "the order to stop is on record",
    "owner-gone": "the program that had started it is gone",
    "emulation-missed": "it died by a signal that a PID 1 would not have died by",
    "gone": "nothing of the job runs any more",
}
BECAME = {
    "complete": "complete",
    "removed": "removed or replaced later",
    "temporary": "temporary or unfinished",
    "cut-off": "cut off",
}


@dataclass(frozen=True)
class Event:
    """A row of the time line."""

    t: float
    told: str
    evidence: bool
    """The text report has it too; the others are for who looks closely."""


def heading(report: Report) -> str:
    """`Not graceful: wrapper-swallowed`."""
    code = report.findings[0].code
    if code == report.verdict.value:
        return TITLES[report.verdict]
    return f"{TITLES[report.verdict]}{', with' if report.verdict is Verdict.GRACEFUL else ':'} {code}"


def key_facts(report: Report) -> Iterator[tuple[str, str]]:
    """Names and values of what is asked first."""
    code, signal = report.exit
    yield "Ended", f"by {signal}" if signal else "not on record" if code is None else f"exit code {code}"
    if report.seconds_to_exit is not None:
        yield "After SIGTERM", seconds(report.seconds_to_exit)
    elif report.cut_short:
        yield "After SIGTERM", "cut short"
    if report.grace is None:
        yield "Stop", "none" if report.counted_from == "launch" else "not on record"
    else:
        yield "Grace", seconds(report.grace)
    yield "Isolation", report.isolation or "not on record"
    if report.cause:
        yield "Stopped because", _CAUSES.get(report.cause, report.cause)
    if report.output is not None:
        last = "" if report.output.last is None else f", the last after {seconds(report.output.last)}"
        yield "Lines after it", f"{report.output.lines_after}{last}"
    if report.attempt > 1:
        yield "Attempt", str(report.attempt)


def events(report: Report) -> list[Event]:
    """The whole time line in words."""
    return [_event(entry, report) for entry in report.timeline]


def _event(entry: Mapping[str, Any], report: Report) -> Event:
    told = text.told(entry, report)
    if told is not None:
        return Event(entry["t"], told, True)
    if entry["event"] == "process-ended":
        return Event(entry["t"], _process_ended(entry), True)
    name = str(entry["event"])
    return Event(entry["t"], _OTHERS.get(name, name), False)


def _process_ended(entry: Mapping[str, Any]) -> str:
    who = f"{entry.get('name') or 'a process'} (PID {entry.get('inner')})"
    if entry.get("signal"):
        return f"{who} ended by {entry['signal']}"
    return f"{who} ended" if entry.get("code") is None else f"{who} ended with exit code {entry['code']}"


def caption(report: Report) -> str:
    """Of the time line as a table."""
    return f"Seconds from {COUNTED[report.counted_from]}. The main process is {report.main_process}."


def summary(report: Report) -> str:
    """The picture in words, for who cannot see it."""
    told = [f"{instant(event.t)} s: {event.told}" for event in events(report) if event.evidence]
    return "; ".join(told) or "Nothing is on record."


def tree(report: Report) -> tuple[list[tuple[Row, str, str]], int]:
    """The processes with what each did with SIGTERM and how it ended; and how many are left out."""
    rows = list(tree_of(report))
    shown = [(row, does_of(row.sigterm), _end(row)) for row in rows[:MOST_PROCESSES]]
    return shown, len(rows) - len(shown)


def _end(row: Row) -> str:
    if row.end == "unseen":
        return "its end was not seen"
    if row.end == "runs":
        return "runs"
    told = "killed as left over" if row.told == "left over" else row.told
    return told if row.last is None else f"{told} at {instant(row.last)} s"


def saves(report: Report) -> list[dict[str, str]]:
    """The files that were written, as rows of a table."""
    return [_save(save) for save in report.saves]


def _save(save: Mapping[str, Any]) -> dict[str, str]:
    kind, to = kind_of(save), save.get("to")
    return {
        "path": str(save.get("path")),
        "to": str(to) if to else "",
        "kind": kind,
        "became": BECAME[kind],
        "how": "" if save.get("how") == "created" else str(save.get("how") or ""),
        "begun": instant(save.get("begun")),
        "done": instant(save.get("done")),
        "size": size(save.get("size")),
        "writer": str(save.get("writer") or ""),
    }


def temporaries(report: Report) -> dict[str, Any] | None:
    """What was left behind; None if nothing was, or nobody looked."""
    found = report.temporaries
    if found is None or not (found.get("count") or found.get("shared_memory")):
        return None
    paths: Sequence[str] = found.get("paths") or ()
    count = int(found.get("count") or 0)
    return {
        "paths": list(paths),
        "count": count,
        "more": max(count - len(paths), 0),
        "size": size(found.get("bytes")),
        "shared_memory": list(found.get("shared_memory") or ()),
    }


def started_again(report: Report) -> tuple[str, list[str]] | None:
    """What starting the program again has shown, and the last lines of the command that read what had been saved."""
    if report.resume is None:
        return None
    load = report.resume["load"] or {}
    return text.again(report.resume), list(load.get("last") or ())


def frames(thread: Mapping[str, Any]) -> list[str]:
    """The stack of a thread, the innermost call first."""
    return [_frame(frame) for frame in thread.get("frames") or ()]


def _frame(frame: Mapping[str, Any]) -> str:
    line = "" if frame.get("line") is None else f":{frame['line']}"
    return f"{frame.get('function')}  {frame.get('file')}{line}"


def instant(t: float | None) -> str:
    """Seconds with a sign; empty if they are not known."""
    return "" if t is None else f"{t:+.3f}".replace("-", _MINUS)


def size(amount: object) -> str:
    """Bytes for people; empty if they are not known."""
    if not isinstance(amount, int):
        return ""
    for unit, bytes_of in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if amount >= bytes_of:
            return f"{amount / bytes_of:.3g} {unit}"
    return f"{amount} B"
