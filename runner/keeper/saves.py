"""What a job saves in its watched folders: each file from its beginning to its end, and what becomes of it."""

from __future__ import annotations

import contextlib
import os
import stat

from runner.keeper.folders import Folder, Root
from runner.keeper.tree import CREATED, MOVED_IN, OVERWRITTEN, REMOVED, RENAMED, THERE, Tree
from runner.linux import inotify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from runner.keeper.files import Files
    from runner.keeper.writers import Writers

LISTED = 100
"""Saves, open files and files that were read that a fact lists: the latest ones."""
MOST_OPEN = 2000
"""Files of one job that are followed at a time."""
MOST_LOOKS = 5
"""Times that a writer is looked for: one may be of another user, or have mapped the file and closed it."""
_NEVER_OPENED_NS = 1_000_000_000
"""After this, an empty file that nobody has opened was made without opening it (mknod(2))."""


class Save:
    """One file, from when it was begun; where it is now, as long as that is known."""

    __slots__ = (
        *("began_as", "begun", "done", "folder", "found", "how", "looks", "changed", "name", "opened", "role", "size"),
        *("_became", "_to", "writer"),
    )

    def __init__(self, folder: Folder, name: bytes, how: str, now: int) -> None:
        self.folder: Folder | None = folder
        self.name = name
        self.began_as = folder.seen() + b"/" + name
        self.role = folder.root.role
        self.how = how
        self.begun = now
        self.done: int | None = None
        self.size: int | None = None
        self.opened = False
        self.changed: int | None = None
        """When it was last seen to be written to."""
        self.found = False
        """It was there when its folder was looked through: nobody has told yet whether it is still being written."""
        self.writer: dict[str, Any] | None = None
        self.looks = 0
        """How often its writer was looked for in vain."""
        self._became = THERE
        self._to: bytes | None = None

    def host(self) -> bytes | None:
        """Its path, as this machine sees it; None if it is not known any more."""
        return None if self.folder is None else self.folder.host() + b"/" + self.name

    def status(self) -> os.stat_result | None:
        """What the kernel says of the file, without following links; None if it is not there."""
        path = self.host()
        with contextlib.suppress(OSError):
            return os.lstat(path) if path is not None else None
        return None

    def measure(self) -> int:
        """Its size, 0 if it is not there; kept as `size` if it is."""
        status = self.status()
        if status is None:
            return 0
        self.size = status.st_size
        return status.st_size

    def detach(self, became: str | None = None) -> None:
        """Its place is not followed any more; `became`: where it is no more, None: another save took it over."""
        self._became, self._to = self._fate() if became is None else (became, None)
        self.folder = None

    def _fate(self) -> tuple[str, bytes | None]:
        if self.folder is None:
            return self._became, self._to
        now = self.folder.seen() + b"/" + self.name
        return (THERE, None) if now == self.began_as else (RENAMED, now)

    def told(self, away: bool) -> dict[str, Any]:
        """As facts have it (`lifecycle.facts`); `away`: it was renamed, and nobody has heard to what."""
        became, to = (RENAMED, None) if away else self._fate()
        return {
            "path": os.fsdecode(self.began_as),
            "role": self.role,
            "how": self.how,
            "begun": self.begun,
            "done": self.done,
            "changed": self.changed,
            "size": self.size,
            "became": became,
            "to": None if to is None else os.fsdecode(to),
            "writer": self.writer,
        }


