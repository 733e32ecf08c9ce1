"""The transition table, whatever comes in whatever order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from runner.lifecycle.phases import TERMINAL, Cause, Event, Order, Phase, Refusal
from runner.lifecycle.statuses import compilation_status, secondary, training_status, tuning_status
from runner.lifecycle.transitions import TABLE, Row, State, Step, advance, begin

LENGTH = 5
AFTER_DELETION = (Phase.DELETING, Phase.DELETED)
FIRST_ENDS = [phase for phase in Phase if phase in TERMINAL and phase not in AFTER_DELETION]


class Life(NamedTuple):
    """What a job has come to, and what was ordered of its present attempt."""

    state: State
    launched: bool = False
    stops: int = 0

    def after(self, step: Step) -> Life:
        launched, stops = self.launched, self.stops
        for order in step.orders:
            if order is Order.LAUNCH:
                launched, stops = True, 0
            stops += order is Order.STOP
        return Life(step.state, launched, stops)


def broken_rules(before: Life, event: Event, step: Step) -> list[str]:
    """What this step breaks of the rules that hold for every job."""
    old, new = before.state.phase, step.state.phase
    signals = Order.STOP in step.orders
    deletes = new is Phase.DELETING and event is Event.DELETE_REQUESTED
    rules = {
        "an end is left by a deletion only": old not in FIRST_ENDS or deletes,
        "a deleted job stays so": old not in AFTER_DELETION or new in AFTER_DELETION,
        "no signal after the end": not (signals and old in TERMINAL),
        "no signal without a program": not signals or before.launched,
        "no signal during a stop": not (signals and old.is_stopping),
        "one stop an attempt": before.after(step).stops <= 1,
    }
    return [f"{rule}: {event} in {before}" for rule, holds in rules.items() if not holds]


def lives(life: Life, length: int) -> Iterator[tuple[Life, Event, Step | Refusal]]:
    """Every step of every order of events up to `length`."""
    for event in Event:
        step = advance(life.state, event)
        yield life, event, step
        if length > 1:
            yield from lives(life if isinstance(step, Refusal) else life.after(step), length - 1)


def reachable() -> set[Life]:
    """Every life there is, by orders of events of any length."""
    first = Life(State()).after(begin())
    seen, todo = {first}, [first]
    while todo:
        life = todo.pop()
        for event in Event:
            step = advance(life.state, event)
            if not isinstance(step, Refusal) and (new := life.after(step)) not in seen:
                seen.add(new)
                todo.append(new)
    return seen


def test_a_job_begins_pending_and_asks_for_a_place() -> None:
    assert begin() == Step(State(Phase.PENDING, None), (Order.ADMIT,))


def test_every_cell_is_a_row_or_a_refusal() -> None:
    assert set(TABLE) == set(Phase)
    for phase, cells in TABLE.items():
        assert set(cells) == set(Event), phase
        assert all(isinstance(cell, Row | Refusal) for cell in cells.values()), phase


def test_no_order_of_five_events_breaks_a_rule() -> None:
    count = 0
    for life, event, step in lives(Life(State()).after(begin()), LENGTH):
        count += 1
        if not isinstance(step, Refusal):
            assert broken_rules(life, event, step) == []
    assert count == sum(len(Event) ** length for length in range(1, LENGTH + 1))


def test_no_order_of_events_of_any_length_breaks_a_rule() -> None:
    for life in reachable():
        for event in Event:
            step = advance(life.state, event)
            if not isinstance(step, Refusal):
                assert broken_rules(life, event, step) == []


def test_every_phase_is_reachable() -> None:
    assert {life.state.phase for life in reachable()} == set(Phase)


def test_every_life_can_come_to_an_end() -> None:
    ends = {life for life in reachable() if life.state.phase in TERMINAL}
    lives_left = reachable() - ends
    while True:
        able = {
            life
            for life in lives_left
            for event in Event
            if not isinstance(step := advance(life.state, event), Refusal) and life.after(step) in ends
        }
        if not able:
            break
        ends |= able
        lives_left -= able
    assert lives_left == set()


@pytest.mark.parametrize("phase", FIRST_ENDS)
def test_an_ended_job_refuses_all_but_its_deletion(phase: Phase) -> None:
    accepted = [event for event in Event if not isinstance(advance(State(phase), event), Refusal)]
    assert accepted == [Event.DELETE_REQUESTED]


@pytest.mark.parametrize("phase", FIRST_ENDS)
def test_a_stop_of_an_ended_job_is_refused_as_such(phase: Phase) -> None:
    assert advance(State(phase), Event.STOP_REQUESTED) is Refusal.ENDED


@pytest.mark.parametrize("phase", [phase for phase in Phase if not phase.is_terminal])
def test_a_living_job_takes_a_stop_and_cannot_be_deleted(phase: Phase) -> None:
    step = advance(State(phase), Event.STOP_REQUESTED)
    assert isinstance(step, Step)
    assert step.state.phase.is_stopping
    assert advance(State(phase), Event.DELETE_REQUESTED) is Refusal.NOT_ENDED


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase.is_stopping])
def test_case_7_a_second_stop_changes_nothing(phase: Phase) -> None:
    for cause in (Cause.REQUESTED, Cause.RUNTIME_EXCEEDED, Cause.WAIT_EXCEEDED):
        state = State(phase, cause)
        assert advance(state, Event.STOP_REQUESTED) == Step(state, ())
        assert advance(state, Event.RUNTIME_EXCEEDED) == Step(state, ())
        assert advance(state, Event.WAIT_EXCEEDED) == Step(state, ())


def test_whatever_stops_ends_stopped() -> None:
    """The answer 200 to a stop is a promise: no exit code, loss or failure leads anywhere else."""
    stopping = [life for life in reachable() if life.state.phase.is_stopping]
    for life in stopping:
        for event in Event:
            step = advance(life.state, event)
            if not isinstance(step, Refusal):
                assert step.state.phase.is_stopping or step.state.phase is Phase.STOPPED


def test_a_new_attempt_forgets_the_interruption() -> None:
    step = advance(State(Phase.INTERRUPTED, Cause.INTERRUPTED), Event.FAILED)
    assert step == Step(State(Phase.PENDING, None), (Order.ADMIT,))


@pytest.mark.parametrize("overruled", [Phase.INTERRUPTED, Phase.TIMING_OUT])
def test_a_stop_overrules_what_would_not_end_as_stopped(overruled: Phase) -> None:
    cause = {Phase.INTERRUPTED: Cause.INTERRUPTED, Phase.TIMING_OUT: Cause.TIMED_OUT}[overruled]
    assert advance(State(overruled, cause), Event.STOP_REQUESTED) == Step(State(Phase.STOPPING, Cause.REQUESTED), ())


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase not in AFTER_DELETION])
def test_stopping_and_the_ends_are_spelled_alike_in_all_job_types(phase: Phase) -> None:
    words = {training_status(phase).value.lower(), tuning_status(phase).value.lower()}
    assert len(words) == 1
    compilation = compilation_status(phase).value.lower()
    if phase.is_stopping or phase in FIRST_ENDS:
        assert words == {compilation}
    else:
        assert compilation in {"starting", "inprogress"}
        assert words == {"inprogress"}


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.DELETED])
def test_every_phase_has_a_secondary_status_with_a_message(phase: Phase) -> None:
    assert secondary(State(phase)).message


def test_a_deleted_job_has_no_secondary_status() -> None:
    with pytest.raises(KeyError):
        secondary(State(Phase.DELETED))
