"""What is on record of a job, as Describe, List and reports show it. JSON throughout: times are seconds since 1970."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from runner.jobs import naming
from runner.jobs.base import Defaults, JobType, Kind, Request, Transition, View
from runner.jobs.children import definitions, objective_status
from runner.jobs.types import TYPES
from runner.lifecycle.phases import Phase
from runner.lifecycle.statuses import secondary
from runner.records import documents, history, jobs, results, tallies
from runner.records.database import Database
from runner.records.history import Entry
from runner.records.jobs import Record
from runner.supervisor import counted
from runner.supervisor.tuner import HYPERPARAMETERS


def describe(database: Database, record: Record, defaults: Defaults) -> dict[str, Any]:
    """The job as Describe shows it, but for its times."""
    return _described(database, record, defaults, _children)


def listed(database: Database, record: Record, defaults: Defaults) -> dict[str, Any]:
    """As `describe`; of a tuning job without its best training, so that its trainings need only be counted."""
    return _described(database, record, defaults, _counted)


_Trainings = Callable[[Database, Record, Request], Mapping[str, Any]]
"""The results of a tuning job that tell of its trainings."""


def _described(database: Database, record: Record, defaults: Defaults, trainings: _Trainings) -> dict[str, Any]:
    job_type = TYPES[Kind(record.kind)]
    document = documents.get(database, record.id)
    found = results.read(database, record.id)
    if job_type.kind is Kind.TUNING:
        found |= trainings(database, record, document.request)
    arn = naming.arn(job_type, record.name, defaults, document.region)
    described: dict[str, Any] = _plain(job_type.describe(_view(database, record, document.request, found), arn))
    return described


def children(database: Database, record: Record, defaults: Defaults) -> list[dict[str, Any]]:
    """The trainings of a tuning job in the order of their launches, each as `View.results` has it and with

    `arn`; `definition`, the name of its TrainingJobDefinition or None; `goal`, the `{Type, MetricName}` of that;
    `objective_status` as the API spells it.
    """
    document = documents.get(database, record.id)
    defined = definitions(document.request)
    found = []
    for row in jobs.children(database, record):
        child = _child(database, document.request, row)
        arn = naming.arn(TYPES[Kind.TRAINING], row.name, defaults, document.region)
        own = defined[child["which"]]
        more = {"arn": arn, "definition": own.name, "goal": own.objective, "objective_status": objective_status(child)}
        found.append(_plain(child) | more)
    return found


def _view(database: Database, record: Record, request: Request, found: Mapping[str, Any]) -> View:
    """All that is on record of one job, with what was found out about it besides."""
    kind = Kind(record.kind)
    for metric in found.get("metrics", ()):
        metric["time"] = datetime.fromtimestamp(metric["time"], UTC)
    return View(
        kind=kind,
        name=record.name,
        request=request,
        state=record.state,
        created=_time(record.created),
        modified=_time(record.modified),
        started=_optional_time(record.started),
        ended=_optional_time(record.ended),
        failure=record.failure,
        exit_code=record.exit_code,
        exit_signal=record.exit_signal,
        parent=record.parent,
        transitions=tuple(_transitions(TYPES[kind], history.read(database, record.id))),
        results=found,
    )


def summary(record: Record) -> dict[str, Any]:
    """One job in a list. `status` is the API's, `phase` ours, `cause` why it was stopped."""
    kind = Kind(record.kind)
    return {
        "kind": record.kind,
        "name": record.name,
        "status": status(record),
        "secondary_status": secondary(record.state).status.value if kind is Kind.TRAINING else None,
        "phase": record.state.phase.value,
        "cause": record.state.cause and record.state.cause.value,
        "terminal": record.state.phase.is_terminal,
        "created": record.created / 1e9,
        "modified": record.modified / 1e9,
        "started": _seconds(record.started),
        "ended": _seconds(record.ended),
        "exit_code": record.exit_code,
        "exit_signal": record.exit_signal,
        "failure": record.failure,
        "parent": record.parent,
        "attempt": record.attempt,
        "grace": record.grace,
        "isolation": record.isolation,
    }


def detail(database: Database, record: Record) -> dict[str, Any]:
    """A summary with the job's history and results."""
    transitions = _transitions(TYPES[Kind(record.kind)], history.read(database, record.id))
    return summary(record) | {
        "transitions": [_plain(entry._asdict()) for entry in transitions],
        "results": results.read(database, record.id),
    }


def status(record: Record) -> str:
    """The status as the API spells it."""
    # A compilation job has no status for its deletion, which takes a moment: it shows the one it ended with.
    kind = Kind(record.kind)
    return counted.status(record) if kind is Kind.COMPILATION else TYPES[kind].status(record.state.phase)


def _children(database: Database, record: Record, request: Request) -> Mapping[str, Any]:
    return {"children": [_child(database, request, child) for child in jobs.children(database, record)]}


def _counted(database: Database, record: Record, request: Request) -> Mapping[str, Any]:
    objectives = [one.objective["MetricName"] for one in definitions(request)]
    alike = tallies.of_trainings(database, record, objectives)
    return {"counted": [(counted.ended(one.first) | {"objective": one.objective}, one.number) for one in alike]}


def _child(database: Database, tuning: Request, record: Record) -> dict[str, Any]:
    found = results.read(database, record.id)
    return {
        **counted.ended(record),
        "name": record.name,
        "which": found.get(counted.DEFINITION, 0),
        "hyperparameters": found.get(HYPERPARAMETERS, {}),
        "objective": counted.objective(tuning, found),
        "created": _time(record.created),
        "started": _optional_time(record.started),
        "ended": _optional_time(record.ended),
    }


def _transitions(job_type: JobType, entries: list[Entry]) -> Iterator[Transition]:
    """Phases that show the same status are one entry. The last has no end while the job lives."""
    shown: list[tuple[str, str, int]] = []
    for state, start in entries:
        name, message = _shown(job_type, state.phase, Entry(state, start))
        if not shown or shown[-1][:2] != (name, message):
            shown.append((name, message, start))
    ended = bool(entries) and entries[-1].state.phase.is_terminal
    for number, (name, message, start) in enumerate(shown, start=1):
        last = number == len(shown)
        end = shown[number][2] if not last else start if ended else None
        yield Transition(name, message, _time(start), _optional_time(end))


def _shown(job_type: JobType, phase: Phase, entry: Entry) -> tuple[str, str]:
    if job_type.kind is not Kind.TRAINING:
        return job_type.status(phase), ""
    shown = secondary(entry.state)
    return shown.status.value, shown.message


def _time(ns: int) -> datetime:
    """In whole ms, as AWS answers times: a client that sends one back (some send ms only) means the same instant."""
    return datetime.fromtimestamp(ns // 1_000_000 / 1000, UTC)


def _optional_time(ns: int | None) -> datetime | None:
    return None if ns is None else _time(ns)


def _seconds(ns: int | None) -> float | None:
    return None if ns is None else ns / 1e9


def _plain(value: Any) -> Any:
    """Times become seconds, so that it is JSON."""
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(member) for member in value]
    return value
