"""What a job leaves behind that nobody will ever use: files in its TMPDIR, and shared memory."""

from __future__ import annotations

import os

from runner.linux import descriptors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

LISTED = 50
"""Paths that a fact lists."""
_MOST_ENTRIES = 10_000
"""Entries whose size is added up."""
_SHARED_MEMORY = "/dev/shm"
_MOST_NAMES = 1000


def left(folder: str | None, path: str | None) -> dict[str, Any]:
    """The members of a fact `temporaries` for what lies in `folder`, which the job sees at `path`: its own entries.

    Without `shared_memory`; `count` is 0 if there is nothing.
    """
    names: list[str] = []
    size = 0
    if folder is not None and path is not None:
        size = _size(os.fsencode(folder), names)
    return {"paths": [f"{path}/{name}" for name in sorted(names)[:LISTED]], "count": len(names), "bytes": size}


def _size(folder: bytes, names: list[str]) -> int:
    """The bytes of all files below; puts the names of the folder's own entries into `names`."""
    size = entries = 0
    folders = [folder]
    for found in folders:
        try:
            with os.scandir(found) as listed:
                for entry in listed:
                    entries += 1
                    if entries > _MOST_ENTRIES:
                        return size
                    if found is folder:
                        names.append(os.fsdecode(entry.name))
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        size += entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue  # it may not be read, or a process that got away removes it
    return size


class SharedMemory:
    """Which names in /dev/shm appeared while only one job of this keeper ran: whose they are does not stand on them."""

    __slots__ = ("_alone", "_before", "_living")

    def __init__(self) -> None:
        self._alone: object | None = None
        self._before: frozenset[str] | None = None
        self._living = 0

    def launched(self, job: object) -> None:
        """A job is about to run."""
        self._living += 1
        self._alone = job if self._living == 1 else None
        self._before = _names() if self._living == 1 else None

    def gone(self, job: object) -> list[str] | None:
        """Nothing of the job runs any more: the names that it left; None if another one ran meanwhile."""
        self._living -= 1
        if self._alone is not job:
            return None
        before, self._alone, self._before = self._before, None, None
        now = _names()
        if before is None or now is None:
            return None
        return sorted(_unused(now - before))


def _names() -> frozenset[str] | None:
    """Of this user; None if they cannot be known, or are too many."""
    found: set[str] = set()
    try:
        with os.scandir(_SHARED_MEMORY) as entries:
            for entry in entries:
                if len(found) > _MOST_NAMES:
                    return None
                if entry.stat(follow_symlinks=False).st_uid == os.getuid():
                    found.add(entry.name)
    except OSError:
        return None
    return frozenset(found)


def _unused(names: Iterable[str]) -> set[str]:
    """What another program of this user has made meanwhile, it has open or mapped."""
    paths = {f"{_SHARED_MEMORY}/{name}" for name in names}
    used = descriptors.in_use(paths) if paths else set()
    return {os.path.basename(path) for path in paths - used}
