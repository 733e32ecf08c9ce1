"""The trainings of a tuning job: the request for the next one, and what Describe counts and shows of them.

A child is `{name, status, hyperparameters, objective, created, started, ended, failure}`, as `View.results` has it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from runner.jobs import shared
from runner.jobs.base import Request, View
from runner.jobs.naming import sibling

OBJECTIVE_PARAMETER = "_tuning_objective_metric"
OTHER_RESOURCES = "HyperParameterTuningResourceConfig"

Child = Mapping[str, Any]

_HANDED_ON = (
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
_RUNNING = frozenset({"InProgress", "Stopping"})
_MEASURED = frozenset({"Completed", "Stopped"})


def objective(request: Request) -> Mapping[str, str]:
    """`{Type, MetricName}` of a tuning job."""
    found: Mapping[str, str] = request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
    return found


def objective_regex(request: Request) -> str:
    """The expression that finds the objective in a training's log."""
    metrics = request["TrainingJobDefinition"]["AlgorithmSpecification"]["MetricDefinitions"]
    name = objective(request)["MetricName"]
    found: str = next(metric["Regex"] for metric in metrics if metric["Name"] == name)
    return found


def training_request(tuning: Request, number: int, suffix: str, chosen: Mapping[str, str]) -> dict[str, Any]:
    """The CreateTrainingJob request of the `number`-th training (from 1) of a tuning job.

    `suffix` is eight random hex digits, `chosen` the values that the search has picked. The name is
    `<tuning>-<NNN>-<suffix>`; the tuning job's tags are handed on, as SageMaker does.
    """
    definition = tuning["TrainingJobDefinition"]
    request = {
        "TrainingJobName": f"{tuning['HyperParameterTuningJobName']}-{number:03d}-{suffix}",
        "HyperParameters": {
            **(definition.get("StaticHyperParameters") or {}),
            **chosen,
            OBJECTIVE_PARAMETER: objective(tuning)["MetricName"],
        },
        **shared.echo(definition, _HANDED_ON),
        **shared.echo(tuning, ("Tags",)),
    }
    if "ResourceConfig" not in request and definition.get(OTHER_RESOURCES) is not None:
        request["ResourceConfig"] = _resources(definition[OTHER_RESOURCES])
    return request


def status_counters(children: Iterable[Child]) -> dict[str, int]:
    """`TrainingJobStatusCounters`: they add up to the trainings launched."""
    counters = dict.fromkeys(("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped"), 0)
    for child in children:
        counters[_counted_as(child)] += 1
    return counters


def objective_counters(children: Iterable[Child]) -> dict[str, int]:
    """`ObjectiveStatusCounters`: a training that ended without its metric in the log is Failed."""
    counters = dict.fromkeys(("Succeeded", "Pending", "Failed"), 0)
    for child in children:
        counters[objective_status(child)] += 1
    return counters


def objective_status(child: Child) -> str:
    """`ObjectiveStatus` of one training. Assumed: a stopped one counts if it has emitted its metric."""
    if child["status"] in _RUNNING:
        return "Pending"
    return "Succeeded" if child["status"] in _MEASURED and _measured(child) else "Failed"


def best(view: View, arn: str, children: Iterable[Child]) -> dict[str, Any] | None:
    """`BestTrainingJob`: "the training job that completed with the best current objective"; None if there is none."""
    completed = [child for child in children if child["status"] == "Completed" and _measured(child)]
    if not completed:
        return None
    choose = max if objective(view.request)["Type"] == "Maximize" else min
    return summary(view, arn, choose(completed, key=lambda child: float(child["objective"])))


def summary(view: View, arn: str, child: Child) -> dict[str, Any]:
    """`HyperParameterTrainingJobSummary` of one training of the tuning job `view`."""
    goal = objective(view.request)
    metric = {"Type": goal["Type"], "MetricName": goal["MetricName"], "Value": child["objective"]}
    return shared.present(
        TrainingJobDefinitionName=view.request["TrainingJobDefinition"].get("DefinitionName"),
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
