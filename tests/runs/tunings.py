"""Tuning jobs for tests, and what their trainings show of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from runner import Job, Objective, Runner
from runner.lifecycle.facts import FactName
from runner.lifecycle.stops import Isolation
from tests.runs.seeing import PATIENCE, Trail
from tests.waiting import wait_until

ACCURACY = Objective("accuracy", "accuracy=([0-9.]+)")


def tune(runner: Runner, isolation: Isolation, command: Sequence[str], **options: Any) -> Job:
    """A search over one learning rate."""
    return runner.tune(
        command,
        ranges={"learning-rate": (0.05, 1.0)},
        objective=ACCURACY,
        isolation=isolation,
        **{"max_jobs": 8, "max_parallel": 3, **options},
    )


def children(runner: Runner, job: Job, count: int, *, ready: str = "ready") -> list[Trail]:
    """The trails of its trainings, once there are so many and all have `ready` in their logs."""

    def all_ready() -> list[Trail]:
        found = [Trail(runner, training) for training in job.trainings()]
        return found if len(found) == count and all(ready in trail.log() for trail in found) else []

    return wait_until(
        all_ready,
        within=PATIENCE,
        saying=lambda: f"not {count} trainings: {[training.summary() for training in job.trainings()]}",
    )


def most_at_once(trails: Sequence[Trail]) -> int:
    """How many of these ran at the same time, by their journals: from the order to run it until nothing is left."""
    changes = [(trail.one(FactName.LAUNCH)["t"], 1) for trail in trails]
    changes += [(trail.one(FactName.GONE)["t"], -1) for trail in trails]
    running, most = 0, 0
    for _, change in sorted(changes):
        running += change
        most = max(most, running)
    return most


def number(trail: Trail) -> int:
    """NNN of `<tuning>-NNN-<8 hex>`."""
    match = re.search(r"-(\d{3})-[0-9a-f]{8}$", trail.key)
    assert match is not None, trail.key
    return int(match[1])
