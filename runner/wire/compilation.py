"""Compilation jobs on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from runner.jobs.base import Kind
from runner.wire import jobs, listing
from runner.wire.calls import Call, Members, Operation


async def list_all(call: Call, request: Members) -> Members:
    """ListCompilationJobs: by CreationTime, ascending, where the request does not say otherwise."""
    found = await listing.page(call, Kind.COMPILATION, request, "CreationTime")
    return {"CompilationJobSummaries": [_summary(job) for job in found["jobs"]], "NextToken": found["NextToken"]}


def _summary(job: Mapping[str, Any]) -> dict[str, Any]:
    output = job.get("OutputConfig") or {}
    platform = output.get("TargetPlatform") or {}
    return {
        **job,
        "CompilationTargetDevice": output.get("TargetDevice"),
        "CompilationTargetPlatformOs": platform.get("Os"),
        "CompilationTargetPlatformArch": platform.get("Arch"),
        "CompilationTargetPlatformAccelerator": platform.get("Accelerator"),
    }


OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        **jobs.operations(Kind.COMPILATION),
        "ListCompilationJobs": list_all,
    }
)
