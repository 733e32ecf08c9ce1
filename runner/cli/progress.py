"""What is shown of a job while somebody waits for its end: on a terminal as it goes, elsewhere when it changes."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from runner.cli import terminal
from runner.cli.terminal import safe

Progress = Mapping[str, Any]
"""See `supervisor.archive.Archive.progress`."""

TICK = 0.2
"""Seconds between two looks for a terminal."""
CALM = 1.0
"""Seconds between two looks elsewhere."""
_NAMED = 5
"""Processes that are named; of the others the number is told."""
_KILLS = {
    "deadline": "SIGKILL was sent, for its grace is over",
    "now": "SIGKILL was sent",
    "owner-gone": "SIGKILL was sent, for its owner has ended",
}


class Display(Protocol):
    """Where progress is shown."""

    every: float
    """Seconds between two looks that are worth it."""

    def show(self, told: Sequence[str], key: object) -> None:
        """Show these lines. Where lines stay, they are shown if the key is another one than before."""


def lines(progress: Progress) -> list[str]:
    """How far the job is, who lives, and what it printed last. Each is printable, and of any length."""
    found = [headline(progress)]
    if progress["stop"] is not None and progress["living"]:
        found.append(f"  alive: {living(progress)}")
    if progress["last_line"]:
        found.append(f"  {safe(progress['last_line'])}")
    return found


def line(progress: Progress) -> str:
    """The same as one line, without what it printed."""
    alive = progress["stop"] is not None and progress["living"]
    return headline(progress) + (f"; alive: {living(progress)}" if alive else "")


def key(progress: Progress) -> object:
    """What is worth a line when it changes."""
    job, stop, trainings = progress["job"], progress["stop"], progress["trainings"]
    pids = [process["pid"] for process in progress["living"]] if stop is not None else []
    running = None if trainings is None else (trainings["running"], trainings["launched"])
    return job["status"], job["secondary_status"], stop and stop["killed"], pids, running


def headline(progress: Progress) -> str:
    """Name and status, and what it waits for."""
    job, trainings = progress["job"], progress["trainings"]
    told = [f"{job['name']}: {status(job)}"]
    if trainings is not None:
        told.append(f"{trainings['running']} of {trainings['launched']} trainings still run")
    elif progress["stop"] is not None and not progress["over"]:
        told.append(_kill(progress["stop"]))
    return ", ".join(told)


def status(job: Mapping[str, Any]) -> str:
    """The status, and of a training where it is besides."""
    secondary = job["secondary_status"]
    return str(job["status"]) if secondary in (None, job["status"]) else f"{job['status']} ({secondary})"


def living(progress: Progress) -> str:
    """Names and pids of the processes that live."""
    found = progress["living"]
    named = ", ".join(f"{safe(process['name'])} (pid {process['pid']})" for process in found[:_NAMED])
    return named + (f" and {len(found) - _NAMED} more" if len(found) > _NAMED else "")


@contextmanager
def display() -> Iterator[Display]:
    """On stderr, so that stdout is only what was asked for."""
    if not sys.stderr.isatty() or terminal.is_dumb():
        yield _Lines()
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True, highlight=False)
    with Live(console=console, auto_refresh=False, transient=True) as live:
        yield _Live(console, live)


class _Lines:
    """Lines that stay."""

    every = CALM

    def __init__(self) -> None:
        self._key: object = None

    def show(self, told: Sequence[str], key: object) -> None:
        if key != self._key:
            self._key = key
            terminal.say("; ".join(line.strip() for line in told))


class _Live:
    """Lines that are written over; at the end they are taken away."""

    every = TICK

    def __init__(self, console: Any, live: Any) -> None:
        self._console = console
        self._live = live

    def show(self, told: Sequence[str], key: object) -> None:
        from rich.text import Text

        text = Text(no_wrap=True, overflow="ellipsis")
        for number, line in enumerate(told[: max(1, self._console.height - 1)]):
            # Cut here, for whatever is wrapped could not be written over.
            part = Text(line, style="" if number else "bold")
            part.truncate(max(1, self._console.width - 1), overflow="ellipsis")
            text.append_text(Text("\n") if number else Text()).append_text(part)
        self._live.update(text, refresh=True)


def _kill(stop: Mapping[str, Any]) -> str:
    if stop["killed"] is not None:
        return _KILLS.get(stop["killed"], f"SIGKILL was sent ({stop['killed']})")
    return f"SIGKILL in {stop['left']:.1f} s"
