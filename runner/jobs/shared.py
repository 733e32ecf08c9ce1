"""What the job types have in common: tags, time limits, environment, echoes for Describe."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from runner.errors import InvalidRequest
from runner.jobs.base import Defaults, Kind, Place
from runner.jobs.naming import region, shown
from runner.jobs.reading import Part
from runner.lifecycle.stops import DEFAULT_GRACE, GRACE_RULE, Isolation, check_grace

GRACE_TAG = "runner:grace-seconds"
ISOLATION_TAG = "runner:isolation"
OUR_TAGS = (GRACE_TAG, ISOLATION_TAG)
MOST_TAGS = 50
"""Of one job: the length of `TagList` in the service model, and AWS's limit for any resource."""

DEFAULT_MAX_RUNTIME = 86_400
"""Seconds: "the default value is 1 day" (StoppingCondition)."""

CONTAINER_ML = "/opt/ml"
_VARIABLE = re.compile("[a-zA-Z_][a-zA-Z0-9_]*")


class Wishes(NamedTuple):
    """What a job's tags ask of this runner."""

    tags: Mapping[str, str]
    grace: float
    isolation: Isolation | None


def wishes(request: Part, kind: Kind, defaults: Defaults) -> Wishes:
    """Reads `Tags`; see `tags_of`. Raises InvalidRequest for a wish that cannot be kept."""
    tags = tags_of(request)
    return Wishes(tags, _grace(tags, kind, defaults), _isolation(tags))


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """`Tags` as a request has them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tags_of(request: Part) -> dict[str, str]:
    """`Tags` of a request: key -> value, in its order.

    A tag `runner:…` that is not one of ours is refused: it would be a wish silently ignored. So are more than 50.
    """
    tags: dict[str, str] = {}
    for tag in request.parts("Tags"):
        key = tag.text("Key")
        if key in tags:
            raise InvalidRequest(tag.field("Key"), f"must not be there twice: {shown(key)}")
        if key.startswith("runner:") and key not in OUR_TAGS:
            raise InvalidRequest(tag.field("Key"), f"must be one of {', '.join(OUR_TAGS)}, not {shown(key)}")
        tags[key] = tag.text("Value")
    if len(tags) > MOST_TAGS:
        raise InvalidRequest(request.field("Tags"), f"must be at most {MOST_TAGS} in all, not {len(tags)}")
    return tags


def _grace(tags: Mapping[str, str], kind: Kind, defaults: Defaults) -> float:
    if GRACE_TAG not in tags:
        return float(defaults.grace.get(kind, DEFAULT_GRACE))
    field, value = f"Tags.{GRACE_TAG}", tags[GRACE_TAG]
    try:
        seconds = float(value)
    except ValueError:
        raise InvalidRequest(field, f"must be a number of seconds, not {shown(value)}") from None
    try:
        return check_grace(seconds)
    except ValueError:
        raise InvalidRequest(field, f"{GRACE_RULE}, not {shown(value)}") from None


def _isolation(tags: Mapping[str, str]) -> Isolation | None:
    if ISOLATION_TAG not in tags:
        return None
    try:
        return Isolation(tags[ISOLATION_TAG])
    except ValueError:
        rule = f"must be {Isolation.PID1.value} or {Isolation.PLAIN.value}, not {shown(tags[ISOLATION_TAG])}"
        raise InvalidRequest(f"Tags.{ISOLATION_TAG}", rule) from None


def max_runtime(condition: Part) -> float:
    """`MaxRuntimeInSeconds` of a StoppingCondition."""
    return float(condition.optional_whole("MaxRuntimeInSeconds", 1) or DEFAULT_MAX_RUNTIME)


def environment(request: Part) -> dict[str, str]:
    """`Environment`, whose keys must be names that a shell could use."""
    variables = request.strings("Environment")
    for name in variables:
        if not _VARIABLE.fullmatch(name):
            rule = f"must have keys of letters, digits and '_' that do not begin with a digit, not {shown(name)}"
            raise InvalidRequest(request.field("Environment"), rule)
    return variables


def base_variables(place: Place, arn: str) -> dict[str, str]:
    """What every job's program is told: its region, and where `/opt/ml` is if it is not there."""
    variables = {"AWS_REGION": region(arn), "AWS_DEFAULT_REGION": region(arn)}
    if place.ml != CONTAINER_ML:
        variables["SAGEMAKER_BASE_DIR"] = place.ml
    return variables


def echo(request: Mapping[str, Any], members: Iterable[str]) -> dict[str, Any]:
    """The members of the request that Describe shows as they came; those that are absent or null are left out."""
    return {name: request[name] for name in members if request.get(name) is not None}


def present(**members: Any) -> dict[str, Any]:
    """Members of an answer, without those that are None."""
    return {name: value for name, value in members.items() if value is not None}


def own_folder(path: str) -> str | None:
    """The folder, relative to `/opt/ml`, that an absolute path of a container names; None if it is not below that."""
    folder = posixpath.relpath(path, CONTAINER_ML)
    return None if folder.split("/")[0] in {".", ".."} else folder


def below(prefix: str, *parts: str) -> str:
    """An object's URI below the prefix that a request gives, with or without a slash at its end."""
    return "/".join((prefix.rstrip("/"), *parts))
