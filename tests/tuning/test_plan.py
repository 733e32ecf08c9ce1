"""What a tuning job does next."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.tuning.plan import Finish, Launch, Limits, Outcome, Wait, next_step

GOOD, EMPTY, BAD, STOPPED = Outcome.MEASURED, Outcome.UNMEASURED, Outcome.FAILED, Outcome.STOPPED
FIVE_FAILED = (
    "No training job succeeded after 5 attempts. For additional details, please take a look at the training job "
    "failures by listing training jobs for the hyperparameter tuning job."
)


@pytest.mark.parametrize(
    ("limits", "launched", "running", "finished", "step"),
    [
        (Limits(2, 4), 0, 0, [], Launch(2)),
        (Limits(2, 4), 2, 2, [], Wait()),
        (Limits(2, 4), 2, 1, [GOOD], Launch(1)),
        (Limits(2, 4), 3, 2, [BAD], Wait()),
        (Limits(3, 4), 3, 1, [GOOD, BAD], Launch(1)),
        (Limits(2, 4), 4, 1, [GOOD] * 3, Wait()),
        (Limits(2, 4), 4, 0, [GOOD] * 4, Finish()),
        (Limits(2, 4), 4, 0, [GOOD, BAD, BAD, STOPPED], Finish()),
        (Limits(9, 4), 0, 0, [], Launch(4)),
        (Limits(3), 7, 1, [GOOD] * 6, Launch(2)),
        (Limits(2, 9), 5, 0, [BAD] * 5, Finish(FIVE_FAILED)),
        (Limits(4, 9), 8, 3, [BAD] * 5, Wait()),
        (Limits(4, 9), 8, 0, [BAD] * 8, Finish(FIVE_FAILED)),
        (Limits(4, 9), 8, 0, [*[BAD] * 5, GOOD, BAD, BAD], Launch(1)),
        (Limits(2, 9), 5, 0, [BAD] * 4 + [STOPPED], Launch(2)),
        (Limits(2, 3), 3, 0, [BAD] * 3, Finish(FIVE_FAILED.replace("5 attempts", "3 attempts"))),
        (Limits(2, 2), 2, 0, [STOPPED] * 2, Finish()),
    ],
)
def test_the_next_step(
    limits: Limits, launched: int, running: int, finished: list[Outcome], step: Launch | Wait | Finish
) -> None:
    assert next_step(limits, launched, running, finished) == step


@pytest.mark.parametrize("finished", [[EMPTY] * 5, [EMPTY, BAD, BAD, BAD, BAD]])
def test_trainings_without_the_objective_fail_the_search(finished: list[Outcome]) -> None:
    step = next_step(Limits(1, 9), 5, 0, finished)
    assert isinstance(step, Finish)
    assert step.failure.startswith("No objective metrics found after running 5 training jobs.")


@given(st.integers(1, 5), st.integers(1, 20), st.data())
def test_limits_hold_whatever_happens(parallel: int, total: int, data: st.DataObject) -> None:
    limits, launched, running = Limits(parallel, total), 0, 0
    finished: list[Outcome] = []
    while not isinstance(step := next_step(limits, launched, running, finished), Finish):
        if isinstance(step, Launch):
            launched, running = launched + step.more, running + step.more
        else:
            assert running > 0, "it waits for nothing"
            running -= 1
            finished.append(data.draw(st.sampled_from(Outcome)))
        assert running <= parallel
        assert launched <= total
    assert running == 0
    assert step.failure or launched == total


@pytest.mark.parametrize(
    ("status", "objective", "outcome"),
    [("Completed", 0.0, GOOD), ("Completed", None, EMPTY), ("Failed", 0.5, BAD), ("Stopped", 0.5, STOPPED)],
)
def test_outcomes(status: str, objective: float | None, outcome: Outcome) -> None:
    assert Outcome.of(status, objective) is outcome
