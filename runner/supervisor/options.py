"""What a supervisor can be told."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, unique
from typing import NamedTuple

from runner.jobs.base import NONE, Defaults
from runner.records.database import Durability


@unique
class Policy(Enum):
    """What becomes of the jobs when their supervisor ends without having closed."""

    PRIVATE = "private"
    """They are killed, and the data directory is removed."""
    NAMED = "named"
    """Every job gets its stop."""
    SERVE = "serve"
    """They go on, and the next supervisor takes them up."""


class Options(NamedTuple):
    """Settings of one supervisor."""

    policy: Policy = Policy.NAMED
    defaults: Defaults = Defaults()
    durability: Durability = Durability.NORMAL
    places: int | None = None
    """How many jobs may run at once; None: as many as there are."""
    unbuffered: bool = True
    """Give jobs PYTHONUNBUFFERED=1, as AWS's own images have it."""
    variables: Mapping[str, str] = NONE
    """More variables for every job, such as the endpoint of the server that it runs under; a request's own win."""
    s3: str | None = None
    """Endpoint of an S3 in which the jobs' objects are, too (`artifacts.mirrored`)."""


def durability(name: str) -> Durability:
    """A durability by its name in `runner.toml`."""
    return Durability(name)
