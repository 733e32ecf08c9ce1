"""The histories that SageMaker documents, or that were seen in its logs, and that the table must be able to tell."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import pytest

from runner.lifecycle.phases import Event as E
from runner.lifecycle.phases import Order, Phase
from runner.lifecycle.statuses import compilation_status, secondary, training_status, tuning_status
from runner.lifecycle.transitions import State, Step, advance, begin

RUNNING = (E.ADMITTED, E.PREPARED, E.EXECUTED)
INTERRUPTED = (*RUNNING, E.INTERRUPTED, E.FAILED)
STOPPED = (E.STOP_REQUESTED, E.FAILED, E.CLEARED)
DELETED = (E.DELETE_REQUESTED, E.ERASED)


def history(events: Sequence[E]) -> list[State]:
    """The states that these events lead through; every one of them must be accepted."""
    states = [begin().state]
    for event in events:
        step = advance(states[-1], event)
        assert isinstance(step, Step), f"{event} in {states[-1]}: {step}"
        states.append(step.state)
    return states


def orders(events: Sequence[E]) -> list[Order]:
    """All that these events ask of the supervisor."""
    state, asked = begin()
    all_of_them = list(asked)
    for event in events:
        step = advance(state, event)
        assert isinstance(step, Step)
        state = step.state
        all_of_them.extend(step.orders)
    return all_of_them


def collapsed(words: Sequence[str]) -> str:
    return " ".join(word for word, _ in groupby(words))


COMPILATION = {
    "completed": ((*RUNNING, E.SUCCEEDED, E.CLEARED), "STARTING INPROGRESS COMPLETED"),
    "failed": ((*RUNNING, E.FAILED, E.CLEARED), "STARTING INPROGRESS FAILED"),
    "stopped-while-starting": ((E.STOP_REQUESTED, E.CLEARED), "STARTING STOPPING STOPPED"),
    "stopped-while-preparing": ((E.ADMITTED, E.STOP_REQUESTED, E.CLEARED), "STARTING STOPPING STOPPED"),
    "stopped": ((*RUNNING, *STOPPED), "STARTING INPROGRESS STOPPING STOPPED"),
    "stopped-and-exits-0": (
        (*RUNNING, E.STOP_REQUESTED, E.SUCCEEDED, E.CLEARED),
        "STARTING INPROGRESS STOPPING STOPPED",
    ),
    "timed-out": ((*RUNNING, E.TIMED_OUT, E.FAILED, E.CLEARED), "STARTING INPROGRESS FAILED"),
    "timed-out-and-exits-0": ((*RUNNING, E.TIMED_OUT, E.SUCCEEDED, E.CLEARED), "STARTING INPROGRESS FAILED"),
    "stopped-while-timing-out": (
        (*RUNNING, E.TIMED_OUT, E.STOP_REQUESTED, E.FAILED, E.CLEARED),
        "STARTING INPROGRESS STOPPING STOPPED",
    ),
}

TRAINING = {
    "completed": ((*RUNNING, E.SUCCEEDED, E.CLEARED), "InProgress Completed"),
    "failed": ((*RUNNING, E.FAILED, E.CLEARED), "InProgress Failed"),
    "stopped": ((*RUNNING, *STOPPED), "InProgress Stopping Stopped"),
    "max-runtime": ((*RUNNING, E.RUNTIME_EXCEEDED, E.FAILED, E.CLEARED), "InProgress Stopping Stopped"),
    "max-wait": ((*RUNNING, E.WAIT_EXCEEDED, E.FAILED, E.CLEARED), "InProgress Stopping Stopped"),
    "completed-deleted": ((*RUNNING, E.SUCCEEDED, E.CLEARED, *DELETED), "InProgress Completed Deleting"),
    "failed-deleted": ((*RUNNING, E.FAILED, E.CLEARED, *DELETED), "InProgress Failed Deleting"),
    "stopped-deleted": ((*RUNNING, *STOPPED, *DELETED), "InProgress Stopping Stopped Deleting"),
    "interrupted": (INTERRUPTED, "InProgress"),
}

TUNING = {
    "completed": ((*RUNNING, E.SUCCEEDED, E.CLEARED), "InProgress Completed"),
    "failed": ((*RUNNING, E.FAILED, E.CLEARED), "InProgress Failed"),
    "stopped": ((*RUNNING, *STOPPED), "InProgress Stopping Stopped"),
}

SECONDARY = {
    "completed": ((*RUNNING, E.SUCCEEDED, E.CLEARED), "Starting Downloading Training Uploading Completed"),
    "failed": ((*RUNNING, E.FAILED, E.CLEARED), "Starting Downloading Training Uploading Failed"),
    "could-not-be-executed": ((E.ADMITTED, E.PREPARED, E.LAUNCH_FAILED, E.CLEARED), "Starting Downloading Failed"),
    "inputs-missing": ((E.ADMITTED, E.LAUNCH_FAILED, E.CLEARED), "Starting Downloading Failed"),
    "stopped-in-the-queue": ((E.STOP_REQUESTED, E.CLEARED), "Starting Stopping Stopped"),
    "stopped-before-the-container-runs": (
        (E.ADMITTED, E.STOP_REQUESTED, E.CLEARED),
        "Starting Downloading Stopping Stopped",
    ),
    "stopped-at-launch-and-could-not-be-executed": (
        (E.ADMITTED, E.PREPARED, E.STOP_REQUESTED, E.LAUNCH_FAILED, E.CLEARED),
        "Starting Downloading Stopping Stopped",
    ),
    "stopped-during-training": ((*RUNNING, *STOPPED), "Starting Downloading Training Stopping Uploading Stopped"),
    "stopped-during-training-and-exits-0": (
        (*RUNNING, E.STOP_REQUESTED, E.SUCCEEDED, E.CLEARED),
        "Starting Downloading Training Stopping Uploading Stopped",
    ),
    "max-runtime": (
        (*RUNNING, E.RUNTIME_EXCEEDED, E.FAILED, E.CLEARED),
        "Starting Downloading Training Stopping Uploading MaxRuntimeExceeded",
    ),
    "max-wait": (
        (*RUNNING, E.WAIT_EXCEEDED, E.FAILED, E.CLEARED),
        "Starting Downloading Training Stopping Uploading MaxWaitTimeExceeded",
    ),
    "spot-never-launched": ((E.WAIT_EXCEEDED, E.CLEARED), "Starting Stopping MaxWaitTimeExceeded"),
    "spot-interrupted-once": (
        (*INTERRUPTED, *RUNNING, E.SUCCEEDED, E.CLEARED),
        "Starting Downloading Training Interrupted Starting Downloading Training Uploading Completed",
    ),
    "spot-interrupted-once-exits-0": (
        (*RUNNING, E.INTERRUPTED, E.SUCCEEDED, *RUNNING, E.SUCCEEDED, E.CLEARED),
        "Starting Downloading Training Interrupted Starting Downloading Training Uploading Completed",
    ),
    "spot-interrupted-twice-and-wait-exceeded": (
        (*INTERRUPTED, *INTERRUPTED, *RUNNING, E.WAIT_EXCEEDED, E.FAILED, E.CLEARED),
        "Starting Downloading Training Interrupted Starting Downloading Training Interrupted "
        "Starting Downloading Training Stopping Uploading MaxWaitTimeExceeded",
    ),
    "spot-wait-exceeded-while-waiting-again": (
        (*INTERRUPTED, E.WAIT_EXCEEDED, E.CLEARED),
        "Starting Downloading Training Interrupted Starting Stopping MaxWaitTimeExceeded",
    ),
    "stopped-while-interrupted": (
        (*RUNNING, E.INTERRUPTED, E.STOP_REQUESTED, E.FAILED, E.CLEARED),
        "Starting Downloading Training Interrupted Stopping Uploading Stopped",
    ),
    "stopped-then-max-runtime": (
        (*RUNNING, E.STOP_REQUESTED, E.RUNTIME_EXCEEDED, E.FAILED, E.CLEARED),
        "Starting Downloading Training Stopping Uploading Stopped",
    ),
    "stopped-while-uploading": (
        (*RUNNING, E.SUCCEEDED, E.STOP_REQUESTED, E.CLEARED),
        "Starting Downloading Training Uploading Stopped",
    ),
    "keeper-lost": ((*RUNNING, E.LOST, E.CLEARED), "Starting Downloading Training Uploading Failed"),
    "keeper-lost-while-stopping": (
        (*RUNNING, E.STOP_REQUESTED, E.LOST, E.CLEARED),
        "Starting Downloading Training Stopping Uploading Stopped",
    ),
}


@pytest.mark.parametrize(("events", "expected"), COMPILATION.values(), ids=COMPILATION.keys())
def test_compilation_statuses(events: Sequence[E], expected: str) -> None:
    assert collapsed([compilation_status(state.phase).value for state in history(events)]) == expected


@pytest.mark.parametrize(("events", "expected"), TRAINING.values(), ids=TRAINING.keys())
def test_training_statuses(events: Sequence[E], expected: str) -> None:
    assert collapsed([training_status(state.phase).value for state in history(events)]) == expected


@pytest.mark.parametrize(("events", "expected"), TUNING.values(), ids=TUNING.keys())
def test_tuning_statuses(events: Sequence[E], expected: str) -> None:
    assert collapsed([tuning_status(state.phase).value for state in history(events)]) == expected


@pytest.mark.parametrize(("events", "expected"), SECONDARY.values(), ids=SECONDARY.keys())
def test_secondary_statuses(events: Sequence[E], expected: str) -> None:
    assert collapsed([secondary(state).status.value for state in history(events)]) == expected


def test_messages_of_a_stopped_training() -> None:
    assert [text for text, _ in groupby(secondary(state).message for state in history((*RUNNING, *STOPPED)))] == [
        "Starting the training job",
        "Downloading input data",
        "Training image download completed. Training in progress.",
        "Stopping the training job",
        "Uploading generated training model",
        "Training job stopped",
    ]


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (E.WAIT_EXCEEDED, "Training job wait time exceeded MaxWaitTimeInSeconds provided"),
        (E.RUNTIME_EXCEEDED, "Training job runtime exceeded MaxRuntimeInSeconds provided"),
        (E.STOP_REQUESTED, "Training job stopped"),
    ],
)
def test_the_last_message_tells_the_cause(event: E, message: str) -> None:
    assert secondary(history((*RUNNING, event, E.FAILED, E.CLEARED))[-1]).message == message


def test_a_stop_before_the_program_ran_uploads_and_signals_nothing() -> None:
    assert orders((E.ADMITTED, E.STOP_REQUESTED, E.CLEARED)) == [Order.ADMIT, Order.PREPARE, Order.CLEAR]


def test_a_stop_is_ordered_in_the_order_of_the_design() -> None:
    assert orders((*RUNNING, *STOPPED)) == [
        Order.ADMIT,
        Order.PREPARE,
        Order.LAUNCH,
        Order.STOP,
        Order.UPLOAD,
        Order.CLEAR,
    ]


def test_case_12_a_stop_in_the_queue_never_launches() -> None:
    assert Order.LAUNCH not in orders((E.STOP_REQUESTED, E.CLEARED))


def test_a_stop_between_launch_and_exec_is_a_stop_of_the_program() -> None:
    states = history((E.ADMITTED, E.PREPARED, E.STOP_REQUESTED, E.EXECUTED, E.FAILED, E.CLEARED))
    assert [state.phase for state in states[3:]] == [
        Phase.STOPPING,
        Phase.STOPPING,
        Phase.UPLOADING_STOPPED,
        Phase.STOPPED,
    ]


def test_a_deleted_job_leaves_its_records_last() -> None:
    assert orders((*RUNNING, *STOPPED, *DELETED))[-1] is Order.ERASE
