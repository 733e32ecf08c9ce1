"""The trainings of a tuning job: the request for the next one, and what Describe counts and shows of them.

A child is `{name, status, hyperparameters, objective, created, started, ended, failure, which}`, as `View.results`
has it; `which` is the number of its definition, from 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from runner.jobs import builtin, shared
from runner.jobs.base import Request, View
from runner.jobs.naming import sibling

OBJECTIVE_PARAMETER = "_tuning_objective_metric"
OTHER_RESOURCES = "HyperParameterTuningResourceConfig"

Child = Mapping[str, Any]
Counted = tuple[Child, int]
"""So many trainings of which one is this; of it `status`, `objective` and `failure` are looked at."""

HANDED_ON = (
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "VpcConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "CheckpointConfig",
    "RetryStrategy",
    "Environment",
)
"""Members of a definition that its trainings have as they are."""
_RUNNING = frozenset({"InProgress", "Stopping"})
_MEASURED = frozenset({"Completed", "Stopped"})


class Definition(NamedTuple):
    """One definition of a tuning job's trainings; what it does not say for itself the job's config says for all."""

    body: Mapping[str, Any]
    objective: Mapping[str, str]
    """`{Type, MetricName}`."""
    ranges: Mapping[str, Any]
    """`ParameterRanges`."""

    @property
    def name(self) -> str | None:
        """`TrainingJobDefinitionName` of its trainings."""
        found: str | None = self.body.get("DefinitionName")
        return found


def definitions(request: Request) -> Sequence[Definition]:
    """`TrainingJobDefinition`, or all of `TrainingJobDefinitions`."""
    config = request["HyperParameterTuningJobConfig"]
    bodies = request.get("TrainingJobDefinitions") or [request["TrainingJobDefinition"]]
    return [
        Definition(
            body,
            body.get("TuningObjective") or config["HyperParameterTuningJobObjective"],
            body.get("HyperParameterRanges") or config.get("ParameterRanges") or {},
        )
        for body in bodies
    ]


def training_request(
    tuning: Request, number: int, suffix: str, chosen: Mapping[str, str], which: int = 0
) -> dict[str, Any]:
    """The CreateTrainingJob request of the `number`-th training (from 1) of a tuning job.

    `suffix` is eight random hex digits, `chosen` the values that the search has picked, `which` the number of the
    definition, from 0. The name is `<tuning>-<NNN>-<suffix>`; the tuning job's tags are handed on, as SageMaker does.
    """
    definition = definitions(tuning)[which]
    request = {
        "TrainingJobName": f"{tuning['HyperParameterTuningJobName']}-{number:03d}-{suffix}",
        "HyperParameters": {
            **(definition.body.get("StaticHyperParameters") or {}),
            **{item["Name"]: item["ValueHint"] for item in definition.ranges.get("AutoParameters") or ()},
            **chosen,
            OBJECTIVE_PARAMETER: definition.objective["MetricName"],
        },
        **shared.echo(definition.body, HANDED_ON),
        **shared.echo(tuning, ("Tags",)),
    }
    request["AlgorithmSpecification"] = builtin.measured(
        definition.body["AlgorithmSpecification"], definition.objective["MetricName"]
    )
    if "ResourceConfig" not in request and definition.body.get(OTHER_RESOURCES) is not None:
        request["ResourceConfig"] = _resources(definition.body[OTHER_RESOURCES])
    return request


def shown(request: Request) -> dict[str, Any]:
    """The definitions as AWS shows them: each with its objective's name among the static hyperparameters."""
    found = []
    for one in definitions(request):
        added = {OBJECTIVE_PARAMETER: one.objective["MetricName"]}
        found.append({**one.body, "StaticHyperParameters": {**(one.body.get("StaticHyperParameters") or {}), **added}})
    if request.get("TrainingJobDefinitions"):
        return {"TrainingJobDefinitions": found}
    return {"TrainingJobDefinition": found[0]}


