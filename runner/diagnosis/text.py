"""A report for people, as plain text: what happened, why, and what to do about it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from runner.diagnosis.files import amount
from runner.diagnosis.findings.base import Finding, Verdict
from runner.diagnosis.printable import clipped, command_line, lines_of, printable, seconds
from runner.diagnosis.report import Report
from runner.diagnosis.wording import KILLED_WHY

NARROWEST = 24

_TITLES = {
    Verdict.GRACEFUL: ("GRACEFUL", "\x1b[1;32m"),
    Verdict.NOT_GRACEFUL: ("NOT GRACEFUL", "\x1b[1;31m"),
    Verdict.UNDECIDED: ("UNDECIDED", "\x1b[1;33m"),
}
_RESET = "\x1b[0m"
_MOST = 6
_LISTED = {"left-over": "left over, killed", "unkillable": "no effect on", "lost": "the keeper died; killed then"}
_DOES = {
    "default": "it has no handler",
    "ignored": "it ignores it",
    "caught": "it has a handler",
    "blocked": "it blocks it",
    "waited": "it waits for it",
}
_TAKES = ("caught", "blocked", "waited")
_COUNTED = {"signal": "seconds from SIGTERM", "stop": "seconds from the stop", "launch": "seconds from the start"}


def render(report: Report, *, width: int = 80, colour: bool = False) -> str:
    """The report in lines of at most `width` columns (no fewer than `NARROWEST`); a cure is not broken, to be pasted.

    Only with `colour` are there escape sequences, and only of this module's own: whatever control characters a
    program's names and arguments have are shown as visible escapes.
    """
    width = max(width, NARROWEST)
    main, *rest = report.findings
    lines = [_title(report, main, colour), "", *_prose(main.explanation, width)]
    evidence = list(_evidence(report, width))
    if evidence:
        lines += ["", *_heading(report, width), *evidence]
    if report.resume is not None:
        lines += ["", *_prose(again(report.resume), width)]
    lines += _cure("What to do", main)
    for finding in rest:
        lines += ["", *_wrapped(f"Also: {finding.code} ({finding.severity})", width, "", "  ")]
        lines += _prose(finding.explanation, width)
        lines += _cure("What to do about it", finding)
    return "\n".join(lines) + "\n"


def _title(report: Report, main: Finding, colour: bool) -> str:
    title, start = _TITLES[report.verdict]
    shown = f"{start}{title}{_RESET}" if colour else title
    if main.code == report.verdict.value:
        return shown
    return f"{shown}{', with' if report.verdict is Verdict.GRACEFUL else ':'} {printable(main.code)}"


def story(report: Report, *, width: int = 80) -> list[str]:
    """The time line in lines of at most `width` columns: seconds, and what happened."""
    return list(_evidence(report, max(width, NARROWEST)))


def told(entry: Mapping[str, Any], report: Report) -> str | None:
    """What an entry of the time line means, in words; None for what is no evidence for people."""
    return _told(entry, report) if entry["event"] in _TELLERS else None


def _heading(report: Report, width: int) -> list[str]:
    parts = [
        _COUNTED[report.counted_from],
        f"isolation {report.isolation}" if report.isolation else "",
        f"grace {seconds(report.grace)}" if report.grace is not None else "",
    ]
    return _wrapped(f"What happened ({'; '.join(part for part in parts if part)}):", width, "", "  ")


def _evidence(report: Report, width: int) -> Iterator[str]:
    taken = any(entry.get("disposition") in _TAKES for entry in report.timeline if entry["event"] == "signal")
    told = [entry for entry in report.timeline if entry["event"] in _TELLERS and not _is_leaving(entry)]
    # Who never got the signal saves as ever: that is no answer to it.
    told = [entry for entry in told if taken or entry["event"] != "saved"]
    spare = len(told) - _MOST
    kept = told if spare <= 0 else [*told[:2], *told[2 + spare :]]
    for entry in kept:
        yield from _line(float(entry["t"]), _told(entry, report), width)
        if entry["event"] == "signal" and report.output is not None:
            yield from _wrapped(_printed(report), width, " " * 12, " " * 12)


def _is_leaving(entry: Mapping[str, Any]) -> bool:
    """An interpreter puts the default action back while it shuts down: true, and no news."""
    return bool(entry["event"] == "disposition" and entry["to"] == "default")


def _line(at: float, told: str, width: int) -> list[str]:
    return _wrapped(told, width, f"{at:+10.3f}  ", " " * 12)


def _printed(report: Report) -> str:
    output = report.output
    if output is None or output.last is None:
        return "nothing was printed after it"
    lines = "1 line was" if output.lines_after == 1 else f"{output.lines_after} lines were"
    return f"{lines} printed after it, the last {seconds(output.last)} later"


def _told(entry: Mapping[str, Any], report: Report) -> str:
    return _TELLERS[entry["event"]](entry, report)


def _signal(entry: Mapping[str, Any], report: Report) -> str:
    what = f"{entry['signal']} to {report.main_process}"
    if entry["outcome"] == "failed":
        return f"{what} failed: {entry['reason'] or 'no reason on record'}"
    does = _DOES.get(entry["disposition"])
    if entry["outcome"] == "withheld":
        return f"{what} withheld, as PID 1 would not get it" + (f": {does}" if does else "")
    return f"{what}: {does}" if does else what


def _started(entry: Mapping[str, Any], report: Report) -> str:
    return f"start: {clipped(command_line(report.command), 100)}"


def _not_executed(entry: Mapping[str, Any], report: Report) -> str:
    return f"not executed: {entry['reason'] or 'no reason on record'}"


def _changed(entry: Mapping[str, Any], report: Report) -> str:
    return f"SIGTERM is now {entry['to']} in {entry['name']} (before: {entry['from']})"


def _killed(entry: Mapping[str, Any], report: Report) -> str:
    return f"SIGKILL, because {KILLED_WHY.get(entry['why'], entry['why'] or 'of an unknown reason')}"


def _ended(entry: Mapping[str, Any], report: Report) -> str:
    unknown = "an unknown exit code" if entry["code"] is None else f"exit code {entry['code']}"
    return f"{report.main_process} ended " + (f"by {entry['signal']}" if entry["signal"] else f"with {unknown}")


def _listed(entry: Mapping[str, Any], report: Report) -> str:
    processes = entry["processes"]
    names = ", ".join(f"{p['name']} (PID {p['inner']})" for p in processes[:3])
    more = f" and {len(processes) - 3} more" if len(processes) > 3 else ""
    return f"{_LISTED[entry['event']]}: {names or 'nothing'}{more}"


def _saved(entry: Mapping[str, Any], report: Report) -> str:
    return f"saved {clipped(entry['path'], 60)} ({amount(entry['size'])})"


def _cut_off(entry: Mapping[str, Any], report: Report) -> str:
    return f"began to write {clipped(entry['path'], 60)}, never finished ({amount(entry['size'])} are there)"


def again(resume: Mapping[str, Any]) -> str:
    """What starting the program again has shown (`Report.resume`), as sentences."""
    if not resume["saved"]:
        return f"Not started again: {resume['why']}."
    files = "1 file" if resume["saved"] == 1 else f"{resume['saved']} files"
    went = {
        True: "it went on from there",
        False: "it did not go on from there",
        None: "whether it went on is not known",
    }
    told = f"Started again with what it had saved ({files}), {went[resume['resumed']]}: {resume['why']}."
    load = resume["load"]
    if load is None:
        return told
    if load["timed_out"]:
        return f"{told} Reading {load['checkpoint']} took too long."
    end = f"exit code {load['code']}" if load["code"] is not None else f"signal {load['signal']}"
    return f"{told} {load['checkpoint']} was read with {end}."


def _cure(heading: str, finding: Finding) -> list[str]:
    if not finding.cure:
        return []
    return ["", f"{heading}:", "", *(f"    {line}".rstrip() for line in lines_of(finding.cure))]


def _prose(text: str, width: int) -> list[str]:
    return _wrapped(text, width, "  ", "  ")


def _wrapped(text: str, width: int, first: str, then: str) -> list[str]:
    return textwrap.wrap(printable(text), width, initial_indent=first, subsequent_indent=then, break_on_hyphens=False)


_TELLERS: Mapping[str, Callable[[Mapping[str, Any], Report], str]] = {
    "executed": _started,
    "not-executed": _not_executed,
    "signal": _signal,
    "disposition": _changed,
    "kill": _killed,
    "ended": _ended,
    "saved": _saved,
    "cut-off": _cut_off,
    **dict.fromkeys(_LISTED, _listed),
}
"""What is evidence for people; the JSON has all of the time line."""
