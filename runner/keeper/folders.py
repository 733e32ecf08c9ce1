"""The folders in which a job is watched: a root for each that the order names, and what is below it."""

from __future__ import annotations

import os

from runner.linux import inotify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.keeper.save import Save
    from runner.keeper.saves import Saves

EVENTS = (
    inotify.CREATE
    | inotify.OPEN
    | inotify.MODIFY
    | inotify.CLOSE_WRITE
    | inotify.CLOSE_NOWRITE
    | inotify.MOVED_FROM
    | inotify.MOVED_TO
    | inotify.DELETE
    | inotify.MOVE_SELF
    | inotify.ONLY_FOLDERS
    | inotify.DO_NOT_FOLLOW
    | inotify.NOT_OF_REMOVED
)
"""The same for every folder: two jobs that watch one share its watch. OPEN tells a new file from a new hard link."""


class Place:
    """Something that is watched for a job."""

    __slots__ = ("of", "watch")

    def __init__(self, of: Saves) -> None:
        self.of = of
        self.watch = -1
        """Its number in the queue; -1: not watched."""

    def host(self) -> bytes:
        """Its path, as this machine sees it."""
        raise NotImplementedError

    def happened(self, bits: int, cookie: int, name: bytes, now: int) -> None:
        """An event of an entry, or without a name of the folder itself, read at an instant of CLOCK_MONOTONIC."""
        raise NotImplementedError

    def gone(self, now: int) -> None:
        """Its watch is no more, because the folder is not."""
        raise NotImplementedError


class Folder(Place):
    """A folder below a root, where it is now: a rename changes parent and name."""

    __slots__ = ("entries", "name", "parent", "unseen")

    def __init__(self, of: Saves, parent: Folder | None, name: bytes) -> None:
        super().__init__(of)
        self.parent = parent
        self.name = name
        self.entries: dict[bytes, Save | Folder] = {}
        """Folders that are watched, and files in which something was saved lately."""
        self.unseen = False
        """It is watched, but has not been looked through: it had another name by then."""

    @property
    def root(self) -> Root:
        folder = self
        while folder.parent is not None:
            folder = folder.parent
        assert isinstance(folder, Root)
        return folder

    def host(self) -> bytes:
        assert self.parent is not None
        return self.parent.host() + b"/" + self.name

    def seen(self) -> bytes:
        """Its path, as the job sees it."""
        assert self.parent is not None
        return self.parent.seen() + b"/" + self.name

    def is_in(self, other: Folder) -> bool:
        """It is this one, or below it."""
        folder: Folder | None = self
        while folder is not None and folder is not other:
            folder = folder.parent
        return folder is other

    def leave(self, name: bytes, entry: Save | Folder) -> None:
        """Forget what became of an entry, unless its name is another's by now."""
        if self.entries.get(name) is entry:
            del self.entries[name]

    def happened(self, bits: int, cookie: int, name: bytes, now: int) -> None:
        self.of.happened(self, bits, cookie, name, now)

    def gone(self, now: int) -> None:
        self.of.folder_gone(self, now)


class Root(Folder):
    """A folder that the order to launch names."""

    __slots__ = ("_host", "_seen", "role")

    def __init__(self, of: Saves, order: dict[str, Any]) -> None:
        super().__init__(of, None, b"")
        self._host = os.fsencode(order["folder"])
        self._seen = os.fsencode(order["path"])
        self.role: str = order["role"]

    def host(self) -> bytes:
        return self._host

    def seen(self) -> bytes:
        return self._seen


class Parent(Place):
    """The folder in which a root is not (any more): watched until it is there (again)."""

    __slots__ = ("root",)

    def __init__(self, root: Root) -> None:
        super().__init__(root.of)
        self.root = root

    def host(self) -> bytes:
        return os.path.dirname(self.root.host())

    def happened(self, bits: int, cookie: int, name: bytes, now: int) -> None:
        if bits & (inotify.CREATE | inotify.MOVED_TO) and name == os.path.basename(self.root.host()):
            self.of.root_is_there(self, now)

    def gone(self, now: int) -> None:
        self.watch = -1
        self.of.missed = True


def told(watched: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The folders of an order, as its `launch` fact has them."""
    return [{"role": folder["role"], "path": folder["path"], "asked": folder["asked"]} for folder in watched]


def check(watched: Any) -> None:
    """Raises KeyError, TypeError or ValueError for what is no list of folders."""
    for folder in watched:
        if not all(isinstance(folder[name], str) for name in ("folder", "path", "role")):
            raise TypeError("a watched folder has texts: folder, path and role")
        if not isinstance(folder["asked"], bool):
            raise TypeError("asked must be true or false")
        if not os.path.isabs(folder["folder"]) or "\0" in folder["folder"]:
            raise ValueError("a watched folder is an absolute path")
