"""What new facts of a journal mean for the job: events with their details."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from runner.backends import base
from runner.backends.base import Fact
from runner.lifecycle.facts import FactName, event_of
from runner.lifecycle.phases import Cause, Event, Phase, Refusal
from runner.supervisor import journals
from runner.supervisor.changes import Change
from runner.supervisor.journals import Reading
from runner.supervisor.live import Live

_FAILURE_FILE = Path("ml/output/failure")
_FAILURE_BYTES = 4096
"""FailureReason holds 1,024 characters; a character of UTF-8 has at most four bytes."""

_EVENTS_OF_CAUSES = {
    Cause.REQUESTED: Event.STOP_REQUESTED,
    Cause.RUNTIME_EXCEEDED: Event.RUNTIME_EXCEEDED,
    Cause.TIMED_OUT: Event.TIMED_OUT,
    Cause.WAIT_EXCEEDED: Event.WAIT_EXCEEDED,
    Cause.INTERRUPTED: Event.INTERRUPTED,
}


def absorb(change: Change, live: Live) -> None:
    """Apply the facts that the journal has behind those that were read before."""
    reading = change.readings.get(live, live.reading)
    unread = journals.read(base.journal(live.folder), reading.offset)
    for fact in unread.facts:
        if fact["n"] > change.record(live).fact and fact.get("a") == change.record(live).attempt:
            _apply(change, live, fact, reading)
        reading = reading.past(fact)
    change.readings[live] = reading.at(unread.offset)


def _apply(change: Change, live: Live, fact: Fact, before: Reading) -> None:
    event = _event(change, live, fact, before)
    if event is None:
        return
    details = _details(change, live, event, fact, before)
    step = change.advance(live, event, fact["w"], fact=fact["n"], **details)
    if isinstance(step, Refusal):
        change.patch(live, fact=fact["n"])
    elif step.state.phase in (Phase.FAILING, Phase.UPLOADING_FAILED):
        change.patch(live, failure=_failure(change, live, event, before))


def _event(change: Change, live: Live, fact: Fact, before: Reading) -> Event | None:
    if fact["fact"] == FactName.STOP.value and change.record(live).state.phase in (Phase.LAUNCHING, Phase.RUNNING):
        # The keeper stopped the job by itself, because the supervisor that owned it had ended.
        return _EVENTS_OF_CAUSES[Cause(fact["cause"])]
    if fact["fact"] == FactName.LOST.value and before.evidence:
        # The keeper died after it had written down how the program ended.
        return event_of({**fact, "fact": FactName.GONE.value}, before.evidence)
    return event_of(fact, before.evidence)


def _details(change: Change, live: Live, event: Event, fact: Fact, before: Reading) -> dict[str, Any]:
    if event is Event.EXECUTED:
        record = change.record(live)
        # MaxRuntimeInSeconds covers all attempts together.
        return {"started": record.started or fact["w"], "executed": record.executed or fact["t"]}
    if event in (Event.SUCCEEDED, Event.FAILED, Event.LAUNCH_FAILED):
        last = before.evidence[-1]
        return {"exit_code": last["code"], "exit_signal": last.get("signal")}
    return {}


def _failure(change: Change, live: Live, event: Event, before: Reading) -> str:
    record = change.record(live)
    if record.state.cause is Cause.TIMED_OUT:
        return live.type.timeout_reason(live.spec)
    if event is Event.LAUNCH_FAILED:
        last = before.evidence[-1]
        return live.type.failure_reason(last["code"], None, str(last["reason"]))
    if event is Event.LOST:
        return live.type.failure_reason(None, None, "")
    return live.type.failure_reason(record.exit_code, record.exit_signal, read_failure_file(live.folder))


def read_failure_file(folder: Path) -> str:
    """What the program wrote to `/opt/ml/output/failure`: the first 1,024 characters."""
    # A program may leave anything there: a link out of its folder is not followed, a FIFO does not block.
    try:
        descriptor = os.open(folder / _FAILURE_FILE, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return ""
        return os.read(descriptor, _FAILURE_BYTES).decode(errors="replace")[:1024]
    finally:
        os.close(descriptor)
