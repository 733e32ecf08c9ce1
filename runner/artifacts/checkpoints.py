"""Keeps a folder as plain objects, and brings them back: what `CheckpointConfig` asks for.

SageMaker copies continuously, deletions included. Here it is done once, when nothing of the job runs any more: what
lies in the folder then, half-written files too, is what a copy that never stops would have.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from runner.artifacts.archives import Skipped
from runner.artifacts.stores import NoSuchObject, ObjectStore
from runner.artifacts.uploads import Nothing, Places, Sent, Unsent, move
from runner.errors import RunnerError

_RESTORED = "restored.json"


def restore(uri: str, folder: Path, store: ObjectStore, scratch: Path) -> None:
    """Bring what is kept at `uri` into `folder`, which is made. Raises OSError, RunnerError."""
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(NoSuchObject):  # the first of the jobs that use it
        store.fetch(_below(uri), folder)
    scratch.mkdir(parents=True, exist_ok=True)
    names = [str(path.relative_to(folder)) for path in _files(folder)]
    (scratch / _RESTORED).write_text(json.dumps(names), encoding="utf-8", errors="surrogateescape")


def keep(folder: Path, uri: str, store: ObjectStore, places: Places) -> Sent | Nothing | Unsent:
    """Make the objects at `uri` those of the folder: each file one, and none of what was restored and is there no more.

    What is no file (and no link to one inside the folder) is skipped and reported. Raises nothing for what can go
    wrong. May be repeated.
    """
    skipped: list[Skipped] = []
    try:
        kept = _put(folder, uri, store, places.scratch, skipped)
        gone = [name for name in _restored(places.scratch) if name not in kept]
        for name in gone:
            store.remove(f"{_below(uri)}{name}")
    except (OSError, RunnerError) as failed:
        return Unsent(uri, move(folder, places.unsent), f"could not be uploaded: {failed}", skipped)
    return Sent(uri, skipped) if kept or gone else Nothing(uri, skipped)


def _put(folder: Path, uri: str, store: ObjectStore, scratch: Path, skipped: list[Skipped]) -> set[str]:
    scratch.mkdir(parents=True, exist_ok=True)
    copy, kept = scratch / "object", set()
    for path in _files(folder, skipped):
        name = str(path.relative_to(folder))
        try:
            _copy(path, folder, copy)
        except _NotKept as why:
            skipped.append(Skipped(name, str(why)))
            continue
        store.take(copy, f"{_below(uri)}{name}")
        copy.unlink(missing_ok=True)
        kept.add(name)
    return kept


class _NotKept(Exception):
    """Why an entry of the folder does not become an object."""


def _files(folder: Path, skipped: list[Skipped] | None = None) -> Iterator[Path]:
    """All entries below the folder that are no folders. A folder that is a link is not entered."""

    def failed(error: OSError) -> None:
        if skipped is not None and not isinstance(error, FileNotFoundError):
            skipped.append(Skipped(os.path.relpath(error.filename, folder), (error.strerror or str(error)).lower()))

    for parent, folders, names in os.walk(folder, onerror=failed):
        folders.sort()
        links = [name for name in folders if os.path.islink(os.path.join(parent, name))]
        yield from (Path(parent, name) for name in sorted([*names, *links]))


def _copy(path: Path, folder: Path, copy: Path) -> None:
    """Raises _NotKept, or OSError if the copy cannot be written.

    A program may leave anything: a link out of the folder is not followed, and a FIFO does not block.
    """
    real = Path(os.path.realpath(path)) if path.is_symlink() else path
    if real is not path and not real.is_relative_to(os.path.realpath(folder)):
        raise _NotKept("a link out of the folder")
    try:
        descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as failed:
        raise _NotKept((failed.strerror or str(failed)).lower()) from None
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise _NotKept("a link to a folder" if stat.S_ISDIR(about.st_mode) else "not a file")
        with open(descriptor, "rb", closefd=False) as source, copy.open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
    finally:
        os.close(descriptor)
    os.utime(copy, ns=(about.st_atime_ns, about.st_mtime_ns))


def _restored(scratch: Path) -> list[str]:
    try:
        names: list[str] = json.loads((scratch / _RESTORED).read_text(encoding="utf-8", errors="surrogateescape"))
    except (OSError, ValueError):
        return []
    return names


def _below(uri: str) -> str:
    """What begins with this is below `uri`, and nothing beside it."""
    return uri.rstrip("/") + "/"
