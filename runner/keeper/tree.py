"""Keeps a watch on every folder below a job's roots, while the job makes, renames and removes them."""

from __future__ import annotations

import errno
import os

from runner.keeper.folders import Folder, Parent, Root
from runner.linux import inotify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.keeper.files import Files
    from runner.keeper.save import Save

MOST_FOLDERS = 500
"""Folders of one job that are watched: each costs kernel memory that cannot be swapped (about 1 kB)."""
MOST_ENTRIES = 10_000
"""Entries that one look at a folder, and at what is below it, goes through."""
_WALK_EVERY_NS = 1_000_000_000
_NOT_THERE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})

CREATED = "created"
OVERWRITTEN = "overwritten"
MOVED_IN = "moved-in"
"""How a save began, and below what became of its file."""
THERE = "there"
RENAMED = "renamed"
REMOVED = "removed"


class Tree:
    """The folders of one job. What happens to files in them is for the class that is made of this one."""

    __slots__ = ("_astray", "_count", "_moved", "_moving", "_parents", "_queue", "_walked", "missed", "roots")

    def __init__(self, queue: Files) -> None:
        self._queue = queue
        self._count = 0
        self._moving: dict[int, Save | Folder | None] = {}
        """What is on its way from one name to another, by the cookie of its rename; None: nothing that is known."""
        self._moved: frozenset[int] = frozenset()
        """Those that were on their way the last time that the queue was empty."""
        self._astray = False
        """Folders are not where they were thought to be, so that some may be watched by nobody: because what a path
        leads to is newer than the event that names it."""
        self._walked = 0
        self.missed = False
        """Something happened, or may have, that was not seen."""
        self.roots: list[Root] = []
        self._parents: list[Parent] = []

    def begin(self, now: int) -> None:
        """Watch all that is there before the program runs."""
        # Looked through before they are watched: a look is an event too, and would wake up the keeper.
        below = [self._below(root) for root in self.roots]
        for root in self.roots:
            watch = self._look_up(root.host())
            if watch is None:
                self._wait_for(root, now)
            else:
                self._take(root, watch, now)
        for root, folders in zip(self.roots, below, strict=True):
            for folder in folders if root.watch >= 0 else ():
                self._take(folder, self._look_up(folder.host()), now)
        self._astray = False  # a root that is not there is waited for

    def _below(self, root: Root) -> list[Folder]:
        found: list[Folder] = [root]
        left = MOST_ENTRIES
        for folder in found:
            for name, is_folder in self._entries(folder):
                left -= 1
                if is_folder:
                    found.append(Folder(root.of, folder, name))
            if left < 0 or len(found) > MOST_FOLDERS:
                self.missed = True
                break
        return found[1:]

    def _entries(self, folder: Folder) -> list[tuple[bytes, bool]]:
        """Names of folders and files, and whether it is a folder; at most `MOST_ENTRIES`."""
        found = []
        try:
            with os.scandir(folder.host()) as entries:
                for count, entry in enumerate(entries):
                    if count >= MOST_ENTRIES:
                        self.missed = True
                        break
                    if entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False):
                        found.append((entry.name, entry.is_dir(follow_symlinks=False)))
        except OSError as error:
            self._lost_sight(error)
        return found

    # --- a watch

    def _look_up(self, path: bytes) -> int | None:
        """The watch of the folder at this path, made if there is none; None if there is no such folder (any more)."""
        if self._count >= MOST_FOLDERS:
            self.missed = True
            return None
        try:
            return self._queue.watch(path)
        except OSError as error:
            if error.errno not in _NOT_THERE:
                self.missed = True
            return None

    def _lost_sight(self, error: OSError | None) -> None:
        """What was there a moment ago cannot be looked at: it has another name by now, or nobody may."""
        if error is None or error.errno in _NOT_THERE:
            self._astray = True
        else:
            self.missed = True

    def _take(self, folder: Folder, watch: int | None, now: int) -> bool:
        """What happens in this folder is this job's from now on; False if it is watched for the job already."""
        if watch is None:
            return False
        if not self._queue.claim(watch, folder):
            known = self._queue.known(watch, folder.of)
            if known is not None and folder.parent is not None:
                self._is_at(known, folder.parent, folder.name, now)
            return False
        self._count += 1
        if folder.parent is not None:
            folder.parent.entries[folder.name] = folder
        return True

    def _is_at(self, known: Folder, parent: Folder, name: bytes, now: int) -> None:
        """A folder was met at another place than it was known at: that is newer than what has been read of it."""
        if known.parent is None or parent.entries.get(name) is known:
            return
        if parent.is_in(known):
            self._astray = True  # both were moved
            return
        known.parent.leave(known.name, known)
        self._moving = {cookie: None if entry is known else entry for cookie, entry in self._moving.items()}
        known.parent, known.name = parent, name
        parent.entries[name] = known
        self._look_again(known, now)  # what was made in it meanwhile was looked for at the old place

    def _drop(self, folder: Folder, became: str) -> None:
        """Watch a folder and what is below it no more; `became`: what is true of the files in it."""
        if folder.watch >= 0:
            self._queue.release(folder)
            self._count -= 1
        entries, folder.entries = folder.entries, {}
        for entry in entries.values():
            if isinstance(entry, Folder):
                self._drop(entry, became)
            else:
                self.lost(entry, became)

    # --- what happens to folders

    def folder_happened(self, folder: Folder, bits: int, cookie: int, name: bytes, now: int) -> None:
        """One was made, or renamed. Of its removal only the end of its watch is of interest."""
        if bits & inotify.CREATE:
            self._appeared(folder, name, CREATED, now)
        elif bits & inotify.MOVED_FROM:
            self._left(folder, name, cookie, now)
        elif bits & inotify.MOVED_TO:
            how = CREATED if cookie in self._moving else MOVED_IN
            child = self._moving.pop(cookie, None)
            if isinstance(child, Folder) and self._is_now(child, folder, name):
                return
            self._appeared(folder, name, how, now)

    def _left(self, parent: Folder, name: bytes, cookie: int, now: int) -> None:
        """A folder has this name no more; another one may have it already, and may be known."""
        child = parent.entries.get(name)
        watch = self._look_up(parent.host() + b"/" + name)
        if isinstance(child, Folder) and child.watch != watch:
            parent.leave(name, child)
            self._moving[cookie] = child
        else:
            self._moving[cookie] = None
        if watch is not None:
            self._met(parent, name, watch, CREATED, now)

    def _is_now(self, child: Folder, parent: Folder, name: bytes) -> bool:
        """Follow a rename, unless the folder of this name is another one by now."""
        watch = self._look_up(parent.host() + b"/" + name)
        if (watch is not None and watch != child.watch) or parent.is_in(child):
            self._drop(child, RENAMED)
            self._astray = True
            return False
        child.parent, child.name = parent, name
        parent.entries[name] = child
        return True

    def _appeared(self, parent: Folder, name: bytes, how: str, now: int) -> None:
        watch = self._look_up(parent.host() + b"/" + name)
        if watch is not None:
            self._met(parent, name, watch, how, now)
        elif self._look_up(parent.host()) != parent.watch:
            self._astray = True  # it is somewhere else, with its parent

    def _met(self, parent: Folder, name: bytes, watch: int, how: str, now: int) -> None:
        """There is a folder, and this is its watch; it may be known."""
        folder = Folder(parent.of, parent, name)
        if self._take(folder, watch, now):
            self._look_through(folder, how, now)

    def _look_again(self, folder: Folder, now: int) -> None:
        """Find the folders that are in it now, and in those; files only where they have never been looked for."""
        if folder.unseen:
            folder.unseen = False
            self._look_through(folder, CREATED, now)
        for name, is_folder in self._entries(folder):
            watch = self._look_up(folder.host() + b"/" + name) if is_folder else None
            if watch is not None:
                self._met(folder, name, watch, CREATED, now)
                found = folder.entries.get(name)
                if isinstance(found, Folder):
                    self._look_again(found, now)

    def _look_through(self, folder: Folder, how: str, now: int) -> None:
        """Find what was made in a new folder before it was watched, and in those that are in it."""
        new = [folder]
        for found in new:
            entries = self._entries(found)
            if self._look_up(found.host()) != found.watch:
                found.unseen = self._astray = True
                continue
            for name, is_folder in entries:
                if name in found.entries:
                    continue
                if not is_folder:
                    self.found(found, name, how, now)
                    continue
                below = Folder(found.of, found, name)
                watch = self._look_up(below.host())
                if watch is None:
                    self._lost_sight(None)
                elif self._take(below, watch, now):
                    new.append(below)

    def folder_gone(self, folder: Folder, now: int) -> None:
        """It was removed."""
        folder.watch = -1
        self._count -= 1
        parent = folder.parent
        if parent is not None:
            parent.leave(folder.name, folder)
        # Only an empty folder can be removed.
        self._astray = self._astray or any(isinstance(entry, Folder) for entry in folder.entries.values())
        self._drop(folder, REMOVED)
        if isinstance(folder, Root):
            self._wait_for(folder, now)

    def root_moved(self, root: Root, now: int) -> None:
        """It was renamed, so that its path means nothing, or something else."""
        self._drop(root, RENAMED)
        self._wait_for(root, now)

    def _wait_for(self, root: Root, now: int) -> None:
        parent = Parent(root)
        watch = self._look_up(parent.host())
        if watch is None or not self._queue.claim(watch, parent):
            self.missed = True
            return
        self._parents.append(parent)
        if os.path.isdir(root.host()) and not os.path.islink(root.host()):
            self.root_is_there(parent, now)

    def root_is_there(self, parent: Parent, now: int) -> None:
        """A folder that was waited for."""
        root = parent.root
        watch = self._look_up(root.host())
        if watch is None:
            return
        self._parents.remove(parent)
        self._queue.release(parent)
        if self._take(root, watch, now):
            self._look_through(root, CREATED, now)

    def end(self) -> None:
        """Watch nothing any more."""
        for root in self.roots:
            self._drop(root, THERE)
        for parent in self._parents:
            self._queue.release(parent)
        self._queue.forget(self.roots[0].of, everything=self._count > 0)

    def settle_moves(self) -> None:
        """What went away, and has come nowhere with the events behind it, has left the watched folders."""
        for cookie in self._moved & self._moving.keys():
            entry = self._moving.pop(cookie)
            if isinstance(entry, Folder):
                self._astray = self._astray or bool(entry.entries)
                self._drop(entry, RENAMED)
            elif entry is not None:
                self.lost(entry, RENAMED)
        self._moved = frozenset(self._moving)

    def find_astray(self, now: int, at_once: bool) -> None:
        """Go through all folders, if some may be watched by nobody: `at_once`, or at most once a second."""
        if self._astray and (at_once or now - self._walked > _WALK_EVERY_NS):
            self._astray = False
            self._walked = now
            for root in self.roots:
                if root.watch >= 0:
                    self._look_again(root, now)

    # --- for the files

    def happened(self, folder: Folder, bits: int, cookie: int, name: bytes, now: int) -> None:
        """An event of a folder that is watched."""
        raise NotImplementedError

    def found(self, folder: Folder, name: bytes, how: str, now: int) -> None:
        """A file that was there when its folder was looked through."""
        raise NotImplementedError

    def lost(self, save: Save, became: str) -> None:
        """The file has left the watched folders, or is no more."""
        raise NotImplementedError
