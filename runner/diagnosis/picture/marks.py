"""What a picture shows beside the processes: signals, the deadline, what was written, and how much was printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runner.diagnosis.picture.scale import Scale
from runner.diagnosis.printable import seconds
from runner.diagnosis.report import Report

ROLES = ("model", "checkpoints", "output")
SEVERE = ("cut-off", "temporary", "complete", "removed")
"""Kinds of saves; where marks would lie on each other, the first of these is shown."""
APART = 9.0
"""Units between the middles of two marks of a lane."""
_SAME = 3.0
_SOME, _FEW = 4, 12
"""Lines in a span, and spans, with which a rate can be read."""


@dataclass(frozen=True)
class Moment:
    """A vertical line through the picture."""

    x: float
    text: str
    kind: str
    """`signal`, `deadline` or `kill`."""


@dataclass(frozen=True)
class Mark:
    """A file that was written, or several that would lie on each other."""

    x: float
    kind: str
    """One of `SEVERE`."""
    begin: float
    """Where its writing began; the same as `x` if that is not known."""
    title: str


@dataclass(frozen=True)
class Lane:
    """What was written in one of the watched folders."""

    role: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Block:
    """How much was printed in one span: a height from 0 to 1."""

    left: float
    right: float
    height: float


def moments_of(report: Report, scale: Scale) -> list[Moment]:
    """The signal, the deadline and the SIGKILL, in the order of time; those in one place as one."""
    found = [_signal(report, scale), *_kills(report, scale)]
    moments = sorted((moment for moment in found if moment), key=lambda moment: moment.x)
    merged: list[Moment] = []
    for moment in moments:
        if merged and moment.x - merged[-1].x < _SAME and merged[-1].kind != "signal":
            merged[-1] = Moment(merged[-1].x, f"{merged[-1].text}, {moment.text}", "kill")
        else:
            merged.append(moment)
    return merged


def deadline_of(report: Report) -> float | None:
    """Seconds from the signal; None if none is on record."""
    return report.grace if report.counted_from == "signal" else None


def _signal(report: Report, scale: Scale) -> Moment | None:
    if report.counted_from == "stop":
        return Moment(scale.x(0), "stop ordered", "signal")
    if report.counted_from != "signal":
        return None
    entry = next((entry for entry in report.timeline if entry["event"] == "signal"), {})
    outcome = entry.get("outcome")
    text = "SIGTERM" if outcome in ("sent", None) else f"SIGTERM {outcome}"
    return Moment(scale.x(0), text, "signal")


def _kills(report: Report, scale: Scale) -> list[Moment]:
    deadline = deadline_of(report)
    found = [] if deadline is None else [Moment(scale.x(deadline), f"deadline {seconds(deadline)}", "deadline")]
    kill = next((entry for entry in report.timeline if entry["event"] == "kill"), None)
    return found if kill is None else [*found, Moment(scale.x(kill["t"]), "SIGKILL", "kill")]


def kind_of(save: Mapping[str, Any]) -> str:
    """`cut-off`: it was being written when the job ended; `temporary`: its name is not meant to stay, or it is open;
    `removed`: also when a later one has taken its place.
    """
    if save.get("cut_off"):
        return "cut-off"
    if save.get("complete"):
        return "complete"
    return "removed" if save.get("became") == "removed" and save.get("done") is not None else "temporary"


def end_of(report: Report) -> float:
    """When the main process ended, else the last thing that is on record."""
    ends = [entry["t"] for entry in report.timeline if entry["event"] == "ended"]
    return float(ends[0] if ends else report.timeline[-1]["t"] if report.timeline else 0.0)


def lanes_of(report: Report, scale: Scale) -> list[Lane]:
    """A lane for each kind of folder that something was written in."""
    roles = [*ROLES, *sorted({str(save.get("role")) for save in report.saves} - set(ROLES))]
    lanes = [(role, [save for save in report.saves if str(save.get("role")) == role]) for role in roles]
    return [Lane(role, _marks(saves, scale, end_of(report))) for role, saves in lanes if saves]


def _marks(saves: Sequence[Mapping[str, Any]], scale: Scale, end: float) -> tuple[Mark, ...]:
    placed = sorted((_mark(save, scale, end) for save in saves), key=lambda mark: mark.x)
    groups: list[list[Mark]] = []
    for mark in placed:
        if groups and mark.x - groups[-1][0].x < APART:
            groups[-1].append(mark)
        else:
            groups.append([mark])
    return tuple(_one(group) for group in groups)


def _mark(save: Mapping[str, Any], scale: Scale, end: float) -> Mark:
    """At its end; what was still open goes on to the end of the job."""
    begun, done = save.get("begun"), save.get("done")
    x = scale.x(max(end, begun or end) if done is None else done)
    name = str(save.get("to") or save.get("path"))
    return Mark(x, kind_of(save), x if begun is None else min(scale.x(begun), x), name)


def _one(group: Sequence[Mark]) -> Mark:
    worst = min(group, key=lambda mark: (SEVERE.index(mark.kind), -mark.x))
    more = f" and {len(group) - 1} more" if len(group) > 1 else ""
    return Mark(worst.x, worst.kind, min(mark.begin for mark in group), worst.title + more)


def blocks_of(report: Report, scale: Scale) -> list[Block]:
    """The rate at which it printed lines, as a part of the highest one."""
    spans = _gathered([span for span in report.density if span["seconds"] > 0])
    rates = [(span, span["lines"] / span["seconds"]) for span in spans if span["lines"] > 0]
    highest = max((rate for _, rate in rates), default=0.0)
    blocks = []
    for span, rate in rates:
        left, right = scale.x(span["t"]), scale.x(span["t"] + span["seconds"])
        blocks.append(Block(left, max(right, left + 1.0), rate / highest))
    return blocks


def _gathered(spans: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Neighbours together, until the fullest has some lines: single lines are no rate. Never across the stop."""
    before = [span for span in spans if span["t"] + span["seconds"] / 2 < 0]
    after = list(spans[len(before) :])
    gathered: list[Mapping[str, Any]] = []
    for many in (1, 2, 3, 5, 8):
        parts = [before[max(end - many, 0) : end] for end in range(len(before), 0, -many)][::-1]
        parts += [after[begin : begin + many] for begin in range(0, len(after), many)]
        gathered = [_together(part) for part in parts]
        if max((span["lines"] for span in gathered), default=0) >= _SOME or len(gathered) <= _FEW:
            break
    return gathered


def _together(spans: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    begin, last = spans[0]["t"], spans[-1]
    return {
        "t": begin,
        "seconds": last["t"] + last["seconds"] - begin,
        "lines": sum(span["lines"] for span in spans),
    }
