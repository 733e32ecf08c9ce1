"""What was learned after a stop, by starting the program again: facts that no journal of the stop can have."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from runner.diagnosis.members import Fact, texts
from runner.diagnosis.printable import clipped, printable
from runner.lifecycle.facts import FactName

_CHECKPOINTS = "checkpoints"
_NAMED = 3
"""So many files are named."""


class Load(NamedTuple):
    """A command that was to read what had been saved."""

    command: str
    checkpoint: str
    """The file that it was given."""
    code: int | None
    """None: by a signal, or not in time."""
    signal: str | None = None
    seconds: float | None = None
    """So long it was given, and it has not ended by itself."""
    last: tuple[str, ...] = ()
    """The last lines that it printed."""

    @property
    def could_be_run(self) -> bool:
        """A shell ends so when it finds no such command, or may not execute it."""
        return self.code not in (126, 127)


class Afterwards(NamedTuple):
    """What came of starting the program again with what it had saved."""

    saved: int
    """Files that there were to go on from."""
    resumed: bool | None = None
    """It went on from them. None: that is not known, and `why` says why."""
    why: str = ""
    """What shows it: a clause, such as `it printed 'resumed at epoch 3'`."""
    load: Load | None = None
    tried: bool = True
    """It was started again."""

    def to_json(self) -> dict[str, Any]:
        """Every text in it is printable."""
        load = self.load and {
            "command": printable(self.load.command),
            "checkpoint": printable(self.load.checkpoint),
            "code": self.load.code,
            "signal": self.load.signal,
            "timed_out": self.load.seconds is not None,
            "last": [printable(line) for line in self.load.last],
        }
        return {"saved": self.saved, "resumed": self.resumed, "why": printable(self.why), "load": load}


class Reading(NamedTuple):
    """Whether a program has opened what was saved before it was started."""

    resumed: bool | None
    why: str


def reading_of(facts: Sequence[Fact], saved: Collection[str]) -> Reading:
    """Judged by the journal of the second run. `saved`: names of files, relative to their checkpoint folders."""
    told = [fact for fact in facts if fact.get("fact") == FactName.FILES.value]
    if not told:
        return Reading(None, "which files it opened is not on record")
    wanted = {f"{folder}/{name}" for folder in _folders(facts) for name in saved}
    opened = [path for path in texts(told[-1].get("read")) if path in wanted]
    if opened:
        more = f" and {len(opened) - _NAMED} more" if len(opened) > _NAMED else ""
        return Reading(True, f"it read {', '.join(clipped(path, 200) for path in opened[:_NAMED])}{more}")
    if told[-1].get("missed"):
        return Reading(None, "it opened more files than could be followed")
    return Reading(False, "it opened none of the files that it had saved")


def _folders(facts: Sequence[Fact]) -> Iterator[str]:
    """Where checkpoints are, as the program sees them."""
    for fact in facts:
        watched = fact.get("watched") if fact.get("fact") == FactName.LAUNCH.value else None
        for folder in watched if isinstance(watched, list) else ():
            if isinstance(folder, dict) and folder.get("role") == _CHECKPOINTS:
                yield str(folder.get("path")).rstrip("/")
