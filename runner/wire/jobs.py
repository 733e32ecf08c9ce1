"""What the operations of all job types have in common: a job by its name, and how it becomes a fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from runner.errors import JobEnded, JobNotEnded, JobStopping, NameInUse, NoSuchJob
from runner.jobs import naming
from runner.jobs.base import Defaults, Kind
from runner.jobs.reading import KnownFault
from runner.jobs.types import TYPES
from runner.wire.calls import Call, Members, Operation
from runner.wire.faults import STOPPING, fault, is_set

Told = Callable[[Members], Members]
"""What an answer of Describe shows of what is on record."""


def operations(kind: Kind, told: Told = lambda described: described) -> Mapping[str, Operation]:
    """Create, Describe, Stop and Delete of a job type, by their names: they differ in those of their members only."""
    member = TYPES[kind].name_member
    noun = member.removesuffix("Name")

    async def create_one(call: Call, request: Members) -> Members:
        return {f"{noun}Arn": await create(call, kind, request)}

    async def describe_one(call: Call, request: Members) -> Members:
        return told(await describe(call, kind, request[member]))

    async def stop_one(call: Call, request: Members) -> None:
        await stop(call, kind, request[member])

    async def delete_one(call: Call, request: Members) -> None:
        await delete(call, kind, request[member])

    return {
        f"Create{noun}": create_one,
        f"Describe{noun}": describe_one,
        f"Stop{noun}": stop_one,
        f"Delete{noun}": delete_one,
    }


def arn(call: Call, kind: Kind, name: str) -> str:
    """The ARN of a job that is created by this call."""
    return naming.arn(TYPES[kind], name, Defaults(region=call.region, account=call.account))


async def create(call: Call, kind: Kind, request: Members) -> str:
    """Create the job; its ARN. Raises Fault for a name in use, and for what `KnownFault` says."""
    name = request[TYPES[kind].name_member]
    try:
        await call.service.create(kind, request, region=call.region)
    except NameInUse:
        raise fault(call.settings, kind, "name-in-use", name=name, arn=await _taken(call, kind, name)) from None
    except KnownFault as broken:
        raise fault(call.settings, kind, broken.what, name=name, **broken.said) from None
    return arn(call, kind, name)


async def _taken(call: Call, kind: Kind, name: str) -> str:
    """The ARN of the job that has the name."""
    try:
        return arn_in(await call.service.describe(kind, name))
    except NoSuchJob:  # it is just being deleted
        return arn(call, kind, name)


def arn_in(described: Mapping[str, Any]) -> str:
    """The job's own ARN in what Describe says of it."""
    return next(str(value) for member, value in described.items() if member.endswith("JobArn"))


@contextmanager
def named(call: Call, kind: Kind, name: str) -> Iterator[None]:
    """Raises Fault if there is no job of this name for what is done meanwhile."""
    try:
        yield
    except NoSuchJob:
        raise fault(call.settings, kind, "not-found", name=name) from None


async def describe(call: Call, kind: Kind, name: str) -> dict[str, Any]:
    """What Describe answers. Raises Fault for a job that is not there."""
    with named(call, kind, name):
        return await call.service.describe(kind, name)


async def stop(call: Call, kind: Kind, name: str) -> None:
    """Begin the stop: it is durable, and shown as Stopping, when this returns, and answered 200 with an empty body.

    Raises Fault for a job that is not there or has ended, and, if there is a fault for that, is being stopped already.
    """
    with named(call, kind, name):
        try:
            await call.service.stop(kind, name, once=is_set(call.settings, kind, STOPPING))
        except JobStopping as under_way:
            raise fault(call.settings, kind, STOPPING, name=name, status=under_way.status) from None
        except JobEnded as ended:
            raise fault(call.settings, kind, "ended", name=name, status=ended.status) from None


async def delete(call: Call, kind: Kind, name: str) -> None:
    """Delete a job that has ended. Raises Fault."""
    with named(call, kind, name):
        try:
            await call.service.delete(kind, name)
        except JobNotEnded as living:
            raise fault(call.settings, kind, "not-ended", name=name, status=living.status) from None
