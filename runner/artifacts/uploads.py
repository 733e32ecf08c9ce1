"""Keeps what a job leaves in a folder: packed and put into the object store, or else moved where it is not lost."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from runner.artifacts.archives import Skipped, is_empty, pack
from runner.artifacts.stores import ObjectStore
from runner.errors import RunnerError


class Sent(NamedTuple):
    """It is in the object store."""

    uri: str
    skipped: Sequence[Skipped] = ()


class Nothing(NamedTuple):
    """There was nothing to keep."""

    uri: str
    skipped: Sequence[Skipped] = ()


class Unsent(NamedTuple):
    """It could not be uploaded. `kept` is where it is now: a folder with the archive, or with what was to be packed."""

    uri: str
    kept: Path
    reason: str
    skipped: Sequence[Skipped] = ()


class Places(NamedTuple):
    """Folders for one attempt of one job alone; each is made when it is needed."""

    scratch: Path
    """Where the archive, or the copy of a file, is made."""
    unsent: Path
    """Where what could not be uploaded is kept."""


def upload(
    folder: Path, uri: str, store: ObjectStore, places: Places, *, always: bool = True, ready: str = ""
) -> Sent | Nothing | Unsent:
    """Put all that is in `folder` into the store as the `.tar.gz` object `uri`. Raises nothing for what can go wrong.

    An empty or missing folder is Nothing, unless `always`. If the folder's only entry is the file `ready`, that is
    the archive. May be repeated: the object is replaced as a whole.
    """
    try:
        if not always and is_empty(folder):
            return Nothing(uri)
        archive, skipped = _archive(folder, places.scratch / (uri.rpartition("/")[2] or "archive.tar.gz"), ready)
    except OSError as failed:
        return Unsent(uri, move(folder, places.unsent), f"could not be packed: {failed}")
    try:
        store.take(archive, uri)
    except (OSError, RunnerError) as failed:
        return Unsent(uri, move(archive, places.unsent), f"could not be uploaded: {failed}", skipped)
    archive.unlink(missing_ok=True)
    return Sent(uri, skipped)


def _archive(folder: Path, archive: Path, ready: str) -> tuple[Path, Sequence[Skipped]]:
    """The archive to send: the one that the program has made, or `archive`, made here."""
    made = folder / ready
    if ready and not is_empty(folder) and os.listdir(folder) == [ready] and stat.S_ISREG(made.lstat().st_mode):
        return made, ()
    return archive, tuple(pack(folder, archive))


def move(what: Path, unsent: Path) -> Path:
    """Where `what` is afterwards: in `unsent`, or, if even that fails, where it was."""
    target = unsent / what.name
    try:
        unsent.mkdir(parents=True, exist_ok=True)
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)  # of an earlier try of the same upload
        shutil.move(what, target)
    except OSError:
        return what
    return target
