"""How a training counts in the search that launched it: also while it is being deleted, and when it is gone.

`TrainingJobStatusCounters` add up to the trainings launched, so that a search keeps what its deleted ones ended as.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.jobs import children
from runner.jobs.base import Kind
from runner.jobs.types import TYPES
from runner.lifecycle.phases import Phase
from runner.lifecycle.statuses import TrainingJobStatus
from runner.records import documents, jobs, results
from runner.records.database import Database
from runner.records.jobs import Record

DEFINITION = "definition"
"""Result of a training: the number of its definition, from 0. One without it has the first."""
DELETED = "deleted"
"""Result of a tuning job: its trainings that have been deleted, as `children.Counted`."""

_DELETIONS = (Phase.DELETING, Phase.DELETED)


def status(record: Record) -> str:
    """The status as the API spells it, but of a job that is being deleted the one that it ended with."""
    phase = record.state.phase
    if phase in _DELETIONS:
        phase = Phase.STOPPED if record.state.cause else Phase.FAILED if record.failure else Phase.COMPLETED
    return TYPES[Kind(record.kind)].status(phase)


def ended(record: Record) -> dict[str, Any]:
    """`status` and `failure` of a training, as the counters have a place for them."""
    found = status(record)
    return {"status": found, "failure": record.failure if found == TrainingJobStatus.FAILED.value else None}


def objective(tuning: Mapping[str, Any], found: Mapping[str, Any]) -> float | None:
    """The objective of a tuning job among the results of one of its trainings."""
    wanted = children.definitions(tuning)[found.get(DEFINITION, 0)].objective["MetricName"]
    return next((metric["value"] for metric in found.get("metrics", ()) if metric["name"] == wanted), None)


def keep(database: Database, record: Record) -> None:
    """Before a job's record is deleted: if a search launched it that is still there, that goes on counting it."""
    tuning = None if record.parent is None else jobs.find(database, Kind.TUNING.value, record.parent)
    if tuning is None or tuning.id > record.id:
        return
    request = documents.get(database, tuning.id).request
    child = ended(record) | {"objective": objective(request, results.read(database, record.id))}
    before = results.read(database, tuning.id).get(DELETED, ())
    results.put(database, tuning.id, {DELETED: children.one_more(before, child)})
