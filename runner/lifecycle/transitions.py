"""The one table of a job's life: in this phase, on this event, go there and do that.

All three job types share it. A tuning job has no program of its own; its `LAUNCH` starts the search, its
`STOP` stops every training job that it launched, and "the program ended" means that the last of them has.

Every cell is a row or an explicit refusal; a missing cell is a `KeyError` at import.

Sources: SageMaker's statuses and their order (StopTrainingJob, StopCompilationJob, StopHyperParameterTuningJob,
SecondaryStatusTransition in the API reference).
"""

from __future__ import annotations

from typing import NamedTuple

from runner.lifecycle.phases import Cause, Event, Order, Phase, Refusal

E, O, P, R = Event, Order, Phase, Refusal  # noqa: E741 - one letter each, or the table does not fit a screen


class Row(NamedTuple):
    """Go to `phase` and do `orders`, one after the other."""

    phase: Phase
    orders: tuple[Order, ...] = ()


class State(NamedTuple):
    """All that the table needs to know of a job."""

    phase: Phase = Phase.PENDING
    cause: Cause | None = None


class Step(NamedTuple):
    """What an accepted event leads to."""

    state: State
    orders: tuple[Order, ...]


SAVE = (O.UPLOAD, O.CLEAR)
CLEAR = (O.CLEAR,)
STOP = (O.STOP,)

Cells = dict[Event, Row | Refusal]

_NEVER: Cells = dict.fromkeys(E, R.IMPOSSIBLE)
_LATE: Cells = dict.fromkeys((E.ADMITTED, E.PREPARED, E.EXECUTED), R.OVERTAKEN)
_LIMITS = (E.RUNTIME_EXCEEDED, E.TIMED_OUT, E.WAIT_EXCEEDED, E.INTERRUPTED)
_DONE: Cells = _NEVER | dict.fromkeys((*_LIMITS, E.STOP_REQUESTED), R.ENDED)


def _going_on(phase: Phase) -> Cells:
    """A stop is under way. It belongs to the job: a second one changes nothing (no second SIGTERM, same deadline)."""
    stay: Row | Refusal = Row(phase)
    return _NEVER | _LATE | dict.fromkeys(_LIMITS, stay) | {E.STOP_REQUESTED: stay, E.DELETE_REQUESTED: R.NOT_ENDED}


def _alive() -> Cells:
    return _NEVER | {E.DELETE_REQUESTED: R.NOT_ENDED, E.INTERRUPTED: R.NOT_RUNNING}


