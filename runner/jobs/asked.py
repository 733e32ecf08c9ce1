"""Folders that whoever asks for a job names beside its request, because the program saves in them."""

from __future__ import annotations

import os
from collections.abc import Sequence

from runner.errors import InvalidRequest
from runner.jobs.naming import shown
from runner.jobs.shared import CONTAINER_ML
from runner.lifecycle.stops import Isolation

FIELD = "checkpoints"


def checkpoints(paths: object, cwd: str, isolation: Isolation | None = None) -> Sequence[str]:
    """The folders as the program has them: absolute, each once; relative ones are relative to its working directory.

    Raises InvalidRequest for what is no folder of this machine, or cannot be read. In `pid1` a job has an `/opt/ml` of
    its own, in which a folder is made if it is not there. Without `isolation` that is not known yet: what is in
    `/opt/ml` is not looked at.
    """
    if isinstance(paths, str | bytes | os.PathLike) or not isinstance(paths, Sequence):
        raise InvalidRequest(FIELD, f"must be a list of folders, not {shown(paths)}")
    found = [_absolute(f"{FIELD}[{number}]", path, cwd) for number, path in enumerate(paths)]
    for number, path in enumerate(found):
        if isolation is Isolation.PLAIN or not in_container_ml(path):
            _check(f"{FIELD}[{number}]", path)
    return tuple(dict.fromkeys(found))


def in_container_ml(path: str) -> bool:
    """Whether this absolute path is `/opt/ml` or below it."""
    return path == CONTAINER_ML or path.startswith(f"{CONTAINER_ML}/")


def _absolute(field: str, path: object, cwd: str) -> str:
    if not isinstance(path, str | os.PathLike):
        raise InvalidRequest(field, f"must be a path, not {shown(path)}")
    text = os.fspath(path)
    if not isinstance(text, str) or not text or "\0" in text:
        raise InvalidRequest(field, f"must be a path without NUL characters, not {shown(text)}")
    return os.path.abspath(os.path.join(cwd, text))


def _check(field: str, path: str) -> None:
    if not os.path.lexists(path):
        raise InvalidRequest(field, f"must be a folder that exists: there is no {path!r}")
    if not os.path.isdir(path):
        raise InvalidRequest(field, f"must be a folder, which {path!r} is not")
    if not os.access(path, os.R_OK | os.X_OK):
        raise InvalidRequest(field, f"must be a folder that can be read, which {path!r} is not")
