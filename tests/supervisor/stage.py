"""A supervisor over the fake backend, on virtual time: what the tests of this folder play on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from runner.backends.base import Backend, Fact
from runner.jobs.base import Kind
from runner.jobs.shared import GRACE_TAG
from runner.lifecycle.facts import FactName
from runner.supervisor.options import Options, Policy
from runner.supervisor.service import Service
from runner.testing import clock
from runner.testing.clock import VirtualClock
from runner.testing.fake import FakeBackend
from runner.testing.programs import NEVER, NotExecuted, Output, Program, Reaction
from tests.jobs.requests import Request, compilation, training, tuning

TRAINING, COMPILATION, TUNING = Kind.TRAINING, Kind.COMPILATION, Kind.TUNING

PROGRAMS: Mapping[str, Program] = {
    "good": Program(on_term=Reaction(3.0)),
    "busy": Program(on_term=Reaction(3.0, code=7)),
    "deaf": Program(on_term=None),
    "quick": Program(lasts=5.0),
    "failing": Program(lasts=5.0, code=1),
    "crashing": Program(lasts=5.0, code=None, signal="SIGSEGV"),
    "slow-to-start": Program(executed_after=5.0),
    "missing": Program(not_executed=NotExecuted(127, "'missing' was not found")),
    "unkillable": Program(on_term=None, dies_after=NEVER),
    "measured": Program(lasts=10.0, output=[Output(1.0, "accuracy=0.25"), Output(9.0, "accuracy=0.75")]),
    "talkative": Program(output=[Output(1.0, "epoch 1"), Output(2.0, "epoch 2"), Output(30.0, "epoch 3")]),
}


class Stage:
    """One data directory, its backend, and the supervisors that come and go."""

    def __init__(self, data_dir: Path, backend: FakeBackend, virtual: VirtualClock, options: Options) -> None:
        self.data_dir = data_dir
        self.backend = backend
        self.clock = virtual
        self.options = options
        self.service = self._new()

    def _new(self) -> Service:
        return Service(self.data_dir, self.backend, self.options)

    async def train(self, program: str, name: str = "job", **members: Any) -> str:
        return await self.service.create(TRAINING, request(program, name, **members))

    async def tune(self, program: str, name: str = "search", *, jobs: int = 4, parallel: int = 2, **more: Any) -> str:
        return await self.service.create(TUNING, search(program, name, jobs, parallel, **more))

    async def crash(self, *, policy: Policy | None = None) -> None:
        """The supervisor is killed: nothing that it has not committed happens, and nothing is closed."""
        if self.service._lock is None:
            return
        self.backend.disconnect()
        core = self.service._core
        for running in core._workers._running:
            running.cancel()
        for handle in (core.engine._due, core.engine._idle, *(live.timer for live in core.engine.lives.values())):
            if handle is not None:
                handle.cancel()
        core.engine._works.clear()
        core.engine._grown.clear()
        core.database.close()
        self.service._lock.release()
        self.service._lock = None
        if policy is not None:
            self.options = self.options._replace(policy=policy)

    async def restart(self) -> None:
        """Another supervisor takes the data directory."""
        self.service = self._new()
        await self.service.open()

    async def until(self, name: str, condition: Callable[[dict[str, Any]], bool], kind: Kind = TRAINING) -> None:
        """Until the job's summary is so; at most an hour of virtual time."""
        for _ in range(36_000):
            if condition(await self.service.summary(kind, name)):
                return
            await asyncio.sleep(0.1)
        raise AssertionError(await self.service.summary(kind, name))

    async def phase(self, name: str, *phases: str, kind: Kind = TRAINING) -> None:
        await self.until(name, lambda summary: summary["phase"] in phases, kind)

    async def path(self, name: str) -> list[str]:
        """The secondary statuses of a training job."""
        described = await self.service.describe(TRAINING, name)
        return [entry["Status"] for entry in described["SecondaryStatusTransitions"]]

    async def facts(self, name: str, fact: FactName) -> list[Fact]:
        report = await self.service.report(TRAINING, name)
        return [found for found in report["facts"] if found["fact"] == fact.value]


