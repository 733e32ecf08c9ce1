"""Drives tuning jobs: launches their trainings, stops them, and tells when the last one has ended.

It remembers nothing: each step is decided from the records, so that a supervisor that was killed goes on where it
was, and launches no training twice.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import os
from collections.abc import Callable, Mapping
from typing import Any

from runner import clock
from runner.jobs import children
from runner.jobs.base import Kind
from runner.lifecycle.facts import KillReason
from runner.lifecycle.phases import Event, Order, Phase
from runner.records import jobs, results
from runner.records.database import Database
from runner.records.jobs import Record
from runner.supervisor import folders, tagging
from runner.supervisor.changes import Change
from runner.supervisor.counted import DEFINITION, objective
from runner.supervisor.engine import Engine
from runner.supervisor.live import Live
from runner.supervisor.orders import NOTHING, Outcome
from runner.supervisor.workers import Task
from runner.tuning import plan, search
from runner.tuning.space import space

LAUNCHED = "launched"
"""Result of a tuning job: how many trainings it has launched, deleted ones included."""
HYPERPARAMETERS = "hyperparameters"
"""Result of a training: the values that the search has picked for it."""


class Tuner:
    """Carries out the orders of tuning jobs; their "program" is the search."""

    def __init__(
        self,
        database: Database,
        engine: Engine,
        add: Callable[[Change, Live, Mapping[str, Any]], Live],
        kill: Callable[[Live, KillReason], None],
    ) -> None:
        """`add` records a training of a tuning job from its request; `kill` ends a job without waiting."""
        self._database = database
        self._engine = engine
        self._add = add
        self._kill = kill

    async def carry_out(self, live: Live, task: Task) -> Outcome:
        """See `Orders`."""
        match task:
            case Order.ADMIT:
                return Outcome(Event.ADMITTED)
            case Order.PREPARE:
                return Outcome(Event.PREPARED)
            case Order.LAUNCH:
                return _started(live)
            case Order.STOP:
                await self._engine.certainly(lambda change: self._stop(change, live))
            case Order.CLEAR:
                return Outcome(Event.CLEARED)
            case Order.ERASE:
                await asyncio.to_thread(folders.remove, live.folder)
                return Outcome(Event.ERASED)
            case KillReason():
                for child in self._running(live):
                    self._kill(child, task)
        return NOTHING

    def changed(self, live: Live, before: Record) -> None:
        """A job's record has changed: perhaps a search can go on."""
        if live.kind is Kind.TUNING and live.phase is not before.state.phase:
            self.take_up(live)
        parent = self._engine.lives.get(f"{Kind.TUNING.value}/{live.record.parent}")
        if live.record.parent is not None and parent is not None and live.phase.is_terminal:
            self.take_up(parent)

    def take_up(self, live: Live) -> None:
        """Decide what comes next in this search."""
        self._engine.post_work(lambda change: self._step(change, live))

    def _step(self, change: Change, live: Live) -> None:
        phase = change.record(live).state.phase
        rows = list(jobs.children(self._database, live.record))
        running = sum(not row.state.phase.is_terminal for row in rows)
        if phase is Phase.RUNNING:
            self._search(change, live, rows, running)
        elif phase is Phase.STOPPING and not running:
            change.advance(live, Event.SUCCEEDED, clock.wall_ns())

    def _search(self, change: Change, live: Live, rows: list[Record], running: int) -> None:
        launched = int(results.read(self._database, live.record.id).get(LAUNCHED, 0))
        finished = [self._outcome(live, row) for row in rows if row.state.phase.is_terminal]
        match plan.next_step(_limits(live), launched, running, finished):
            case plan.Launch(count):
                self._launch(change, live, launched, count)
            case plan.Finish(""):
                change.advance(live, Event.SUCCEEDED, clock.wall_ns())
            case plan.Finish(failure):
                change.advance(live, Event.FAILED, clock.wall_ns(), failure=failure)

    def _launch(self, change: Change, live: Live, launched: int, count: int) -> None:
        config = live.spec.request["HyperParameterTuningJobConfig"]
        seed = config.get("RandomSeed", live.spec.name)
        searches = [
            search.points(space(one.ranges), config["Strategy"], f"{seed}/{which}" if which else seed)
            for which, one in enumerate(children.definitions(live.spec.request))
        ]
        chosen = list(itertools.islice(search.in_turn(searches), launched, launched + count))
        tuning = tagging.tagged(self._database, live.record, live.spec.request)
        for number, (which, point) in enumerate(chosen, start=launched + 1):
            request = children.training_request(tuning, number, os.urandom(4).hex(), point, which)
            child = self._add(change, live, request)
            change.add_results(child, {HYPERPARAMETERS: dict(point), DEFINITION: which})
        change.add_results(live, {LAUNCHED: launched + len(chosen)})

    def _stop(self, change: Change, live: Live) -> None:
        """All of them in one transaction: every one is Stopping before the first has ended."""
        given = change.record(live).grace
        for child in self._running(live):
            own = {} if given == live.spec.grace or child.phase.is_stopping else {"grace": given}
            change.advance(child, Event.STOP_REQUESTED, clock.wall_ns(), **own)
        self.take_up(live)

    def _running(self, live: Live) -> list[Live]:
        return [child for child in self._engine.lives.values() if child.record.parent == live.spec.name]

    def _outcome(self, live: Live, row: Record) -> plan.Outcome:
        if row.state.cause is not None:
            return plan.Outcome.STOPPED
        if row.failure is not None:
            return plan.Outcome.FAILED
        measured = objective(live.spec.request, results.read(self._database, row.id)) is not None
        return plan.Outcome.MEASURED if measured else plan.Outcome.UNMEASURED


def _started(live: Live) -> Outcome:
    note = search.note(live.spec.request["HyperParameterTuningJobConfig"]["Strategy"])
    times = {"started": clock.wall_ns(), "executed": clock.monotonic_ns()}
    return Outcome(Event.EXECUTED, times, {"note": note} if note else {})


def _limits(live: Live) -> plan.Limits:
    config = live.spec.request["HyperParameterTuningJobConfig"]
    limits = config["ResourceLimits"]
    total = limits.get("MaxNumberOfTrainingJobs")
    if config["Strategy"] == "Grid":
        size = sum(_grid(one.ranges) for one in children.definitions(live.spec.request))
        total = size if total is None else min(size, total)
    return plan.Limits(parallel=limits["MaxParallelTrainingJobs"], total=total)


def _grid(ranges: Mapping[str, Any]) -> int:
    """How many points a grid has."""
    return math.prod(len(set(item["Values"])) for item in ranges.get("CategoricalParameterRanges") or ())
