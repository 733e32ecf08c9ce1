"""Programs that save in a watched folder, and what a test reads of their files in the journal."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from runner.backends.base import Fact, Watched
from runner.lifecycle.facts import FactName
from tests.keeper.bench import Attempt, Bench, Room
from tests.keeper.programs import program

_BEGIN = """
model = sys.argv[1]

def save(name, text="weights"):
    with open(os.path.join(model, name), "w") as file:
        file.write(text)

def on_sigterm(act):
    def handle(number, frame):
        act()
        os._exit(0)
    signal.signal(signal.SIGTERM, handle)
"""


class Folder:
    """The folder `model` of the next job of a bench, which that job watches."""

    def __init__(self, bench: Bench, room: Room) -> None:
        ml = bench.data_dir / "jobs" / f"job-{len(bench.attempts)}" / "ml"
        self.here = ml / "model"
        self.here.mkdir(parents=True)
        self.seen = "/opt/ml/model" if room.is_pid1 else str(self.here)
        self.watched = Watched(self.here, self.seen, "model")
        self._bench = bench
        self._room = room

    def launch(self, text: str, *arguments: object, ready: str | None = "ready", **others: Any) -> Attempt:
        """Launch a program that begins with the functions above."""
        others = {"watched": [self.watched], **others}
        return self._bench.launch(program(_BEGIN + text, self.seen, *arguments), self._room, ready=ready, **others)

    def path(self, name: str) -> str:
        """Of an entry, as the job sees it."""
        return f"{self.seen}/{name}"


def files(job: Attempt, moment: str) -> Fact:
    """The only fact `files` of this moment."""
    found = [fact for fact in job.facts(FactName.FILES) if fact["moment"] == moment]
    assert len(found) == 1, f"{len(found)} facts of the moment {moment}:\n{job.story()}"
    return found[0]


def names(saves: list[Fact]) -> list[str]:
    """How the files are called."""
    return [os.path.basename(save["path"]) for save in saves]


def named(saves: list[Fact], name: str) -> Fact:
    """The only save whose file began with this name."""
    (found,) = (save for save in saves if os.path.basename(save["path"]) == name)
    return found


def reads_of(pid: int) -> int:
    """System calls of a process that have read something so far."""
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("syscr:")))


def wake_ups_of(pid: int) -> int:
    """How often a process has waited so far."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("voluntary_ctxt_switches:")))
