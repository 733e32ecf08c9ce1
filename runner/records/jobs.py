"""The row of a job: what changes while it lives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from runner.lifecycle.phases import TERMINAL, Cause, Phase
from runner.lifecycle.transitions import State
from runner.records.database import Database


class Record(NamedTuple):
    """One row of `jobs`. Times are ns since 1970, but for `executed`."""

    id: int
    kind: str
    name: str
    state: State
    attempt: int
    fact: int
    """Number of the last fact of the journal that is part of this record."""
    created: int
    modified: int
    started: int | None
    ended: int | None
    executed: int | None
    """ns of CLOCK_MONOTONIC."""
    exit_code: int | None
    exit_signal: str | None
    failure: str | None
    parent: str | None
    grace: float
    isolation: str
    killed: str | None

    def changed(self, at: int, **changes: Any) -> Record:
        """This record with `changes` made at `at`; its time never runs backwards, whatever the wall clock does."""
        return self._replace(modified=max(at, self.modified), **changes)


COLUMNS = (
    "id, kind, name, phase, cause, attempt, fact, created, modified, started, ended, executed,"
    " exit_code, exit_signal, failure, parent, grace, isolation, killed"
)
_SELECT = f"SELECT {COLUMNS} FROM jobs"


class NewJob(NamedTuple):
    """What is known of a job when it is recorded."""

    kind: str
    name: str
    grace: float
    isolation: str
    created: int
    parent: str | None = None


def insert(database: Database, job: NewJob, state: State) -> Record:
    """Record a job. Raises Contradiction if one of this type and name is recorded already."""
    cursor = database.execute(
        "INSERT INTO jobs (kind, name, phase, attempt, fact, created, modified, parent, grace, isolation)"
        " VALUES (?, ?, ?, 1, 0, ?, ?, ?, ?, ?)",
        (job.kind, job.name, state.phase.value, job.created, job.created, job.parent, job.grace, job.isolation),
    )
    found = get(database, cursor.lastrowid or 0)
    assert found is not None
    return found


def update(database: Database, record: Record) -> None:
    """Write all that can change of a record."""
    database.execute(
        "UPDATE jobs SET phase = ?, cause = ?, attempt = ?, fact = ?, modified = ?, started = ?, ended = ?,"
        " executed = ?, exit_code = ?, exit_signal = ?, failure = ?, grace = ?, isolation = ?, killed = ? WHERE id = ?",
        (
            record.state.phase.value,
            record.state.cause and record.state.cause.value,
            record.attempt,
            record.fact,
            record.modified,
            record.started,
            record.ended,
            record.executed,
            record.exit_code,
            record.exit_signal,
            record.failure,
            record.grace,
            record.isolation,
            record.killed,
            record.id,
        ),
    )


def delete(database: Database, record: Record) -> None:
    """Remove the job and all that is on record of it; its name is free again."""
    database.execute("DELETE FROM jobs WHERE id = ?", (record.id,))


def get(database: Database, number: int) -> Record | None:
    """The record with this row number."""
    return _one(database, "WHERE id = ?", (number,))


def find(database: Database, kind: str, name: str) -> Record | None:
    """The record of this job."""
    return _one(database, "WHERE kind = ? AND name = ?", (kind, name))


def every(database: Database, kind: str | None = None) -> Iterator[Record]:
    """All jobs, or all of one type, in the order of their creation."""
    if kind is None:
        return _all(database, "ORDER BY id", ())
    return _all(database, "WHERE kind = ? ORDER BY created, id", (kind,))


def unfinished(database: Database) -> Iterator[Record]:
    """Jobs that have not ended, or whose deletion has not."""
    return _all(database, "WHERE phase NOT IN ('completed', 'failed', 'stopped') ORDER BY id", ())


def children(database: Database, parent: Record) -> Iterator[Record]:
    """The training jobs that this tuning job launched, in order."""
    return _all(database, f"WHERE {_LAUNCHED_BY} ORDER BY id", (parent.name, parent.id))


_LAUNCHED_BY = "parent = ? AND id > ?"
"""Condition with the name and the number of a tuning job: one of that name that was deleted before has left trainings,
whose numbers are smaller (a new row's is larger than all that there are, sqlite.org/autoinc.html)."""


def select(database: Database, rest: str, values: tuple[Any, ...]) -> list[Record]:
    """The records of a statement that goes on with `rest` behind `SELECT … FROM jobs`."""
    return list(_all(database, rest, values))


def _one(database: Database, condition: str, values: tuple[Any, ...]) -> Record | None:
    row = database.execute(f"{_SELECT} {condition}", values).fetchone()
    return None if row is None else from_row(row)


def _all(database: Database, condition: str, values: tuple[Any, ...]) -> Iterator[Record]:
    return map(from_row, database.execute(f"{_SELECT} {condition}", values).fetchall())


def from_row(row: tuple[Any, ...]) -> Record:
    """The record of a row that has `COLUMNS`."""
    number, kind, name, phase, cause, *rest = row
    return Record(number, kind, name, State(Phase(phase), None if cause is None else Cause(cause)), *rest)


class Ran(NamedTuple):
    """A job whose program was executed, and has perhaps written something. `started` is ns since 1970."""

    id: int
    name: str
    started: int
    attempt: int
    ended: bool


_ENDED = ", ".join(f"'{phase.value}'" for phase in TERMINAL)


def ran(
    database: Database, kind: str, beginning: str = "", since: int | None = None, before: int | None = None
) -> list[Ran]:
    """Jobs of a type whose names begin so: those that had not ended at `since` and had started before `before`.

    Jobs that are being deleted are not among them.
    """
    statement = (
        f"SELECT id, name, started, attempt, phase IN ({_ENDED}) FROM jobs"
        " WHERE kind = ? AND started IS NOT NULL AND phase <> 'deleting'"
    )
    values: list[Any] = [kind]
    if beginning:
        statement += " AND name >= ? AND name < ?"
        values += [beginning, f"{beginning}\x7f"]  # names are ASCII
    if since is not None:
        statement += " AND (ended IS NULL OR ended >= ?)"
        values.append(_integer(since))
    if before is not None:
        statement += " AND started < ?"
        values.append(_integer(before))
    rows = database.execute(statement, tuple(values)).fetchall()
    return [Ran(number, name, started, attempt, bool(ended)) for number, name, started, attempt, ended in rows]


def _integer(ns: int) -> int:
    """SQLite's are signed and have 64 bits."""
    return max(-(1 << 63), min(ns, (1 << 63) - 1))


def first_run(database: Database, kind: str) -> int | None:
    """When the first job of a type, of those that have run, was started: ns since 1970."""
    row = database.execute(
        "SELECT started FROM jobs WHERE kind = ? AND started IS NOT NULL AND phase <> 'deleting'"
        " ORDER BY created, id LIMIT 1",
        (kind,),
    ).fetchone()
    return None if row is None else int(row[0])
