"""Tags of jobs on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from runner.errors import NoSuchJob
from runner.jobs.base import Kind
from runner.jobs.types import TYPES
from runner.wire import jobs, listing
from runner.wire.calls import Call, Members, Operation
from runner.wire.validation import violated

_KINDS: Mapping[str, Kind] = MappingProxyType({job.arn_type: kind for kind, job in TYPES.items()})


async def add(call: Call, request: Members) -> Members:
    """AddTags. Those of a tuning job go to the training jobs that it launches afterwards."""
    kind, name = await _job(call, request["ResourceArn"])
    tags = {tag["Key"]: tag["Value"] for tag in request["Tags"]}
    with jobs.named(call, kind, name):
        await call.service.tag(kind, name, tags)
        return {"Tags": _listed(await call.service.tags(kind, name))}


async def list_all(call: Call, request: Members) -> Members:
    """ListTags: a job has at most 50, which is the least that a page has, so that there is no second one."""
    if request.get("NextToken"):
        raise listing.not_ours()
    kind, name = await _job(call, request["ResourceArn"])
    with jobs.named(call, kind, name):
        return {"Tags": _listed(await call.service.tags(kind, name))}


async def delete(call: Call, request: Members) -> Members:
    """DeleteTags."""
    kind, name = await _job(call, request["ResourceArn"])
    with jobs.named(call, kind, name):
        await call.service.untag(kind, name, request["TagKeys"])
    return {}


async def _job(call: Call, arn: str) -> tuple[Kind, str]:
    """The job with this ARN, its region and account included. Raises Fault."""
    arn_type, _, name = arn.split(":", 5)[-1].partition("/")
    if arn_type not in _KINDS or not name:
        known = ", ".join(f"{one}/NAME" for one in _KINDS)
        rule = f"must be the ARN of a job (arn:aws:sagemaker:REGION:ACCOUNT: and {known})"
        raise violated([f"Value '{arn}' at 'resourceArn' failed to satisfy constraint: Member {rule}"])
    kind = _KINDS[arn_type]
    with jobs.named(call, kind, name):
        if jobs.arn_in(await call.service.describe(kind, name)) != arn:
            raise NoSuchJob(f"there is no job with the ARN {arn}")
    return kind, name


def _listed(tags: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


OPERATIONS: Mapping[str, Operation] = MappingProxyType({"AddTags": add, "ListTags": list_all, "DeleteTags": delete})
