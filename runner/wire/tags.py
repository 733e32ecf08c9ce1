"""Tags of jobs on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from runner.errors import NoSuchJob
from runner.jobs.base import Kind
from runner.jobs.types import TYPES
from runner.wire.calls import Call, Members, Operation
from runner.wire.faults import fault
from runner.wire.validation import violated

_KINDS: Mapping[str, Kind] = MappingProxyType({job.arn_type: kind for kind, job in TYPES.items()})


async def add(call: Call, request: Members) -> Members:
    """AddTags. Those of a tuning job go to the training jobs that it launches afterwards."""
    kind, name = _job(request["ResourceArn"])
    tags = {tag["Key"]: tag["Value"] for tag in request["Tags"]}
    try:
        await call.service.tag(kind, name, tags)
        return {"Tags": _listed(await call.service.tags(kind, name))}
    except NoSuchJob:
        raise fault(call.settings, kind, "not-found", name=name) from None


async def list_all(call: Call, request: Members) -> Members:
    """ListTags: a job has at most 50, which is the least that a page has."""
    kind, name = _job(request["ResourceArn"])
    try:
        return {"Tags": _listed(await call.service.tags(kind, name))}
    except NoSuchJob:
        raise fault(call.settings, kind, "not-found", name=name) from None


async def delete(call: Call, request: Members) -> Members:
    """DeleteTags."""
    kind, name = _job(request["ResourceArn"])
    try:
        await call.service.untag(kind, name, request["TagKeys"])
    except NoSuchJob:
        raise fault(call.settings, kind, "not-found", name=name) from None
    return {}


def _job(arn: str) -> tuple[Kind, str]:
    arn_type, _, name = arn.rpartition(":")[2].partition("/")
    if arn_type not in _KINDS or not name:
        known = ", ".join(f"{one}/NAME" for one in _KINDS)
        rule = f"must be the ARN of a job (arn:aws:sagemaker:REGION:ACCOUNT: and {known})"
        raise violated([f"Value '{arn}' at 'resourceArn' failed to satisfy constraint: Member {rule}"])
    return _KINDS[arn_type], name


def _listed(tags: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


OPERATIONS: Mapping[str, Operation] = MappingProxyType({"AddTags": add, "ListTags": list_all, "DeleteTags": delete})