def status_counters(children: Iterable[Counted]) -> dict[str, int]:
    """`TrainingJobStatusCounters`: they add up to the trainings launched."""
    counters = dict.fromkeys(("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped"), 0)
    for child, count in children:
        counters[_counted_as(child)] += count
    return counters


def one_more(counted: Sequence[Counted], child: Child) -> list[Counted]:
    """With one training that is to be counted when nothing else is known of it any more; alike ones are one entry."""
    failure = (child.get("failure") or "").partition(":")[0]
    alike = {"status": child["status"], "failure": failure or None, "objective": 0.0 if _measured(child) else None}
    others = [(one, number) for one, number in counted if one != alike]
    return [*others, (alike, 1 + sum(number for one, number in counted if one == alike))]


def objective_counters(children: Iterable[Counted]) -> dict[str, int]:
    """`ObjectiveStatusCounters`: a training that ended without its metric in the log is Failed."""
    counters = dict.fromkeys(("Succeeded", "Pending", "Failed"), 0)
    for child, count in children:
        counters[objective_status(child)] += count
    return counters


def objective_status(child: Child) -> str:
    """`ObjectiveStatus` of one training. Assumed: a stopped one counts if it has emitted its metric."""
    if child["status"] in _RUNNING:
        return "Pending"
    return "Succeeded" if child["status"] in _MEASURED and _measured(child) else "Failed"


def best(view: View, arn: str, children: Iterable[Child]) -> dict[str, Any] | None:
    """`BestTrainingJob`: "the training job that completed with the best current objective"; None if there is none.

    Assumed: of several definitions only those count whose objective has the type of the first one's.
    """
    goals = [one.objective["Type"] for one in definitions(view.request)]
    completed = [
        child
        for child in children
        if child["status"] == "Completed" and _measured(child) and goals[_which(child)] == goals[0]
    ]
    if not completed:
        return None
    choose = max if goals[0] == "Maximize" else min
    return summary(view, arn, choose(completed, key=lambda child: float(child["objective"])))


def summary(view: View, arn: str, child: Child) -> dict[str, Any]:
    """`HyperParameterTrainingJobSummary` of one training of the tuning job `view`."""
    definition = definitions(view.request)[_which(child)]
    metric = {**definition.objective, "Value": child["objective"]}
    return shared.present(
        TrainingJobDefinitionName=definition.name,
        TrainingJobName=child["name"],
        TrainingJobArn=sibling(arn, "training-job", child["name"]),
        CreationTime=child.get("created") or child.get("started") or view.created,
        TrainingStartTime=child.get("started"),
        TrainingEndTime=child.get("ended"),
        TrainingJobStatus=child["status"],
        TunedHyperParameters=dict(child["hyperparameters"]),
        FailureReason=child.get("failure"),
        FinalHyperParameterTuningJobObjectiveMetric=metric if _measured(child) else None,
        ObjectiveStatus=objective_status(child),
    )


def _which(child: Child) -> int:
    return int(child.get("which", 0))


def _counted_as(child: Child) -> str:
    if child["status"] in _RUNNING:
        return "InProgress"
    if child["status"] != "Failed":
        return str(child["status"])
    retryable = (child.get("failure") or "").startswith("InternalServerError")
    return "RetryableError" if retryable else "NonRetryableError"


def _measured(child: Child) -> bool:
    value = child.get("objective")
    return value is not None and math.isfinite(value)


def _resources(config: Mapping[str, Any]) -> dict[str, Any]:
    """A HyperParameterTuningResourceConfig as a training shows it: clients read `ResourceConfig.InstanceCount`.

    Of several instance configurations the first is taken: SageMaker would take what has capacity.
    """
    several = config.get("InstanceConfigs") or [{}]
    members = ("InstanceType", "InstanceCount", "VolumeSizeInGB", "VolumeKmsKeyId")
    return shared.echo({**config, **several[0]}, members)