def request(program: str, name: str = "job", *, grace: float | None = None, **members: Any) -> Request:
    algorithm = {"ContainerEntrypoint": [program]}
    tags = [] if grace is None else [{"Key": GRACE_TAG, "Value": str(grace)}]
    return training(TrainingJobName=name, AlgorithmSpecification=algorithm, Tags=tags, **members)


def compiling(name: str = "job", **members: Any) -> Request:
    """A compilation of a framework whose local compiler is the program "failing" or another one of the options."""
    return compilation(CompilationJobName=name, **members)


def search(program: str, name: str, jobs: int, parallel: int, *, grace: float | None = None) -> Request:
    found = tuning(HyperParameterTuningJobName=name)
    found["HyperParameterTuningJobConfig"]["ResourceLimits"] = {
        "MaxNumberOfTrainingJobs": jobs,
        "MaxParallelTrainingJobs": parallel,
    }
    metrics = [{"Name": "accuracy", "Regex": "accuracy=([0-9.]+)"}]
    found["TrainingJobDefinition"]["AlgorithmSpecification"] = {
        "ContainerEntrypoint": [program],
        "MetricDefinitions": metrics,
    }
    if grace is not None:
        found["Tags"] = [{"Key": GRACE_TAG, "Value": str(grace)}]
    return found


def several(jobs: int, parallel: int = 1, **limits: int) -> dict[str, Any]:
    """A tuning job with three definitions: one that is measured, one that aims low, one with a grid's end."""
    tuning = search("measured", "search", jobs, parallel)
    base = tuning.pop("TrainingJobDefinition")
    config = tuning["HyperParameterTuningJobConfig"]
    del config["ParameterRanges"], config["HyperParameterTuningJobObjective"]
    config["ResourceLimits"] |= limits
    metrics = [{"Name": name, "Regex": "accuracy=([0-9.]+)"} for name in ("accuracy", "loss")]
    algorithm = base["AlgorithmSpecification"] | {"MetricDefinitions": metrics}
    tuning["TrainingJobDefinitions"] = [
        base
        | {
            "DefinitionName": name,
            "AlgorithmSpecification": algorithm,
            "TuningObjective": {"Type": goal, "MetricName": metric},
            "HyperParameterRanges": {"CategoricalParameterRanges": [{"Name": name, "Values": values}]},
            "StaticHyperParameters": {"of": name},
            "StoppingCondition": {"MaxRuntimeInSeconds": runtime},
        }
        for name, goal, metric, values, runtime in (
            ("a", "Maximize", "accuracy", ["1", "2", "3"], 60),
            ("b", "Minimize", "loss", ["4", "5", "6"], 70),
            ("c", "Maximize", "accuracy", ["7"], 80),
        )
    ]
    return tuning


Scenario = Callable[[Stage], Awaitable[None]]


def play(
    data_dir: Path, scenario: Scenario, *, backend: FakeBackend | None = None, options: Options | None = None
) -> None:
    """Run a scenario with a supervisor that is open."""
    virtual = VirtualClock()
    found = Options(policy=Policy.SERVE) if options is None else options

    async def main() -> None:
        stage = Stage(data_dir, backend or FakeBackend(PROGRAMS), virtual, found)
        await stage.service.open()
        try:
            await scenario(stage)
        finally:
            await stage.backend.close()
            await stage.crash()

    clock.run(main(), virtual)


class Hesitant(FakeBackend):
    """Does not come to the orders that it is told to hold back: a supervisor may be killed before they are given."""

    def __init__(self) -> None:
        super().__init__(PROGRAMS)
        self.held: set[str] = set()

    async def launch(self, launch: Any) -> None:
        await self._hold("launch")
        await super().launch(launch)

    async def stop(self, stops: Any) -> None:
        await self._hold("stop")
        await super().stop(stops)

    async def forget(self, job: str) -> None:
        await self._hold("forget")
        await super().forget(job)

    async def _hold(self, order: str) -> None:
        if order in self.held:
            await asyncio.get_running_loop().create_future()


__all__ = ["COMPILATION", "PROGRAMS", "TRAINING", "TUNING", "Backend", "Hesitant", "Stage", "compiling", "play"]
