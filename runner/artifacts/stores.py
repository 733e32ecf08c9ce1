"""Object stores: where `s3://BUCKET/KEY` is.

`DirectoryStore` keeps an object as the file `ROOT/BUCKET/KEY`, so that inputs can be put there with `cp` and results
be read there with `tar`. Functions block; whoever has an event loop calls them in a thread.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from runner.errors import InvalidRequest, RunnerError

_UNFINISHED = ".part"
_TEMPORARY = re.compile(r"\.[0-9a-f]{16}\.part")
"""What `replacing` calls a file that is not whole yet."""
_URI = re.compile(r"s3://([^/]+)(?:/(.*))?", re.DOTALL)


class NoSuchObject(RunnerError):
    """There is no object at this address and none below it. The message is a `FailureReason`."""


class Address(NamedTuple):
    """What an S3 URI names."""

    bucket: str
    key: str
    """An object, or the beginning of the keys of several. Empty: the whole bucket."""

    @property
    def uri(self) -> str:
        """As `address` reads it."""
        return f"s3://{self.bucket}/{self.key}"


class Version(NamedTuple):
    """What tells a file from the one that was there before under its name."""

    inode: int
    size: int
    modified: int
    """Nanoseconds since 1970."""


def address(uri: str) -> Address:
    """Bucket and key of `s3://BUCKET/KEY`. Raises InvalidRequest for anything else, and for `.` and `..` in it."""
    match = _URI.fullmatch(uri)
    if match is None or "\0" in uri:
        raise InvalidRequest("uri", f"must be s3://BUCKET/KEY, not {uri!r}")
    found = Address(match[1], match[2] or "")
    if {".", ".."} & {found.bucket, *found.key.split("/")}:
        raise InvalidRequest("uri", f"must not have '.' or '..' as a part: {uri!r}")
    return found


class ObjectStore(Protocol):
    """Where inputs come from and results go to."""

    def fetch(self, uri: str, folder: Path) -> None:
        """Bring the object `uri`, or all objects whose keys begin with it, into `folder`, which is made.

        An object keeps the last part of its key as its name; objects below a prefix keep what comes after the
        prefix's last slash. Raises NoSuchObject, or OSError if copying fails.
        """

    def put(self, path: Path, uri: str) -> None:
        """Copy the file `path` to the object `uri`, whole or not at all. Raises OSError if that fails."""

    def take(self, path: Path, uri: str) -> None:
        """Make the file `path` the object `uri`, whole or not at all. Afterwards the file may be gone.

        For files of our own making only. Raises OSError if that fails; the file is still there then.
        """

    def remove(self, uri: str) -> None:
        """Remove the object `uri`. Nothing happens if there is none. Raises OSError if that fails."""


class DirectoryStore:
    """Objects as files below a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, uri: str) -> Path:
        """The file (or, for a prefix, the folder) that `uri` stands for."""
        bucket, key = address(uri)
        return self.root.joinpath(bucket, *key.split("/"))

    def fetch(self, uri: str, folder: Path) -> None:
        """See ObjectStore. Symbolic links in the store are followed: large inputs need not be copied into it."""
        found = [entry for entry in self._matches(uri) if entry.is_file() or _has_files(entry)]
        found = [entry for entry in found if not _unfinished("", [entry.name])]
        if not found:
            raise NoSuchObject(
                f'ClientError: No S3 objects found under S3 URL "{uri}" given in input data source. '
                f"Please ensure that objects exist there: this object store keeps them at {self.path(uri)}."
            )
        folder.mkdir(parents=True, exist_ok=True)
        for entry in found:
            if entry.is_dir():
                shutil.copytree(entry, folder / entry.name, dirs_exist_ok=True, ignore=_unfinished)
            else:
                shutil.copy2(entry, folder / entry.name)

    def put(self, path: Path, uri: str) -> None:
        """See ObjectStore."""
        target = self.path(uri)
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as temporary:
            shutil.copyfile(path, temporary)
            _sync(temporary)

    def take(self, path: Path, uri: str) -> None:
        """See ObjectStore. On the same file system the file itself becomes the object."""
        target = self.path(uri)
        target.parent.mkdir(parents=True, exist_ok=True)
        _sync(path)
        try:
            path.replace(target)
        except OSError as failed:
            if failed.errno != errno.EXDEV:
                raise
            self.put(path, uri)
        _sync(target.parent)

    def remove(self, uri: str) -> None:
        """See ObjectStore. Folders that become empty are removed with it: a prefix without objects is none."""
        target = self.path(uri)
        try:
            target.unlink()
        except (FileNotFoundError, NotADirectoryError):
            return
        for folder in target.parents:
            if folder in (self.root, self.root / address(uri).bucket):
                return
            try:
                folder.rmdir()
            except OSError:
                return  # something else is in it

    def version(self, uri: str) -> Version | None:
        """Of the object `uri` alone; None if there is none. Raises OSError if that cannot be found out."""
        try:
            about = self.path(uri).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return Version(about.st_ino, about.st_size, about.st_mtime_ns) if stat.S_ISREG(about.st_mode) else None

    def below(self, prefix: Address) -> Iterator[Address]:
        """All objects whose keys begin with it, but for symbolic links and what is behind one."""
        top = self.root / prefix.bucket
        for parent, folders, names in () if top.is_symlink() else os.walk(top):
            here = "".join(f"{part}/" for part in Path(parent).relative_to(top).parts)
            folders[:] = [name for name in folders if _is_on_the_way(f"{here}{name}/", prefix.key)]
            for name in set(names) - _unfinished(parent, names):
                path = Path(parent, name)
                if f"{here}{name}".startswith(prefix.key) and path.is_file() and not path.is_symlink():
                    yield Address(prefix.bucket, f"{here}{name}")

    def _matches(self, uri: str) -> Iterator[Path]:
        """The object; or what lies in the folder of that name; or else what begins with that name."""
        target, key = self.path(uri), address(uri).key
        if target.is_file():
            yield target
        elif target.is_dir():
            yield from sorted(target.iterdir())
        elif not key.endswith("/") and target.parent.is_dir():
            yield from sorted(entry for entry in target.parent.iterdir() if entry.name.startswith(target.name))


@contextlib.contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A name beside `target` for a new file, which takes its place at the end of the block, or is removed.

    The name is short whatever that of the target is: it cannot be too long where the target's is not.
    """
    temporary = target.parent / f".{os.urandom(8).hex()}{_UNFINISHED}"
    try:
        yield temporary
        temporary.replace(target)
        _sync(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unfinished(_folder: str, names: list[str]) -> set[str]:
    """Those of the names that an object which is being put has."""
    return {name for name in names if _TEMPORARY.fullmatch(name)}


def _is_on_the_way(folder: str, prefix: str) -> bool:
    """May something in this folder begin with the prefix?"""
    return folder.startswith(prefix) or prefix.startswith(folder)


def _has_files(folder: Path) -> bool:
    return any(names for _, _, names in os.walk(folder, followlinks=True))
