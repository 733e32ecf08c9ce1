"""Training jobs on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from runner.jobs.base import Kind
from runner.wire import jobs, listing
from runner.wire.calls import Call, Members, Operation

NEVER_TRUE = ("WarmPoolStatusEquals", "TrainingPlanArnEquals")
"""Filters by what no job here has: warm pools and training plans."""


async def list_all(call: Call, request: Members) -> Members:
    """ListTrainingJobs: by CreationTime, ascending, where the request does not say otherwise."""
    if any(member in request for member in NEVER_TRUE):
        if request.get("NextToken"):  # there never was a page before
            raise listing.not_ours()
        return {"TrainingJobSummaries": []}
    found = await listing.page(call, Kind.TRAINING, request, "CreationTime")
    return {"TrainingJobSummaries": found["jobs"], "NextToken": found["NextToken"]}


OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        **jobs.operations(Kind.TRAINING),
        "ListTrainingJobs": list_all,
    }
)
