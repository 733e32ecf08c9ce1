"""Pages of jobs of one type: sorted, filtered, and taken up where the page before ended.

A page begins behind a key and not at a number, so that jobs which come or go between two pages neither shift what
follows nor are listed twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from runner.lifecycle.phases import Phase
from runner.records import jobs
from runner.records.database import Database
from runner.records.jobs import Record

_ENDED = frozenset({Phase.COMPLETED, Phase.FAILED, Phase.STOPPED})

# Worded as the partial indexes are: SQLite takes one only for a query that has its condition literally.
_ENDED_ROWS = "phase IN ('completed', 'failed', 'stopped')"
_UNFINISHED_ROWS = "phase NOT IN ('completed', 'failed', 'stopped')"

Key = tuple[Any, ...]
"""Values of the columns that a page is sorted by: of its last job, behind which the next page begins."""


class Filters(NamedTuple):
    """What a job must be like. Times are ns since 1970: `from` is included, `until` is not."""

    kind: str
    phases: Collection[Phase]
    name_contains: str | None = None
    created_from: int | None = None
    created_until: int | None = None
    modified_from: int | None = None
    modified_until: int | None = None


class Order(NamedTuple):
    """By which columns. Together they are unique: the last of them is `id`, or `name`, which is so within a type."""

    columns: Sequence[str]
    descending: bool = False

    def key(self, record: Record) -> Key:
        """Where this job stands."""
        return tuple(getattr(record, column) for column in self.columns)


def page(database: Database, filters: Filters, order: Order, after: Key | None, limit: int) -> list[Record]:
    """At most `limit` jobs, those behind `after`."""
    if not filters.phases:
        return []
    conditions = list(_conditions(filters))
    if after is not None:
        sign = "<" if order.descending else ">"
        conditions.append((f"({', '.join(order.columns)}) {sign} ({_marks(after)})", after))
    where = " AND ".join(condition for condition, _ in conditions)
    values = [value for _, some in conditions for value in some]
    direction = "DESC" if order.descending else "ASC"
    columns = ", ".join(f"{column} {direction}" for column in order.columns)
    rest = f"{_index(filters.phases)} WHERE {where} ORDER BY {columns} LIMIT ?"
    return jobs.select(database, rest, (*values, limit))


def _index(phases: Collection[Phase]) -> str:
    """Unfinished jobs are few however many have ended, which SQLite cannot know."""
    return "" if _ENDED.intersection(phases) else "INDEXED BY jobs_unfinished"


def _conditions(filters: Filters) -> Iterator[tuple[str, Sequence[Any]]]:
    yield "kind = ?", (filters.kind,)
    phases = [phase.value for phase in filters.phases]
    yield f"phase IN ({_marks(phases)})", phases
    if not _ENDED.intersection(filters.phases):
        yield _UNFINISHED_ROWS, ()
    elif _ENDED.issuperset(filters.phases):
        yield _ENDED_ROWS, ()
    for condition, value in (
        ("instr(name, ?) > 0", filters.name_contains),
        ("created >= ?", filters.created_from),
        ("created < ?", filters.created_until),
        ("modified >= ?", filters.modified_from),
        ("modified < ?", filters.modified_until),
    ):
        if value is not None:
            yield condition, (value,)


def _marks(values: Collection[Any]) -> str:
    return ", ".join("?" for _ in values)
