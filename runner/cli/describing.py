"""`runner describe`: a job as the API's Describe shows it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from runner.api import Job
from runner.cli import opening, times
from runner.cli.opening import Target
from runner.cli.terminal import safe


def describe(target: Target, as_json: bool) -> int:
    """Print it; the exit code. Raises NoSuchJob, NoSupervisor (the directory is none), InvalidRequest.

    As text it ends with what of the job's request is not honoured (`jobs.unheeded`). JSON is the API's answer alone.
    """
    described, unheeded = opening.answered(target.data_dir, lambda runner: _asked(opening.job(runner, target)))
    if as_json:
        print(json.dumps(described, indent=2))
    else:
        print("\n".join(lines(described | unheeded)))
    return 0


def _asked(job: Job) -> tuple[dict[str, Any], dict[str, Any]]:
    found = job.detail()["results"].get("unheeded")
    return job.describe(), {"Accepted, and not honoured": found} if found else {}


def lines(value: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """Members of an object, one a line; what is inside of one is indented below it, and a `-` begins each of a list."""
    for name, member in value.items():
        yield from _member(f"{indent}{safe(name)}:", name, member, f"{indent}  ")


def _member(head: str, name: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        yield head
        yield from lines(value, indent)
    elif isinstance(value, list) and value:
        yield head
        for item in value:
            yield from _item(name, item, indent)
    else:
        yield f"{head} {_scalar(name, value)}"


def _item(name: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        for number, line in enumerate(lines(value, f"{indent}  ")):
            yield line if number else f"{indent}- {line.lstrip()}"
    else:
        yield f"{indent}- {_scalar(name, value)}"


def _scalar(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        is_instant = name.endswith(("Time", "Timestamp"))
        return times.exact(value) if is_instant else str(value)
    return safe(value) if isinstance(value, str) else json.dumps(value)
