"""Training jobs on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from runner.jobs.base import Kind
from runner.wire import jobs, listing
from runner.wire.calls import Call, Members, Operation

_NAME = "TrainingJobName"
_NEVER_TRUE = ("WarmPoolStatusEquals", "TrainingPlanArnEquals")
"""Filters by what no job here has: warm pools and training plans."""


async def create(call: Call, request: Members) -> Members:
    """CreateTrainingJob."""
    return {"TrainingJobArn": await jobs.create(call, Kind.TRAINING, request)}


async def describe(call: Call, request: Members) -> Members:
    """DescribeTrainingJob."""
    return await jobs.describe(call, Kind.TRAINING, request[_NAME])


async def stop(call: Call, request: Members) -> None:
    """StopTrainingJob: 200 with an empty body; the job is Stopping from now on."""
    await jobs.stop(call, Kind.TRAINING, request[_NAME])


async def delete(call: Call, request: Members) -> None:
    """DeleteTrainingJob."""
    await jobs.delete(call, Kind.TRAINING, request[_NAME])


async def list_all(call: Call, request: Members) -> Members:
    """ListTrainingJobs: by CreationTime, ascending, where the request does not say otherwise."""
    if any(member in request for member in _NEVER_TRUE):
        return {"TrainingJobSummaries": []}
    found = await listing.page(call, Kind.TRAINING, request, "CreationTime")
    return {"TrainingJobSummaries": found["jobs"], "NextToken": found["NextToken"]}


OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        "CreateTrainingJob": create,
        "DescribeTrainingJob": describe,
        "ListTrainingJobs": list_all,
        "StopTrainingJob": stop,
        "DeleteTrainingJob": delete,
    }
)
