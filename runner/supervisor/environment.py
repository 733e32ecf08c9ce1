"""The environment of a job's program."""

from __future__ import annotations

from collections.abc import Mapping

from runner.supervisor.folders import TEMPORARY
from runner.supervisor.options import Options

OWN_PREFIX = "RUNNER_"
"""Variables of ours: they configure the supervisor, and no job inherits them."""


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """What a job takes over of the environment that it was created from."""
    return {name: value for name, value in environment.items() if not name.startswith(OWN_PREFIX)}


def of_job(base: Mapping[str, str], variables: Mapping[str, str], ml: str, options: Options) -> dict[str, str]:
    """All variables of a program: what it inherits, what the supervisor adds, what its type and its request say."""
    unbuffered = {"PYTHONUNBUFFERED": "1"} if options.unbuffered else {}
    return {**inherited(base), **unbuffered, "TMPDIR": f"{ml}/{TEMPORARY}", **options.variables, **variables}
