"""The phases that a job has been in, with the time at which each began. Secondary statuses are read from them."""

from __future__ import annotations

from typing import NamedTuple

from runner.lifecycle.phases import Cause, Phase
from runner.lifecycle.transitions import State
from runner.records.database import Database


class Entry(NamedTuple):
    """The job came into this state at `start` (ns since 1970)."""

    state: State
    start: int


def append(database: Database, job: int, entry: Entry) -> None:
    """Add one entry at the end of the history of the job with this row number."""
    state = entry.state
    database.execute(
        "INSERT INTO transitions (job, n, phase, cause, start)"
        " VALUES (?1, (SELECT count(*) + 1 FROM transitions WHERE job = ?1), ?2, ?3, ?4)",
        (job, state.phase.value, state.cause and state.cause.value, entry.start),
    )


def read(database: Database, job: int) -> list[Entry]:
    """The whole history, oldest first."""
    rows = database.execute("SELECT phase, cause, start FROM transitions WHERE job = ? ORDER BY n", (job,))
    return [Entry(State(Phase(phase), None if cause is None else Cause(cause)), start) for phase, cause, start in rows]
