"""Changes of state: by the transition table only, and all of one transaction or none."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from runner.lifecycle import transitions
from runner.lifecycle.phases import Event, Order, Phase, Refusal
from runner.lifecycle.transitions import Step
from runner.records import history, jobs, results
from runner.records.database import Database
from runner.records.history import Entry
from runner.records.jobs import Record
from runner.supervisor import counted
from runner.supervisor.journals import Reading
from runner.supervisor.live import Live

_logger = logging.getLogger(__name__)


class Change:
    """What one transaction does. Nothing of it is seen in `Live` before the commit."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.records: dict[Live, Record] = {}
        self.orders: dict[Live, list[Order]] = {}
        self.readings: dict[Live, Reading] = {}

    def record(self, live: Live) -> Record:
        """The job's record as this change has it."""
        return self.records.get(live, live.record)

    def touched(self, key: str) -> Live | None:
        """The job with this key, if this change concerns it already."""
        return next((live for live in self.records if live.key == key), None)

    def begin(self, live: Live, step: Step) -> None:
        """The job has just been recorded."""
        self.records[live] = live.record
        history.append(self.database, live.record.id, Entry(step.state, live.record.created))
        self._order(live, step)

    def advance(self, live: Live, event: Event, at: int, **more: Any) -> Step | Refusal:
        """Apply an event that happened at `at` (ns since 1970) by the table; `more` are other members that change."""
        record = self.record(live)
        step = transitions.advance(record.state, event)
        if isinstance(step, Refusal):
            if step is Refusal.IMPOSSIBLE:
                _logger.error("%s: %s in phase %s", live.key, event.value, record.state.phase.value)
            return step
        changed = record.changed(at, state=step.state, **more)
        self.records[live] = _with_consequences(record, changed)
        if step.state != record.state:
            history.append(self.database, record.id, Entry(step.state, changed.modified))
        self._order(live, step)
        return step

    def patch(self, live: Live, **more: Any) -> None:
        """Change other members than the state."""
        record = self.record(live)
        self.records[live] = record.changed(record.modified, **more)

    def add_results(self, live: Live, found: Mapping[str, Any]) -> None:
        """Keep what was found out about the job."""
        results.put(self.database, live.record.id, found)

    def write(self) -> None:
        """Write each changed row once; called last in the transaction."""
        for record in self.records.values():
            if record.state.phase is Phase.DELETED:
                counted.keep(self.database, record)
                jobs.delete(self.database, record)
            else:
                jobs.update(self.database, record)

    def _order(self, live: Live, step: Step) -> None:
        self.orders.setdefault(live, []).extend(step.orders)


def _with_consequences(before: Record, after: Record) -> Record:
    phase = after.state.phase
    if phase is before.state.phase:
        return after
    if phase is Phase.PENDING:
        return after.changed(after.modified, attempt=after.attempt + 1, exit_code=None, exit_signal=None)
    if phase in (Phase.COMPLETED, Phase.FAILED, Phase.STOPPED):
        after = after.changed(after.modified, ended=after.modified)
    if phase.is_stopping:
        # A job that was failing when its stop was accepted ends Stopped, and a Stopped job has no FailureReason.
        after = after.changed(after.modified, failure=None)
    return after
