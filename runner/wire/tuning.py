"""Hyperparameter tuning jobs on the wire, and the training jobs that they have launched."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from runner.errors import NoSuchJob
from runner.jobs.base import Kind
from runner.wire import jobs, listing
from runner.wire.calls import Call, Members, Operation
from runner.wire.faults import fault

_NAME = "HyperParameterTuningJobName"
_OBJECTIVE = "FinalHyperParameterTuningJobObjectiveMetric"
_CONFIG, _RANGES = "HyperParameterTuningJobConfig", "ParameterRanges"
_DEFINITIONS, _OWN_RANGES = "TrainingJobDefinitions", "HyperParameterRanges"
_LISTS = ("IntegerParameterRanges", "ContinuousParameterRanges", "CategoricalParameterRanges")


async def create(call: Call, request: Members) -> Members:
    """CreateHyperParameterTuningJob."""
    return {"HyperParameterTuningJobArn": await jobs.create(call, Kind.TUNING, request)}


async def describe(call: Call, request: Members) -> Members:
    """DescribeHyperParameterTuningJob."""
    return _told(await jobs.describe(call, Kind.TUNING, request[_NAME]))


def _told(described: Members) -> Members:
    """With what AWS adds to a request: defaults, and lists of ranges though they are empty.

    Without them `HyperparameterTuner.attach` of the SageMaker Python SDK fails: it looks for each.
    """
    config = described[_CONFIG]
    told = {**described, _CONFIG: _with_every_list({"TrainingJobEarlyStoppingType": "Off", **config}, _RANGES)}
    if definitions := described.get(_DEFINITIONS):
        told[_DEFINITIONS] = [_with_every_list(definition, _OWN_RANGES) for definition in definitions]
    return told


def _with_every_list(of: Members, ranges: str) -> Members:
    if of.get(ranges) is None:
        return of
    return {**of, ranges: {**dict.fromkeys(_LISTS, ()), **of[ranges]}}


async def stop(call: Call, request: Members) -> None:
    """StopHyperParameterTuningJob: 200 with an empty body; the job and all its trainings are Stopping from now on."""
    await jobs.stop(call, Kind.TUNING, request[_NAME])


async def delete(call: Call, request: Members) -> None:
    """DeleteHyperParameterTuningJob: its training jobs and their artifacts stay."""
    await jobs.delete(call, Kind.TUNING, request[_NAME])


async def list_all(call: Call, request: Members) -> Members:
    """ListHyperParameterTuningJobs: by Name, ascending, where the request does not say otherwise."""
    found = await listing.page(call, Kind.TUNING, request, "Name")
    return {
        "HyperParameterTuningJobSummaries": [_summary(job) for job in found["jobs"]],
        "NextToken": found["NextToken"],
    }


def _summary(job: Mapping[str, Any]) -> dict[str, Any]:
    config = job[_CONFIG]
    return {**job, "Strategy": config["Strategy"], "ResourceLimits": config.get("ResourceLimits")}


async def list_trainings(call: Call, request: Members) -> Members:
    """ListTrainingJobsForHyperParameterTuningJob: by Name, ascending, where the request does not say otherwise.

    "When sorted by FinalObjectiveMetricValue, jobs that have no objective are not listed" (the model).
    """
    name = request[_NAME]
    try:
        children = await call.service.children(name)
    except NoSuchJob:
        raise fault(call.settings, Kind.TUNING, "not-found", name=name) from None
    metric = (await jobs.describe(call, Kind.TUNING, name))[_CONFIG].get("HyperParameterTuningJobObjective")
    shown = [_child(child, name, metric or {}) for child in children]
    found = _sorted([child for child in shown if _fits(child, request)], request)
    start = listing.position(request) or 0
    start = start if isinstance(start, int) and start >= 0 else len(found)
    end = start + request.get("MaxResults", listing.DEFAULT_PAGE)
    more = listing.token(request, end) if end < len(found) else None
    return {"TrainingJobSummaries": found[start:end], "NextToken": more}


def _child(child: Mapping[str, Any], tuning: str, objective: Mapping[str, Any]) -> dict[str, Any]:
    value = child["objective"]
    return {
        "TrainingJobDefinitionName": child["definition"],
        "TrainingJobName": child["name"],
        "TrainingJobArn": child["arn"],
        "TuningJobName": tuning,
        "CreationTime": child["created"],
        "TrainingStartTime": child["started"],
        "TrainingEndTime": child["ended"],
        "TrainingJobStatus": child["status"],
        "TunedHyperParameters": child["hyperparameters"],
        "FailureReason": child["failure"],
        "ObjectiveStatus": child["objective_status"],
        _OBJECTIVE: None if value is None else {**objective, "Value": value},
    }


def _fits(child: Mapping[str, Any], request: Members) -> bool:
    wanted = request.get("StatusEquals")
    by_value = request.get("SortBy") == "FinalObjectiveMetricValue"
    return wanted in (None, child["TrainingJobStatus"]) and not (by_value and child[_OBJECTIVE] is None)


_KEYS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "Name": lambda child: child["TrainingJobName"],
    "CreationTime": lambda child: child["CreationTime"],
    "Status": lambda child: child["TrainingJobStatus"],
    "FinalObjectiveMetricValue": lambda child: child[_OBJECTIVE]["Value"],
}


def _sorted(children: Sequence[dict[str, Any]], request: Members) -> list[dict[str, Any]]:
    key = _KEYS[request.get("SortBy", "Name")]
    return sorted(
        children,
        key=lambda child: (key(child), child["TrainingJobName"]),
        reverse=listing.is_descending(request),
    )


OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        "CreateHyperParameterTuningJob": create,
        "DescribeHyperParameterTuningJob": describe,
        "ListHyperParameterTuningJobs": list_all,
        "StopHyperParameterTuningJob": stop,
        "DeleteHyperParameterTuningJob": delete,
        "ListTrainingJobsForHyperParameterTuningJob": list_trainings,
    }
)
