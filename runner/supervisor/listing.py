"""Pages of jobs: what a query of `Service.page` means, in the words of records."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum, unique
from typing import Any, NamedTuple

from runner.errors import InvalidRequest
from runner.jobs.base import Kind
from runner.jobs.naming import shown
from runner.jobs.reading import Part
from runner.jobs.types import TYPES
from runner.lifecycle.phases import Phase
from runner.lifecycle.statuses import CompilationJobStatus, TrainingJobStatus, TuningJobStatus
from runner.records import pages
from runner.records.database import Database
from runner.records.jobs import Record
from runner.records.pages import Filters, Key, Order

_MEMBERS = {
    "status": "StatusEquals",
    "name_contains": "NameContains",
    "created_after": "CreationTimeAfter",
    "created_before": "CreationTimeBefore",
    "modified_after": "LastModifiedTimeAfter",
    "modified_before": "LastModifiedTimeBefore",
    "sort": "SortBy",
    "descending": "SortOrder",
    "limit": "MaxResults",
    "after": "NextToken",
}
"""What the API's List operations call the members of a query."""
_STATUSES: Mapping[Kind, type[Enum]] = {
    Kind.COMPILATION: CompilationJobStatus,
    Kind.TRAINING: TrainingJobStatus,
    Kind.TUNING: TuningJobStatus,
}
_MOST, _USUAL = 100, 10
_WIDEST = 2**63
"""SQLite's integers are below this."""


@unique
class _Sort(Enum):
    """`SortBy`, and the columns of records that it goes by."""

    CREATION_TIME = "CreationTime"
    NAME = "Name"
    STATUS = "Status"

    @property
    def columns(self) -> Sequence[str]:
        """Within one status the jobs are in the order of their creation."""
        return ("name",) if self is _Sort.NAME else ("created", "id")


class Page(NamedTuple):
    """The jobs of a page, and what the query for the next one has as its `after`; None: there is none."""

    records: Sequence[Record]
    next: list[Any] | None


class _Query(NamedTuple):
    kind: Kind
    status: str | None
    filters: Filters
    sort: _Sort
    order: Order
    limit: int

    def token(self, record: Record) -> list[Any]:
        """`next` of a page that ends with this job."""
        status = [_shown(self.kind, record.state.phase)] if self.sort is _Sort.STATUS else []
        return [self.sort.value, self.order.descending, *status, *self.order.key(record)]


class _Place(NamedTuple):
    """Where a page begins: behind `key`, in the jobs of `status` where pages are sorted by that."""

    status: str
    key: Key


def page(database: Database, kind: Kind, query: object) -> Page:
    """The page that a query asks for; see `Service.page`. Raises InvalidRequest."""
    if not isinstance(query, Mapping):
        raise InvalidRequest("query", f"must be an object, not {shown(query)}")
    for name in query:
        if name not in _MEMBERS:
            raise InvalidRequest("query", f"must have no other members than {', '.join(_MEMBERS)}, not {shown(name)}")
    part = Part({_MEMBERS[name]: value for name, value in query.items()})
    wanted = _query(kind, part)
    place = _place(part.value["NextToken"], wanted) if part.has("NextToken") else None
    # One more than asked for tells whether there is a next page.
    found = list(_records(database, wanted, place))
    records = found[: wanted.limit]
    return Page(records, wanted.token(records[-1]) if len(found) > wanted.limit else None)


def _query(kind: Kind, part: Part) -> _Query:
    sort = _Sort(part.choice("SortBy", [sort.value for sort in _Sort], default=_Sort.CREATION_TIME.value))
    known = [str(status.value) for status in _STATUSES[kind]]
    status = part.choice("StatusEquals", known) if part.has("StatusEquals") else None
    descending = part.value.get("SortOrder") or False
    if not isinstance(descending, bool):
        raise InvalidRequest("SortOrder", f"must be true or false for descending, not {shown(descending)}")
    limit = part.optional_whole("MaxResults", 1) or _USUAL
    if limit > _MOST:
        raise InvalidRequest("MaxResults", f"must be at most {_MOST}, not {limit}")
    filters = Filters(
        kind.value,
        phases=[phase for phase in _phases(kind) if status in (None, _shown(kind, phase))],
        name_contains=part.optional_text("NameContains"),
        created_from=_behind(part, "CreationTimeAfter"),
        created_until=_before(part, "CreationTimeBefore"),
        modified_from=_behind(part, "LastModifiedTimeAfter"),
        modified_until=_before(part, "LastModifiedTimeBefore"),
    )
    return _Query(kind, status, filters, sort, Order(sort.columns, descending), limit)


def _records(database: Database, query: _Query, place: _Place | None) -> Iterator[Record]:
    left = query.limit + 1
    if query.sort is not _Sort.STATUS:
        yield from pages.page(database, query.filters, query.order, place and place.key, left)
        return
    for status in sorted({_shown(query.kind, phase) for phase in query.filters.phases}, reverse=query.order.descending):
        if left and (place is None or status == place.status or (status < place.status) is query.order.descending):
            phases = [phase for phase in query.filters.phases if _shown(query.kind, phase) == status]
            after = place.key if place is not None and status == place.status else None
            found = pages.page(database, query.filters._replace(phases=phases), query.order, after, left)
            left -= len(found)
            yield from found


def _phases(kind: Kind) -> Iterator[Phase]:
    """Phases in which Describe finds a job of this type."""
    gone = {Phase.DELETED, Phase.DELETING} if kind is Kind.COMPILATION else {Phase.DELETED}
    return (phase for phase in Phase if phase not in gone)


def _shown(kind: Kind, phase: Phase) -> str:
    return TYPES[kind].status(phase)


def _place(token: object, query: _Query) -> _Place:
    direction = query.order.descending
    match query.sort, token:
        case _Sort.NAME, ["Name", bool(given), str(name)] if given is direction and _can_be_asked(name):
            return _Place("", (name,))
        case _Sort.CREATION_TIME, ["CreationTime", bool(given), int(created), int(row)] if given is direction and (
            _can_be_asked(created, row)
        ):
            return _Place("", (created, row))
        case _Sort.STATUS, ["Status", bool(given), str(status), int(created), int(row)] if given is direction and (
            _can_be_asked(created, row)
        ):
            return _Place(status, (created, row))
    raise InvalidRequest("NextToken", "must be what the page before has given, for the same sort and direction")


def _can_be_asked(*values: str | int) -> bool:
    """SQLite takes these: no number beyond its own, no lone surrogate, which JSON can spell."""
    try:
        return all(-_WIDEST <= value < _WIDEST if isinstance(value, int) else bool(value.encode()) for value in values)
    except UnicodeEncodeError:
        return False


def _behind(part: Part, member: str) -> int | None:
    """ns at which what is shown as later than the member's instant begins."""
    instant = _milliseconds(part, member)
    return None if instant is None else (instant + 1) * 1_000_000


def _before(part: Part, member: str) -> int | None:
    """ns at which what is shown as earlier than the member's instant ends."""
    instant = _milliseconds(part, member)
    return None if instant is None else instant * 1_000_000


def _milliseconds(part: Part, member: str) -> int | None:
    """An instant. Records have ns, and Describe shows whole ms of them, as AWS does: what is shown is compared."""
    if not part.has(member):
        return None
    value = part.value[member]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidRequest(member, f"must be a number of seconds since 1970, not {shown(value)}")
    latest = _WIDEST // 1_000_000 - 1
    return min(max(round(value * 1000), -latest), latest)
