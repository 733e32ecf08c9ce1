"""Tuning jobs: `CreateHyperParameterTuningJob`, the trainings it launches, `DescribeHyperParameterTuningJob`.

A tuning job runs no program of its own. `describe` shows `children` of `View.results`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from runner.errors import InvalidRequest
from runner.jobs import children, endings, shared
from runner.jobs.base import Defaults, Kind, Place, Request, Spec, View
from runner.jobs.naming import LONGEST_TUNING, check_name, shown
from runner.jobs.ranges import check_ranges, combinations
from runner.jobs.reading import Part, whole_request
from runner.jobs.training import TRAINING
from runner.lifecycle.phases import Event, Phase
from runner.lifecycle.statuses import tuning_status

STRATEGIES = ("Bayesian", "Random", "Hyperband", "Grid")
_CONFIG = "HyperParameterTuningJobConfig"
_DEFINITION = "TrainingJobDefinition"
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
        config, definition = body.part(_CONFIG), _definition(body)
        limits = config.part("ResourceLimits")
        sizes = _check_search(config, limits)
        _check_static(definition, sizes)
        _check_objective(config, definition)
        _check_training(request, definition, sizes, defaults)
        runtime = limits.optional_whole("MaxRuntimeInSeconds", 1)
        return Spec(
            kind=self.kind,
            name=name,
            request=request,
            grace=wishes.grace,
            isolation=wishes.isolation,
            max_runtime=None if runtime is None else float(runtime),
            tags=wishes.tags,
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
        best = children.best(view, arn, launched)
        warm = (view.request.get("WarmStartConfig") or {}).get("WarmStartType") == "IdenticalDataAndAlgorithm"
        seconds = int(((view.ended or view.modified) - view.started).total_seconds()) if view.started else None
        answer = shared.present(
            HyperParameterTuningJobName=view.name,
            HyperParameterTuningJobArn=arn,
            HyperParameterTuningJobStatus=self.status(view.state.phase),
            TrainingJobDefinition=_shown_definition(view.request),
            CreationTime=view.created,
            LastModifiedTime=view.modified,
            HyperParameterTuningEndTime=view.ended,
            TrainingJobStatusCounters=children.status_counters(launched),
            ObjectiveStatusCounters=children.objective_counters(launched),
            BestTrainingJob=best,
            OverallBestTrainingJob=best | {"TuningJobName": view.name} if best and warm else None,
            FailureReason=view.failure if view.state.phase is Phase.FAILED else None,
            ConsumedResources=None if seconds is None else {"RuntimeInSeconds": seconds},
        )
        return answer | shared.echo(view.request, _ECHOED)


def _definition(body: Part) -> Part:
    if body.has("TrainingJobDefinitions"):
        raise InvalidRequest("TrainingJobDefinitions", f"is not supported here; use {_DEFINITION}, for one algorithm")
    return body.part(_DEFINITION)


def _check_search(config: Part, limits: Part) -> dict[str, float]:
    """Strategy, limits and ranges. Returns how many values each hyperparameter may take."""
    strategy = config.choice("Strategy", STRATEGIES)
    limits.whole("MaxParallelTrainingJobs", 1)
    most = limits.optional_whole("MaxNumberOfTrainingJobs", 1)
    if most is None and strategy != "Grid" and not limits.has("MaxRuntimeInSeconds"):
        raise InvalidRequest(limits.field("MaxNumberOfTrainingJobs"), "is required where MaxRuntimeInSeconds is absent")
    ranges = config.part("ParameterRanges")
    sizes = check_ranges(ranges, strategy)
    if most is not None and combinations(sizes) < most:
        rule = f"must have as many combinations as MaxNumberOfTrainingJobs, {most}, and have {combinations(sizes):g}"
        raise InvalidRequest(ranges.path, rule)
    seed = config.optional_whole("RandomSeed", 0)
    if seed is not None and seed >= 2**31:
        raise InvalidRequest(config.field("RandomSeed"), f"must be at most {2**31 - 1}, not {seed}")
    return sizes


def _check_static(definition: Part, sizes: Mapping[str, float]) -> None:
    both = sorted(set(definition.strings("StaticHyperParameters")) & set(sizes))
    if both:
        rule = f"must not have a hyperparameter that ParameterRanges has too: {shown(both[0])}"
        raise InvalidRequest(definition.field("StaticHyperParameters"), rule)


def _check_objective(config: Part, definition: Part) -> None:
    objective = config.part("HyperParameterTuningJobObjective")
    objective.choice("Type", ("Minimize", "Maximize"))
    name = objective.text("MetricName")
    algorithm = definition.part("AlgorithmSpecification")
    metrics = algorithm.parts("MetricDefinitions")
    if name not in {metric.text("Name") for metric in metrics}:
        rule = f"must have the metric of the objective, {shown(name)}, with its Regex"
        raise InvalidRequest(algorithm.field("MetricDefinitions"), rule)


def _check_training(request: Request, definition: Part, sizes: Mapping[str, float], defaults: Defaults) -> None:
    """A training of the definition must be a valid request; what is wrong is named by its path in this one."""
    try:
        TRAINING.parse(children.training_request(request, 1, "0" * 8, dict.fromkeys(sizes, "")), defaults)
    except InvalidRequest as broken:
        member, dot, rest = broken.field.partition(".")
        if member == "ResourceConfig" and not definition.has(member):
            member = children.OTHER_RESOURCES
        raise InvalidRequest(definition.field(_RENAMED.get(member, member) + dot + rest), broken.rule) from None


def _shown_definition(request: Request) -> dict[str, Any]:
    """As AWS shows it: with the objective's name among the static hyperparameters."""
    definition = dict(request[_DEFINITION])
    added = {children.OBJECTIVE_PARAMETER: children.objective(request)["MetricName"]}
    definition["StaticHyperParameters"] = dict(definition.get("StaticHyperParameters") or {}) | added
    return definition


TUNING = TuningJob()
