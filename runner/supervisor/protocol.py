"""What goes over a supervisor's socket: one JSON object a line.

    request   {"id": 7, "verb": "stop", "args": {"kind": "training", "name": "digits-1"}}
    answer    {"id": 7, "result": ...}   or   {"id": 7, "error": {"type": "JobEnded", "message": ..., ...}}

Answers come in the order in which they are ready; many requests may be under way on one connection.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from runner import errors
from runner.errors import InvalidRequest, JobEnded, JobNotEnded, JobStopping, RunnerError

LONGEST_LINE = 64 << 20
"""Bytes. A report holds a whole journal."""


def encode(message: Mapping[str, Any]) -> bytes:
    """One line."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def told(error: RunnerError) -> dict[str, Any]:
    """An error as it goes over the socket: as the nearest of its classes that `runner.errors` has."""
    name = next(cls.__name__ for cls in type(error).__mro__ if vars(errors).get(cls.__name__) is cls)
    answer: dict[str, Any] = {"type": name, "message": str(error)}
    if isinstance(error, InvalidRequest):
        answer |= {"field": error.field, "rule": error.rule}
    if isinstance(error, JobEnded | JobNotEnded | JobStopping):
        answer["status"] = error.status
    return answer


def heard(answer: Mapping[str, Any]) -> RunnerError:
    """The error that was told."""
    kind = getattr(errors, str(answer.get("type")), RunnerError)
    if kind is InvalidRequest:
        return InvalidRequest(answer["field"], answer["rule"])
    if kind in (JobEnded, JobNotEnded, JobStopping):
        ended: RunnerError = kind(answer["message"], answer["status"])
        return ended
    error = kind(answer.get("message", ""))
    return error if isinstance(error, RunnerError) else RunnerError(answer.get("message", ""))


@contextmanager
def short_path(folder: Path, name: str) -> Iterator[str]:
    """A path to `folder/name` that fits into a socket's address, which holds 107 bytes (unix(7)), while inside."""
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{name}"
    finally:
        os.close(descriptor)
