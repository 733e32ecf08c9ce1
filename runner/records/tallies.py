"""How many trainings of a tuning job are alike: counted in the database, because a list of searches asks it of each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from runner.records import jobs
from runner.records.database import Database
from runner.records.jobs import Record

# Beside min() SQLite takes the other columns from the row that has the minimum
# (sqlite.org/lang_select.html#bareagg).
_STATEMENT = f"""
WITH trainings AS (
    SELECT {jobs.COLUMNS}, (
        SELECT json_extract(metric.value, '$.value') FROM results, json_each(results.value) AS metric
        WHERE results.job = jobs.id AND results.name = 'metrics'
            AND json_extract(metric.value, '$.name') = json_extract(?1, '$[' || coalesce(
                (SELECT value FROM results WHERE job = jobs.id AND name = 'definition'), 0) || ']')
    ) AS objective
    FROM jobs WHERE parent = ?2 AND id > ?3
)
SELECT min(id), count(*), objective, {jobs.COLUMNS} FROM trainings
GROUP BY phase, cause, substr(failure, 1, instr(failure, ':')), objective IS NULL
"""


class Tally(NamedTuple):
    """`number` trainings in one phase, for one cause, with one class of failure, all or none of them measured."""

    first: Record
    """One of them."""
    objective: float | None
    """The first one's."""
    number: int


def of_trainings(database: Database, parent: Record, objectives: Sequence[str]) -> Iterator[Tally]:
    """All trainings of a tuning job. `objectives` has the objective's metric of each of its definitions.

    Of their results it reads `metrics` and `definition`.
    """
    values = (json.dumps(list(objectives)), parent.name, parent.id)
    for _, number, objective, *row in database.execute(_STATEMENT, values).fetchall():
        yield Tally(jobs.from_row(tuple(row)), objective, number)
