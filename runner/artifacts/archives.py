"""Packs a folder into a `.tar.gz`, whole or not at all.

A job may leave anything in its folders, and in isolation `plain` a process that got away may still write there. So
what cannot be packed is skipped and reported, and what changes meanwhile cannot spoil the archive around it.
"""

from __future__ import annotations

import gzip
import os
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from runner.artifacts.stores import replacing

_LEVEL = 1
"""Weights hardly shrink at any level, and a job holds its place while they are packed."""

_SPECIAL = {
    stat.S_IFSOCK: "socket",
    stat.S_IFIFO: "FIFO",
    stat.S_IFCHR: "character device",
    stat.S_IFBLK: "block device",
}


class Skipped(NamedTuple):
    """An entry of the folder that is not in the archive, or not as it was."""

    name: str
    reason: str


def pack(folder: Path, archive: Path) -> list[Skipped]:
    """Make `archive` from all that is in `folder`; an empty or missing folder makes an empty archive.

    Names are sorted and owners left out, so that equal folders make equal archives. Symbolic links stay links,
    hard links stay hard links. The archive is on disk when this returns. Raises OSError if it cannot be written.
    """
    skipped: list[Skipped] = []
    archive.parent.mkdir(parents=True, exist_ok=True)
    with replacing(archive) as temporary, temporary.open("xb") as raw:
        with (
            gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
        ):
            for name in _names(folder, skipped):
                if missed := _add(tar, folder / name, name):
                    skipped.append(missed)
        raw.flush()
        os.fsync(raw.fileno())
    return skipped


def is_empty(folder: Path) -> bool:
    """There is nothing in the folder, or no folder."""
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except FileNotFoundError:
        return True


def _names(folder: Path, skipped: list[Skipped]) -> Iterator[str]:
    """Relative names of all that is below `folder`, each folder before what is in it."""
    pending = [""]
    while pending:
        name = pending.pop()
        if name:
            yield name
        pending += [os.path.join(name, entry) for entry in sorted(_entries(folder, name, skipped), reverse=True)]


def _entries(folder: Path, name: str, skipped: list[Skipped]) -> list[str]:
    """What is in a folder; nothing in anything else."""
    path = folder / name
    try:
        if not stat.S_ISDIR(path.lstat().st_mode):
            return []
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return []  # reported where it is to be added, if it was there at all
    except OSError as failed:
        skipped.append(Skipped(name or ".", _reason(failed)))
        return []
    try:
        return os.listdir(descriptor)
    finally:
        os.close(descriptor)


def _add(tar: tarfile.TarFile, path: Path, name: str) -> Skipped | None:
    """Add one entry; the reason if it is not in the archive as it was."""
    try:
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode):
            return _add_file(tar, path, name)
        if not (stat.S_ISDIR(mode) or stat.S_ISLNK(mode)):
            return Skipped(name, _SPECIAL.get(stat.S_IFMT(mode), "not a file"))
        tar.addfile(_anonymous(tar.gettarinfo(path, name)))
    except FileNotFoundError:
        return Skipped(name, "vanished")
    except PermissionError as refused:
        return Skipped(name, _reason(refused))
    return None


def _add_file(tar: tarfile.TarFile, path: Path, name: str) -> Skipped | None:
    # Without O_NONBLOCK the open would wait for ever if a FIFO has taken the file's place meanwhile.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with open(os.open(path, flags), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return Skipped(name, "replaced while it was read")
        whole = _Whole(file)
        info = tar.gettarinfo(arcname=name, fileobj=file)
        tar.addfile(_anonymous(info), whole if info.isreg() else None)
    return Skipped(name, "became shorter while it was read: the rest is zeros") if whole.padded else None


class _Whole:
    """A file that has as many bytes as were asked for.

    The size of an entry stands before its bytes, so a file that becomes shorter would spoil all that follows it.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.padded = False

    def read(self, size: int = -1, /) -> bytes:
        data = self.file.read(size)
        self.padded = self.padded or len(data) < size
        return data.ljust(size, b"\0")


def _anonymous(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info


def _reason(failed: OSError) -> str:
    return (failed.strerror or str(failed)).lower()