TABLE: dict[Phase, Cells] = {
    P.PENDING: _alive()
    | {
        E.ADMITTED: Row(P.PREPARING, (O.PREPARE,)),
        E.LAUNCH_FAILED: Row(P.FAILING, CLEAR),
        E.STOP_REQUESTED: Row(P.CANCELLING, CLEAR),
        E.WAIT_EXCEEDED: Row(P.CANCELLING, CLEAR),
        E.RUNTIME_EXCEEDED: Row(P.CANCELLING, CLEAR),
    },
    P.PREPARING: _alive()
    | {
        E.PREPARED: Row(P.LAUNCHING, (O.LAUNCH,)),
        E.LAUNCH_FAILED: Row(P.FAILING, CLEAR),
        E.STOP_REQUESTED: Row(P.CANCELLING, CLEAR),
        E.WAIT_EXCEEDED: Row(P.CANCELLING, CLEAR),
        E.RUNTIME_EXCEEDED: Row(P.CANCELLING, CLEAR),
    },
    P.LAUNCHING: _alive()
    | {
        E.EXECUTED: Row(P.RUNNING),
        E.LAUNCH_FAILED: Row(P.FAILING, CLEAR),
        E.LOST: Row(P.FAILING, CLEAR),
        E.STOP_REQUESTED: Row(P.STOPPING, STOP),
        E.WAIT_EXCEEDED: Row(P.STOPPING, STOP),
        E.RUNTIME_EXCEEDED: Row(P.STOPPING, STOP),
    },
    P.RUNNING: _alive()
    | {
        E.SUCCEEDED: Row(P.UPLOADING_COMPLETED, SAVE),
        E.FAILED: Row(P.UPLOADING_FAILED, SAVE),
        E.LOST: Row(P.UPLOADING_FAILED, SAVE),
        E.STOP_REQUESTED: Row(P.STOPPING, STOP),
        E.RUNTIME_EXCEEDED: Row(P.STOPPING, STOP),
        E.WAIT_EXCEEDED: Row(P.STOPPING, STOP),
        E.TIMED_OUT: Row(P.TIMING_OUT, STOP),
        E.INTERRUPTED: Row(P.INTERRUPTED, STOP),
    },
    # The signal is out already: whatever comes now changes where this leads, never the signal or its deadline.
    P.INTERRUPTED: _alive()
    | {
        E.SUCCEEDED: Row(P.PENDING, (O.ADMIT,)),
        E.FAILED: Row(P.PENDING, (O.ADMIT,)),
        E.LOST: Row(P.UPLOADING_FAILED, SAVE),
        E.INTERRUPTED: Row(P.INTERRUPTED),
        E.STOP_REQUESTED: Row(P.STOPPING),
        E.RUNTIME_EXCEEDED: Row(P.STOPPING),
        E.WAIT_EXCEEDED: Row(P.STOPPING),
    },
    P.TIMING_OUT: _alive()
    | {
        E.SUCCEEDED: Row(P.UPLOADING_FAILED, SAVE),
        E.FAILED: Row(P.UPLOADING_FAILED, SAVE),
        E.LOST: Row(P.UPLOADING_FAILED, SAVE),
        E.TIMED_OUT: Row(P.TIMING_OUT),
        E.INTERRUPTED: R.OVERTAKEN,
        E.STOP_REQUESTED: Row(P.STOPPING),
    },
    P.CANCELLING: _going_on(P.CANCELLING) | {E.LAUNCH_FAILED: R.OVERTAKEN, E.CLEARED: Row(P.STOPPED)},
    P.STOPPING: _going_on(P.STOPPING)
    | {
        E.EXECUTED: Row(P.STOPPING),
        E.LAUNCH_FAILED: Row(P.CANCELLING, CLEAR),
        E.SUCCEEDED: Row(P.UPLOADING_STOPPED, SAVE),
        E.FAILED: Row(P.UPLOADING_STOPPED, SAVE),
        E.LOST: Row(P.UPLOADING_STOPPED, SAVE),
    },
    # A program that ended by itself just before: the stop was answered with 200, so the job ends Stopped. Its
    # exit code is on record.
    P.FAILING: _alive()
    | dict.fromkeys(_LIMITS, R.OVERTAKEN)
    | {E.STOP_REQUESTED: Row(P.CANCELLING), E.CLEARED: Row(P.FAILED)},
    P.UPLOADING_COMPLETED: _alive()
    | dict.fromkeys(_LIMITS, R.OVERTAKEN)
    | {E.STOP_REQUESTED: Row(P.UPLOADING_STOPPED), E.CLEARED: Row(P.COMPLETED)},
    P.UPLOADING_FAILED: _alive()
    | dict.fromkeys(_LIMITS, R.OVERTAKEN)
    | {E.STOP_REQUESTED: Row(P.UPLOADING_STOPPED), E.CLEARED: Row(P.FAILED)},
    P.UPLOADING_STOPPED: _going_on(P.UPLOADING_STOPPED) | {E.CLEARED: Row(P.STOPPED)},
    P.COMPLETED: _DONE | {E.DELETE_REQUESTED: Row(P.DELETING, (O.ERASE,))},
    P.FAILED: _DONE | {E.DELETE_REQUESTED: Row(P.DELETING, (O.ERASE,))},
    P.STOPPED: _DONE | {E.DELETE_REQUESTED: Row(P.DELETING, (O.ERASE,))},
    P.DELETING: _DONE | {E.DELETE_REQUESTED: R.ENDED, E.ERASED: Row(P.DELETED)},
    P.DELETED: dict.fromkeys(E, R.GONE),
}

CAUSES = {
    Event.STOP_REQUESTED: Cause.REQUESTED,
    Event.RUNTIME_EXCEEDED: Cause.RUNTIME_EXCEEDED,
    Event.TIMED_OUT: Cause.TIMED_OUT,
    Event.WAIT_EXCEEDED: Cause.WAIT_EXCEEDED,
    Event.INTERRUPTED: Cause.INTERRUPTED,
}

_OVERRULED = frozenset({Cause.INTERRUPTED, Cause.TIMED_OUT})
"""Causes that do not end a job as Stopped, so that a stop which does takes their place."""


def begin() -> Step:
    """A job that has just been recorded."""
    return Step(State(), (Order.ADMIT,))


def advance(state: State, event: Event) -> Step | Refusal:
    """What `event` does to a job in `state`: the next state with what to do, or why nothing changes."""
    cell = TABLE[state.phase][event]
    if isinstance(cell, Refusal):
        return cell
    return Step(State(cell.phase, _cause(state, event, cell.phase)), cell.orders)


def _cause(state: State, event: Event, phase: Phase) -> Cause | None:
    if phase is Phase.PENDING:
        return None
    new = CAUSES.get(event)
    if state.cause is None or (state.cause in _OVERRULED and new is not None and phase.is_stopping):
        return new or state.cause
    return state.cause