class Saves(Tree):
    """All that one job does in its watched folders, bounded."""

    __slots__ = (
        "_bytes",
        "_done",
        "_found",
        "_looked_at",
        "_read",
        "_saved",
        "_unopened",
        "closely",
        "open",
        "writers",
    )

    def __init__(self, queue: Files, watched: list[dict[str, Any]]) -> None:
        super().__init__(queue)
        # Those that somebody named come first: where two are one folder, what happens there has the role of the first.
        self.roots = [Root(self, folder) for folder in sorted(watched, key=lambda folder: not folder["asked"])]
        self.open: dict[Save, None] = {}
        """What is being written, in the order in which it was begun."""
        self._done: list[Save] = []
        self._saved = self._bytes = 0
        self._read: dict[bytes, None] = {}
        self._unopened: list[Save] = []
        """Of new names that nobody was seen to open: links, or files that are just being opened."""
        self._found: list[Save] = []
        self._looked_at: list[Save] = []
        self.writers: Writers | None = None
        """Who may have files open; None before there is a process."""
        self.closely = False
        """Find out who writes as soon as something is begun: the job is being stopped."""

    def happened(self, folder: Folder, bits: int, cookie: int, name: bytes, now: int) -> None:
        """An event of a folder that is watched. The most frequent one first."""
        if bits == inotify.MODIFY:
            entry = folder.entries.get(name)
            if type(entry) is Save and entry.done is None:
                entry.changed, entry.found = now, False
            else:
                self._begin_save(folder, name, OVERWRITTEN, now)
        elif bits & inotify.MOVE_SELF:
            if folder in self.roots:
                self.root_moved(folder, now)
        elif bits & inotify.OF_FOLDER:
            self.folder_happened(folder, bits, cookie, name, now)
        elif bits & (inotify.MOVED_FROM | inotify.MOVED_TO):
            self._renamed(folder, bits, cookie, name, now)
        else:
            self._file_happened(folder, bits, name, now)

    def _file_happened(self, folder: Folder, bits: int, name: bytes, now: int) -> None:
        entry = folder.entries.get(name)
        save = entry if type(entry) is Save else None
        being_written = save is not None and save.done is None
        if bits & inotify.CREATE:
            if save is not None and save.found:
                # Made between the watch and the look: who opens it is told next.
                save.found = save.opened = False
                self._unopened.append(save)
            else:
                self._begin_save(folder, name, CREATED, now)
        elif bits & inotify.DELETE:
            if save is not None:
                del folder.entries[name]
                self.lost(save, REMOVED)
        elif bits & inotify.CLOSE_NOWRITE:
            if save is not None and being_written and save.changed is None and not save.found:
                self._finish_unwritten(save, now)
            self._was_read(folder, name)
        elif save is not None and being_written:
            if bits & inotify.OPEN:
                save.opened = True
            elif bits & inotify.CLOSE_WRITE:
                self._finish(save, now)

    def _begin_save(self, folder: Folder, name: bytes, how: str, now: int) -> None:
        if len(self.open) >= MOST_OPEN:
            self.missed = True
            return
        save = Save(folder, name, how, now)
        status = save.status()
        # One that is not there any more has another name by now, of which the next events tell.
        if status is not None and not stat.S_ISREG(status.st_mode):
            return
        before = folder.entries.get(name)
        if type(before) is Save:
            before.detach(REMOVED if how == CREATED else None)
            self.open.pop(before, None)
        folder.entries[name] = save
        self.open[save] = None
        if how == CREATED:
            self._unopened.append(save)
        else:
            save.opened, save.changed = True, now

    def _finish(self, save: Save, now: int) -> None:
        """It is complete as far as anybody can tell: its writer, or the kernel for it, has closed it."""
        save.found = False
        save.done = now
        self._bytes += save.measure()
        self._saved += 1
        del self.open[save]
        self._done.append(save)
        if len(self._done) > LISTED:
            oldest = self._done.pop(0)
            if oldest.folder is not None and oldest.folder.entries.get(oldest.name) is oldest:
                del oldest.folder.entries[oldest.name]

    def _finish_unwritten(self, save: Save, now: int) -> None:
        """Made by who opened it for reading only, as a lock is; or a link, and somebody reads what it leads to."""
        status = save.status()
        if status is not None:
            if status.st_size:
                save.how, now = MOVED_IN, save.begun
            self._finish(save, now)

    def _renamed(self, folder: Folder, bits: int, cookie: int, name: bytes, now: int) -> None:
        entry = folder.entries.get(name)
        if bits & inotify.MOVED_FROM:
            self._moving[cookie] = folder.entries.pop(name, None)
            return
        was_inside = cookie in self._moving
        save = self._moving.pop(cookie, None)
        if type(entry) is Save:
            if was_inside and type(save) is not Save and entry.found:
                return  # found under its new name before the rename was read
            del folder.entries[name]
            self.lost(entry, REMOVED)
        if type(save) is Save:
            save.folder, save.name = folder, name
            folder.entries[name] = save
            if save.done is not None and save.size is None:
                self._bytes += save.measure()
        elif not was_inside:
            self._moved_in(folder, name, now)

    def _moved_in(self, folder: Folder, name: bytes, now: int) -> None:
        self._begin_save(folder, name, MOVED_IN, now)
        entry = folder.entries.get(name)
        if type(entry) is Save and entry.done is None:
            self._finish(entry, now)

    def found(self, folder: Folder, name: bytes, how: str, now: int) -> None:
        """A file that was there when its folder was looked through."""
        if how == MOVED_IN:
            self._moved_in(folder, name, now)
            return
        self._begin_save(folder, name, how, now)
        entry = folder.entries.get(name)
        if type(entry) is Save and entry.done is None:
            entry.found = entry.opened = True
            self._found.append(entry)

    def lost(self, save: Save, became: str) -> None:
        """The file has left the watched folders, or is no more. One that was not complete is no save."""
        save.detach(became)
        self.open.pop(save, None)

    def _was_read(self, folder: Folder, name: bytes) -> None:
        path = folder.seen() + b"/" + name
        if path not in self._read:
            with contextlib.suppress(OSError):
                if not stat.S_ISREG(os.lstat(folder.host() + b"/" + name).st_mode):
                    return
        self._read.pop(path, None)
        self._read[path] = None
        if len(self._read) > LISTED:
            del self._read[next(iter(self._read))]

    # --- what events alone do not tell

    def find_writers(self) -> None:
        """Find out who has those files open of which that is not known, and has not been looked for too often."""
        unknown = [save for save in self.open if save.writer is None and save.looks < MOST_LOOKS]
        if unknown and self.writers is not None:
            self.writers.find(unknown[-LISTED:])

    def look_at_unsure(self) -> bool:
        """Look at files of which events alone do not tell whether they are complete; whether there are any."""
        self._looked_at += self._found
        self._found.clear()
        for save in self._unopened:
            status = save.status()
            if save.opened or save not in self.open or status is None:
                continue
            if not stat.S_ISREG(status.st_mode):
                self._forget(save)
            elif status.st_size or status.st_nlink > 1:
                self._looked_at.append(save)
        if self._looked_at or self.closely:
            self.find_writers()
        return bool(self._looked_at)

    def settle_unsure(self) -> None:
        """Conclude, once what happened before the look has been heard.

        A file that was found is complete if nobody has it open. A name that nobody has opened, of a file that has
        something in it, is a link to a file that was complete before.
        """
        for save in self._looked_at:
            if save in self.open and (save.found or not save.opened):
                save.how = save.how if save.found else MOVED_IN
                self._finish(save, save.begun)
        self._looked_at.clear()

    def settle(self, now: int) -> bool:
        """Draw the conclusions that take a while; False if there are more to come."""
        self.settle_moves()
        self._unopened = [save for save in self._unopened if not save.opened and save in self.open]
        for save in [save for save in self._unopened if now - save.begun > _NEVER_OPENED_NS]:
            self._finish(save, save.begun)
        return not (self._moving or self._unopened or self._found)

    def _forget(self, save: Save) -> None:
        """It is no file."""
        if save.folder is not None:
            del save.folder.entries[save.name]
        self.lost(save, REMOVED)

    # --- facts

    def told(self) -> dict[str, Any]:
        """The members of a fact `files` but for its moment; what is open is measured now."""
        being_written = list(self.open)[-LISTED:]
        for save in being_written:
            save.measure()
        away = set(self._away())
        return {
            "saved": self._saved,
            "bytes": self._bytes,
            "saves": [save.told(save in away) for save in self._done],
            "open": [save.told(save in away) for save in being_written],
            "read": [os.fsdecode(path) for path in self._read],
            "missed": self.missed,
        }

    def _away(self) -> Iterator[Save]:
        """What has left its place and has come nowhere yet."""
        for entry in self._moving.values():
            if isinstance(entry, Folder):
                yield from _below(entry)
            elif entry is not None:
                yield entry


def _below(folder: Folder) -> Iterator[Save]:
    for entry in folder.entries.values():
        if isinstance(entry, Folder):
            yield from _below(entry)
        else:
            yield entry
