"""The file of a Create request."""

from __future__ import annotations

import errno
import json
import sys
from pathlib import Path
from typing import Any, NoReturn

from runner.cli.files import is_stdout
from runner.errors import InvalidRequest
from runner.jobs.naming import shown

LARGEST = 4 << 20
"""Bytes, as of a request over HTTP."""


def read(path: Path) -> dict[str, Any]:
    """The JSON object in a file, or on standard input for `-`. Raises InvalidRequest, with the line of a mistake."""
    name = "standard input" if is_stdout(path) else str(path)
    try:
        data = _bytes(path)
    except OSError as error:
        raise InvalidRequest(name, f"cannot be read: {error.strerror or error}") from None
    if len(data) > LARGEST:
        raise InvalidRequest(name, f"must be a request in JSON of at most {LARGEST >> 20} MiB")
    try:
        return _object(name, data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InvalidRequest(name, f"must be a request in JSON, and so UTF-8: line {line} is not") from None


def _bytes(path: Path) -> bytes:
    """No more than it takes to see that it is too much: the file may be a device without an end."""
    if is_stdout(path):
        if sys.stdin is None:
            raise OSError(errno.EBADF, "it is closed")
        return sys.stdin.buffer.read(LARGEST + 1)
    with path.open("rb") as file:
        return file.read(LARGEST + 1)


def _object(name: str, text: str) -> dict[str, Any]:
    if not text.strip():
        raise InvalidRequest(name, "must be a request in JSON: it is empty")
    try:
        found = json.loads(text, parse_constant=_refuse, object_pairs_hook=_members)
    except json.JSONDecodeError as error:
        raise InvalidRequest(name, f"line {error.lineno}, column {error.colno}: must be JSON: {error.msg}") from None
    except RecursionError:
        raise InvalidRequest(name, "must not be nested so deeply") from None
    except ValueError as error:  # NaN, a number of thousands of digits, or a member twice
        raise InvalidRequest(name, f"must be JSON: {error}") from None
    if not isinstance(found, dict):
        raise InvalidRequest(name, f"must be a JSON object, the request, not {shown(found)}")
    return found


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of one object: the last of two with one name would win without a word."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the member {shown(name)} is there twice in one object")
        found[name] = value
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")
