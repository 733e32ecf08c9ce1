"""From results so far to what a tuning job does next.

Sources: ResourceLimits of the API reference; the reasons are texts of the service, as users have quoted them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, unique
from typing import NamedTuple

ATTEMPTS = 5
"""Trainings that may end badly before the first good one."""


@unique
class Outcome(Enum):
    """How one training ended, as far as the search goes."""

    MEASURED = "measured"
    """Completed, and its log has the objective."""
    UNMEASURED = "unmeasured"
    """Completed, but its log does not have the objective."""
    FAILED = "failed"
    STOPPED = "stopped"
    """It says nothing about the search."""

    @classmethod
    def of(cls, status: str, objective: float | None) -> Outcome:
        """The outcome of a training that has ended with this `TrainingJobStatus` and this last value, if any."""
        if status == "Completed":
            return cls.UNMEASURED if objective is None else cls.MEASURED
        return cls.FAILED if status == "Failed" else cls.STOPPED


class Limits(NamedTuple):
    """`ResourceLimits`, with the size of a grid taken into account."""

    parallel: int
    """MaxParallelTrainingJobs."""
    total: int | None = None
    """MaxNumberOfTrainingJobs; None: until the tuning job is stopped."""


class Launch(NamedTuple):
    """Launch so many more trainings, now."""

    more: int


@dataclass(frozen=True)
class Wait:
    """Nothing to do until a training ends."""


class Finish(NamedTuple):
    """The tuning job has ended; `failure` is its FailureReason, empty if it is Completed."""

    failure: str = ""


def next_step(limits: Limits, launched: int, running: int, finished: Sequence[Outcome]) -> Launch | Wait | Finish:
    """What to do now. `launched` counts all trainings so far, `running` those of them that have not ended.

    After five failures without a success no more are launched; those that run go on, and if one of them succeeds
    the search goes on (seen: a tuning job with four in parallel failed with eight failures).
    """
    failure = _hopeless(finished, ATTEMPTS)
    left = None if limits.total is None else limits.total - launched
    if failure or (left is not None and left <= 0):
        # Assumed: a search that was too short for five attempts has failed all the same if every one of them has.
        return Wait() if running else Finish(failure or _hopeless(finished, len(finished)))
    room = limits.parallel - running
    count = room if left is None else min(room, left)
    return Launch(count) if count > 0 else Wait()


def _hopeless(finished: Sequence[Outcome], attempts: int) -> str:
    """Why the search fails if that many attempts without any success are enough; empty if it does not."""
    failed, unmeasured = finished.count(Outcome.FAILED), finished.count(Outcome.UNMEASURED)
    if Outcome.MEASURED in finished or attempts == 0:
        return ""
    if failed >= attempts:
        return (
            f"No training job succeeded after {attempts} attempts. For additional details, please take a look at the "
            "training job failures by listing training jobs for the hyperparameter tuning job."
        )
    # Assumed: this text is known from memory of the service alone.
    if failed + unmeasured >= attempts:
        return (
            f"No objective metrics found after running {attempts} training jobs. Please ensure that the "
            "custom algorithm is emitting the objective metric as defined by the regular expression provided."
        )
    return ""
