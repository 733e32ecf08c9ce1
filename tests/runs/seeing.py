"""What a data directory has of a job: its journal, its log, and its record, read from the files alone."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from runner import Job, Runner
from runner.backends.base import Fact
from runner.lifecycle.facts import FactName
from runner.lifecycle.stops import Isolation
from tests.waiting import wait_until

PATIENCE = 20.0
"""Seconds that a test waits for something that takes milliseconds: machines are shared."""

Jobs = Callable[..., Job]


class Trail:
    """The folder of one job, as a test reads it."""

    def __init__(self, runner: Runner | Path, job: Job | str) -> None:
        """`job`: one, or its key, such as `training/digits-1`."""
        data_dir = runner if isinstance(runner, Path) else runner.data_dir
        self.key = job if isinstance(job, str) else f"{job.kind}/{job.name}"
        self.data_dir = data_dir
        self.folder = data_dir / "jobs" / self.key

    def facts(self, *names: FactName) -> list[Fact]:
        """What the journal says so far, all of it or only facts with these names."""
        path = self.folder / "journal.jsonl"
        lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
        facts: list[Fact] = [json.loads(line) for line in lines]
        return [fact for fact in facts if not names or FactName(fact["fact"]) in names]

    def one(self, name: FactName) -> Fact:
        """The only fact of this name."""
        found = self.facts(name)
        assert len(found) == 1, f"{len(found)} facts {name.value}:\n{self.story()}"
        return found[0]

    def wait_for(self, name: FactName, within: float = PATIENCE) -> Fact:
        """The first fact of this name, once it is there."""
        return wait_until(
            lambda: self.facts(name), within=within, saying=lambda: f"no fact {name.value} of\n{self.story()}"
        )[0]

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def wait_for_log(self, text: str, within: float = PATIENCE) -> str:
        """The log, once `text` is in it; read from the file, so that no supervisor is needed."""
        return wait_until(
            lambda: self.log() if text in self.log() else "",
            within=within,
            saying=lambda: f"no {text!r} in the log {self.log()!r} of\n{self.story()}",
        )

    def record(self) -> dict[str, Any]:
        """The job's row."""
        kind, _, name = self.key.partition("/")
        (row,) = rows(self.data_dir, "SELECT * FROM jobs WHERE kind = ? AND name = ?", kind, name)
        return row

    def wait_for_phase(self, *phases: str, within: float = PATIENCE) -> str:
        """The first of these phases that is on record."""

        def reached() -> str | None:
            phase: str = self.record()["phase"]
            return phase if phase in phases else None

        return wait_until(reached, within=within, saying=lambda: f"not {phases} but {self.record()}")

    @property
    def pid(self) -> int:
        """The main process, as this machine sees it."""
        pid: int = self.wait_for(FactName.STARTED)["pid"]
        return pid

    def seconds_to_kill(self) -> float:
        """From the instant of SIGTERM to the instant of SIGKILL."""
        seconds: float = (self.one(FactName.KILL)["t"] - self.one(FactName.SIGNAL)["t"]) / 1e9
        return seconds

    def story(self) -> str:
        """The journal, a fact a line, in ms from its first."""
        facts = self.facts()
        return "\n".join(
            f"{(fact['t'] - facts[0]['t']) / 1e6:10.3f} ms  {fact['fact']}  "
            + str({key: value for key, value in fact.items() if key not in ("n", "t", "w", "a", "fact")})
            for fact in facts
        )


def rows(data_dir: Path, query: str, *values: Any) -> list[dict[str, Any]]:
    """The answer of the records to a query."""
    with closing(sqlite3.connect(f"file:{data_dir}/records.sqlite?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(query, values)]


def trails(data_dir: Path) -> list[Trail]:
    """All jobs that have a journal."""
    return [
        Trail(data_dir, str(path.parent.relative_to(data_dir / "jobs")))
        for path in sorted(data_dir.glob("jobs/*/*/journal.jsonl"))
    ]


def trainer(runner: Runner, isolation: Isolation) -> Jobs:
    """Starts training jobs in this isolation and waits until their logs have `ready` in them (None: not).

    A line of output can be there before it is on record that the program was executed: that is waited for, too.
    """

    def train(command: list[str], *, ready: str | None = "ready", **options: Any) -> Job:
        job = runner.train(command, isolation=isolation, **options)
        if ready is not None:
            job.wait_for_log(ready, timeout=PATIENCE)
            wait_until(lambda: _is_known(job), within=PATIENCE, saying=lambda: f"it is not running: {job.summary()}")
        return job

    return train


def _is_known(job: Job) -> bool:
    return job.summary()["phase"] not in ("pending", "preparing", "launching")


def statuses(job: Job) -> list[str]:
    """The job's status history; of a training job that of its secondary status."""
    return [entry["status"] for entry in job.detail()["transitions"]]
