"""Tuning jobs: `CreateHyperParameterTuningJob`, the trainings it launches, `DescribeHyperParameterTuningJob`.

A tuning job runs no program of its own. `describe` shows `children` of `View.results`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from runner.errors import InvalidRequest
from runner.jobs import builtin, children, endings, shared, unheeded
from runner.jobs.base import Defaults, Kind, Place, Request, Spec, View
from runner.jobs.naming import LONGEST_TUNING, check_name, shown
from runner.jobs.ranges import check_ranges, combinations
from runner.jobs.reading import KnownFault, Part, whole_request
from runner.jobs.training import TRAINING
from runner.lifecycle.phases import Event, Phase
from runner.lifecycle.statuses import tuning_status

STRATEGIES = ("Bayesian", "Random", "Hyperband", "Grid")
_CONFIG = "HyperParameterTuningJobConfig"
_DEFINITION = "TrainingJobDefinition"
_DEFINITIONS = "TrainingJobDefinitions"
MOST_DEFINITIONS = 10
"""The length of `HyperParameterTrainingJobDefinitions` in the service model."""
_RANGES, _OWN_RANGES = "ParameterRanges", "HyperParameterRanges"
_MOST = "MaxNumberOfTrainingJobs"
_RENAMED = {"HyperParameters": "StaticHyperParameters"}
_ECHOED = (_CONFIG, "WarmStartConfig", "Autotune")


class TuningJob:
    """`jobs.base.JobType` of tuning jobs."""

    kind = Kind.TUNING
    name_member = "HyperParameterTuningJobName"
    arn_type = "hyper-parameter-tuning-job"
    runtime_event = Event.RUNTIME_EXCEEDED

    def parse(self, request: Request, defaults: Defaults) -> Spec:
        """The job that the request asks for, its trainings included: none of them can turn out to be invalid later."""
        body = whole_request(request)
        name = check_name(self.name_member, body.text(self.name_member), LONGEST_TUNING)
        wishes = shared.wishes(body, self.kind, defaults)
        config, definitions = body.part(_CONFIG), _definitions(body)
        limits = config.part("ResourceLimits")
        _check_limits(config, limits)
        sizes = [_check_definition(config, definition, bool(body.has("Autotune"))) for definition in definitions]
        if not body.has("Autotune"):  # which would choose ranges that are large enough
            _check_combinations(limits, sizes, _ranges_path(config, definitions))
        for which, (definition, size) in enumerate(zip(definitions, sizes, strict=True)):
            training = children.training_request(request, 1, "0" * 8, dict.fromkeys(size, ""), which)
            _check_training(training, definition, defaults)
        runtime = limits.optional_whole("MaxRuntimeInSeconds", 1)
        return Spec(
            kind=self.kind,
            name=name,
            request=request,
            grace=wishes.grace,
            isolation=wishes.isolation,
            max_runtime=None if runtime is None else float(runtime),
            tags=wishes.tags,
            unheeded=unheeded.told(self.kind, request),
        )

    def config_files(self, spec: Spec, place: Place) -> Mapping[str, Any]:
        """None: there is no program to read them."""
        return {}

    def variables(self, spec: Spec, place: Place, arn: str) -> Mapping[str, str]:
        """None: there is no program to read them."""
        return {}

    def status(self, phase: Phase) -> str:
        """`HyperParameterTuningJobStatus`."""
        return tuning_status(phase).value

    def log_stream(self, name: str, started: datetime) -> tuple[str, str] | None:
        """None: the logs are those of the trainings."""
        return None

    def failure_reason(self, exit_code: int | None, exit_signal: str | None, failure_file: str) -> str:
        """Of a search that was lost; why a search failed by its results, `tuning.plan` says."""
        return endings.LOST

    def timeout_reason(self, spec: Spec) -> str:
        """Not shown by SageMaker: a tuning job does not fail at its time limit."""
        return ""

    def describe(self, view: View, arn: str) -> dict[str, Any]:
        """`DescribeHyperParameterTuningJob`.

        `OverallBestTrainingJob` is there for a warm start with identical data and algorithm, as the API reference
        says; it counts this job's own trainings, its parents being elsewhere.
        """
        launched = view.results.get("children") or ()
        there = view.results.get("counted") or [(child, 1) for child in launched]
        counted = [*there, *view.results.get("deleted", ())]
        best = children.best(view, arn, launched)
        warm = (view.request.get("WarmStartConfig") or {}).get("WarmStartType") == "IdenticalDataAndAlgorithm"
        seconds = int(((view.ended or view.modified) - view.started).total_seconds()) if view.started else None
        answer = shared.present(
            HyperParameterTuningJobName=view.name,
            HyperParameterTuningJobArn=arn,
            HyperParameterTuningJobStatus=self.status(view.state.phase),
            CreationTime=view.created,
            LastModifiedTime=view.modified,
            HyperParameterTuningEndTime=view.ended,
            TrainingJobStatusCounters=children.status_counters(counted),
            ObjectiveStatusCounters=children.objective_counters(counted),
            BestTrainingJob=best,
            OverallBestTrainingJob=best | {"TuningJobName": view.name} if best and warm else None,
            FailureReason=view.failure if view.state.phase is Phase.FAILED else None,
            ConsumedResources=None if seconds is None else {"RuntimeInSeconds": seconds},
        )
        return answer | children.shown(view.request) | shared.echo(view.request, _ECHOED)


def _definitions(body: Part) -> list[Part]:
    if not body.has(_DEFINITIONS):
        return [body.part(_DEFINITION)]
    if body.has(_DEFINITION):
        raise InvalidRequest(_DEFINITIONS, f"must not be there beside {_DEFINITION}")
    definitions = body.parts(_DEFINITIONS)
    if not 1 <= len(definitions) <= MOST_DEFINITIONS:
        raise InvalidRequest(_DEFINITIONS, f"must have 1 to {MOST_DEFINITIONS} definitions, not {len(definitions)}")
    names: set[str] = set()
    for definition in definitions:
        name = definition.optional_text("DefinitionName")
        if name in names:
            raise InvalidRequest(definition.field("DefinitionName"), f"must not be there twice: {shown(name)}")
        names.update([name] if name else [])
    return definitions


def _check_limits(config: Part, limits: Part) -> None:
    strategy = config.choice("Strategy", STRATEGIES)
    limits.whole("MaxParallelTrainingJobs", 1)
    most = limits.optional_whole(_MOST, 1)
    if most is None and strategy != "Grid" and not limits.has("MaxRuntimeInSeconds"):
        raise InvalidRequest(limits.field(_MOST), "is required where MaxRuntimeInSeconds is absent")
    seed = config.optional_whole("RandomSeed", 0)
    if seed is not None and seed >= 2**31:
        raise InvalidRequest(config.field("RandomSeed"), f"must be at most {2**31 - 1}, not {seed}")


def _check_definition(config: Part, definition: Part, autotuned: bool) -> dict[str, float]:
    """Objective, ranges and static parameters. Returns how many values each hyperparameter may take."""
    _check_objective(_either(definition, "TuningObjective", config, "HyperParameterTuningJobObjective"), definition)
    for resources in definition.optional_part(children.OTHER_RESOURCES).parts("InstanceConfigs"):
        resources.whole("InstanceCount", 0)
    if autotuned and not definition.has(_OWN_RANGES) and not config.has(_RANGES):
        return {}
    sizes = check_ranges(_either(definition, _OWN_RANGES, config, _RANGES), config.text("Strategy"))
    both = sorted(set(definition.strings("StaticHyperParameters")) & set(sizes))
    if both:
        rule = f"must not have a hyperparameter that ParameterRanges has too: {shown(both[0])}"
        raise InvalidRequest(definition.field("StaticHyperParameters"), rule)
    return sizes


def _either(definition: Part, own: str, config: Part, common: str) -> Part:
    """What a definition says for itself, or else the config for all: one of several has to say it for itself."""
    if definition.has(own) or (definition.path != _DEFINITION and not config.has(common)):
        return definition.part(own)
    return config.part(common)


def _check_combinations(limits: Part, sizes: Sequence[Mapping[str, float]], path: str) -> None:
    most, found = limits.optional_whole(_MOST, 1), math.fsum(combinations(size) for size in sizes)
    if most is not None and found < most:
        rule = f"must have as many combinations as {_MOST}, {most}, and have {found:g}"
        raise KnownFault(path, rule, "few-combinations", found=str(found), most=str(most))


def _ranges_path(config: Part, definitions: Sequence[Part]) -> str:
    """Where the ranges are, for an error that is about all of them."""
    if len(definitions) > 1:
        return _DEFINITIONS
    return _either(definitions[0], _OWN_RANGES, config, _RANGES).path


def _check_objective(objective: Part, definition: Part) -> None:
    objective.choice("Type", ("Minimize", "Maximize"))
    name = objective.text("MetricName")
    algorithm = definition.part("AlgorithmSpecification")
    metrics = algorithm.parts("MetricDefinitions")
    brings_it = builtin.is_own(algorithm.optional_text("AlgorithmName"), algorithm.optional_text("TrainingImage"))
    if name not in {metric.text("Name") for metric in metrics} and not brings_it:
        rule = f"must have the metric of the objective, {shown(name)}, with its Regex"
        raise KnownFault(algorithm.field("MetricDefinitions"), rule, "no-metric")


def _check_training(request: Request, definition: Part, defaults: Defaults) -> None:
    """A training of the definition must be a valid request; what is wrong is named by its path in the definition."""
    try:
        TRAINING.parse(request, defaults)
    except InvalidRequest as broken:
        member, dot, rest = broken.field.partition(".")
        if member == "ResourceConfig" and not definition.has(member):
            member = children.OTHER_RESOURCES
        raise InvalidRequest(definition.field(_RENAMED.get(member, member) + dot + rest), broken.rule) from None


TUNING = TuningJob()
