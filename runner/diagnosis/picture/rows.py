"""Which processes the picture shows, in which order, and what each did with SIGTERM."""

from __future__ import annotations

import os.path
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runner.diagnosis.printable import command_line, printable
from runner.diagnosis.report import Report
from runner.diagnosis.story import CRASHES

MOST = 20
"""Rows that a picture has at most; the rest of the processes share one more."""

DOES = {
    "caught": "has a handler",
    "waited": "waits for it",
    "default": "has no handler",
    "ignored": "ignores it",
    "blocked": "blocks it",
    "unknown": "not known",
}
"""What a process does with SIGTERM (`lifecycle.stops.Disposition`), for people."""


def kind_of_bar(sigterm: str | None) -> str:
    """A key of `DOES`."""
    return sigterm if sigterm in DOES else "unknown"


def does_of(sigterm: str | None) -> str:
    """In words."""
    return DOES[kind_of_bar(sigterm)]


@dataclass(frozen=True)
class Row:
    """One process, or several that share the last row."""

    name: str
    """Its command as it would be typed, its program without the folder."""
    number: str
    """Such as `PID 7`, as the job sees it. Empty for several."""
    depth: int
    sigterm: str | None
    first: float | None
    last: float | None
    """Seconds at which it ended, or was seen for the last time."""
    end: str
    """How the row ends: `exit`, `signal`, `crashed`, `killed`, `ended` (how is not known), `runs` or `unseen`."""
    told: str
    """The end in a word or two: `exit 0`, `SIGKILL`."""
    left_over: bool = False
    earlier: bool = False
    """It was there before `first`, when it was seen for the first time."""
    changes: tuple[tuple[float, str], ...] = ()
    """Since when it does something else with SIGTERM, and what."""
    count: int = 1


def rows_of(report: Report) -> tuple[Row, ...]:
    """The main process first, children below their parents; at most `MOST` rows and one that counts the others."""
    rows = list(tree_of(report))
    if len(rows) <= MOST + 1:
        return tuple(rows)
    kept = {0, *sorted(range(1, len(rows)), key=lambda n: (not rows[n].left_over, n))[: MOST - 1]}
    rest = [row for number, row in enumerate(rows) if number not in kept]
    return (*(row for number, row in enumerate(rows) if number in kept), _together(rest))


def tree_of(report: Report) -> Iterator[Row]:
    """Every process of the job that was seen, each below its parent."""
    known = {process["pid"]: process for process in report.processes if process.get("pid") is not None}
    if not known:
        yield from _main_alone(report)
        return
    over = any(entry["event"] == "gone" for entry in report.timeline)
    changes = changes_of(report)
    for process, depth in _walk(list(report.processes), known):
        yield _row(process, depth, over, changes.get(process.get("pid"), ()))


def changes_of(report: Report) -> dict[Any, tuple[tuple[float, str], ...]]:
    """What processes did with SIGTERM later on, by their pids. That an interpreter shuts down is no news."""
    found: dict[Any, tuple[tuple[float, str], ...]] = {}
    for entry in report.timeline:
        if entry["event"] == "disposition" and entry["to"] != "default":
            found[entry.get("pid")] = (*found.get(entry.get("pid"), ()), (entry["t"], entry["to"]))
    return found


def _walk(processes: Sequence[Mapping[str, Any]], known: Mapping[int, Any]) -> Iterator[tuple[Mapping[str, Any], int]]:
    """Depth first; those whose parent was not seen, or is below them, begin a tree of their own."""
    children: dict[int | None, list[Mapping[str, Any]]] = {}
    for process in processes:
        parent = process.get("ppid")
        children.setdefault(parent if parent in known and not process.get("main") else None, []).append(process)
    seen: set[int] = set()

    def below(roots: Sequence[Mapping[str, Any]], depth: int) -> Iterator[tuple[Mapping[str, Any], int]]:
        stack = [(process, depth) for process in reversed(roots)]
        while stack:
            process, at = stack.pop()
            if id(process) in seen:
                continue
            seen.add(id(process))
            yield process, at
            stack += [(child, at + 1) for child in reversed(children.get(process.get("pid"), []))]

    yield from below(children.get(None, []), 0)
    for process in processes:  # a ring of parents, as pids that were used twice can make
        yield from below([process], 0)


def name_of(process: Mapping[str, Any]) -> str:
    """The command without the folder of its program; the process's name where the command is not known."""
    command = [str(word) for word in process.get("command") or ()]
    if not command or not command[0]:
        return printable(str(process.get("name") or "a process"))
    return printable(command_line([os.path.basename(command[0]) or command[0], *command[1:]]))


def _row(process: Mapping[str, Any], depth: int, over: bool, changes: tuple[tuple[float, str], ...] = ()) -> Row:
    end, told = _end(process, over)
    ended = process.get("ended")
    number = process.get("inner") if process.get("inner") is not None else process.get("pid")
    return Row(
        name=name_of(process),
        number="" if number is None else f"PID {number}",
        depth=depth,
        sigterm=process.get("sigterm"),
        first=process.get("first"),
        last=process.get("last") if ended is None else ended,
        end=end,
        told=told,
        left_over=bool(process.get("left_over")),
        earlier=not process.get("main", True),
        changes=changes,
    )


def _end(process: Mapping[str, Any], over: bool) -> tuple[str, str]:
    signal, code = process.get("signal"), process.get("code")
    if signal is not None:
        kind = "killed" if signal == "SIGKILL" else "crashed" if signal in CRASHES else "signal"
        return kind, printable(str(signal))
    if code is not None:
        return "exit", f"exit {code}"
    if process.get("left_over") and over:
        return "killed", "left over"
    if process.get("ended") is not None:
        return "ended", "ended"
    return ("unseen", "") if over else ("runs", "runs")


def _main_alone(report: Report) -> Iterator[Row]:
    """The main process as the time line has it, where no process was looked at."""
    at = {entry["event"]: entry for entry in report.timeline}
    started = at.get("executed") or at.get("started")
    if started is None:
        return
    code, signal = report.exit
    main = {
        "name": report.main_process.rpartition(" (")[0],
        "command": report.command,
        "inner": at.get("started", {}).get("inner"),
        "sigterm": at.get("signal", {}).get("disposition"),
        "first": started["t"],
        "last": report.timeline[-1]["t"],
        "ended": at["ended"]["t"] if "ended" in at else None,
        "code": code,
        "signal": signal,
    }
    changes = [change for each in changes_of(report).values() for change in each]
    yield _row(main, 0, "gone" in at, tuple(changes))


def _together(rest: Sequence[Row]) -> Row:
    """One row for many: what most of them are, and when they lived."""
    ((common, times), *_) = Counter(row.name for row in rest).most_common(1)
    what = common if times == len(rest) else f"{common} and others"
    firsts = [row.first for row in rest if row.first is not None]
    lasts = [row.last for row in rest if row.last is not None]
    shared = {row.sigterm for row in rest}
    return Row(
        name=f"and {len(rest)} more: {what}",
        number="",
        depth=0,
        sigterm=shared.pop() if len(shared) == 1 else None,
        first=min(firsts, default=None),
        last=max(lasts, default=None),
        end="unseen",
        told="",
        left_over=any(row.left_over for row in rest),
        count=len(rest),
    )
