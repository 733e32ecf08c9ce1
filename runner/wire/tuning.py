"""Hyperparameter tuning jobs on the wire, and the training jobs that they have launched.

A deletion leaves those training jobs, and their artifacts, where they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from runner.jobs.base import Kind
from runner.wire import jobs, listing
from runner.wire.calls import Call, Members, Operation

_NAME = "HyperParameterTuningJobName"
_OBJECTIVE = "FinalHyperParameterTuningJobObjectiveMetric"
_CONFIG, _RANGES = "HyperParameterTuningJobConfig", "ParameterRanges"
_DEFINITIONS, _OWN_RANGES = "TrainingJobDefinitions", "HyperParameterRanges"
_CHILDREN = "trainings of a tuning job"
_LISTS = ("IntegerParameterRanges", "ContinuousParameterRanges", "CategoricalParameterRanges")


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
    with jobs.named(call, Kind.TUNING, name):
        shown = [_child(child, name) for child in await call.service.children(name)]
    found = _behind([child for child in shown if _fits(child, request)], request)
    page = found[: request.get("MaxResults", listing.DEFAULT_PAGE)]
    more = listing.token(_CHILDREN, request, _place(request)(page[-1])) if len(page) < len(found) else None
    return {"TrainingJobSummaries": page, "NextToken": more}


def _child(child: Mapping[str, Any], tuning: str) -> dict[str, Any]:
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
        _OBJECTIVE: None if value is None else {**child["goal"], "Value": value},
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


def _place(request: Members) -> Callable[[Mapping[str, Any]], tuple[Any, str]]:
    """Where a training stands in the list: pages go on behind such a place, whatever is launched meanwhile."""
    key = _KEYS[request.get("SortBy", "Name")]
    return lambda child: (key(child), child["TrainingJobName"])


def _behind(children: Sequence[dict[str, Any]], request: Members) -> list[dict[str, Any]]:
    """In the order of the request, those behind the place that its token tells."""
    place, descending, after = _place(request), listing.is_descending(request), listing.position(_CHILDREN, request)
    found = sorted(children, key=place, reverse=descending)
    if after is None:
        return found
    try:
        last = tuple(after)
        return [child for child in found if (place(child) < last if descending else place(child) > last)]
    except TypeError:
        raise listing.not_ours() from None


OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        **jobs.operations(Kind.TUNING, _told),
        "ListHyperParameterTuningJobs": list_all,
        "ListTrainingJobsForHyperParameterTuningJob": list_trainings,
    }
)
