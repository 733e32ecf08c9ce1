"""One supervisor per data directory.

A POSIX record lock and not flock(2): flock belongs to the open file, so a forked child that outlives its parent would
go on holding it; a record lock belongs to the process and ends with it (fcntl_locking(2)). F_GETLK names its holder.
"""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path

from runner.errors import DataDirectoryInUse, DataDirectoryUnusable

_FLOCK = struct.Struct("hhqqi4x")
"""`struct flock` of 64-bit Linux: type, whence, start, length, pid."""

_held: set[tuple[int, int, int]] = set()
"""(pid, device, inode) of the locks of this process: a record lock never conflicts with one of the same process,
and closing *any* descriptor of the file drops it, so a second one must be refused before the file is opened. The pid
is there because a forked child inherits this set and none of the locks."""


class DirectoryLock:
    """The claim of one supervisor to a data directory, from its making to `release`."""

    def __init__(self, root: Path, path: Path) -> None:
        """Make the directory if it is not there, and claim it.

        Raises DataDirectoryInUse naming the pid that has it, and DataDirectoryUnusable.
        """
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._identity = _identity(root)
            if self._identity in _held:
                raise DataDirectoryInUse(f"{root} is in use by this process (pid {os.getpid()})")
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise unusable(root, error) from error
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            pid = _holder(self._descriptor)
            os.close(self._descriptor)
            raise DataDirectoryInUse(f"{root} is in use by pid {pid or 'unknown (it has just ended)'}") from error
        _held.add(self._identity)

    def release(self) -> None:
        """Give the directory up."""
        if self._identity in _held:
            _held.discard(self._identity)
            os.close(self._descriptor)


def holder(path: Path) -> int | None:
    """The process that has the lock in this file, if there is one; not to be asked by that process itself."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return _holder(descriptor)
    finally:
        os.close(descriptor)


def unusable(root: Path, error: OSError) -> DataDirectoryUnusable:
    """That this can be no data directory, and why."""
    why = "it is no directory" if isinstance(error, FileExistsError | NotADirectoryError) else error.strerror
    return DataDirectoryUnusable(f"{root} cannot be used as a data directory: {why}")


def _identity(root: Path) -> tuple[int, int, int]:
    status = root.stat()
    return os.getpid(), status.st_dev, status.st_ino


def _holder(descriptor: int) -> int | None:
    wanted = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    kind, _, _, _, pid = _FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_GETLK, wanted))
    return None if kind == fcntl.F_UNLCK else int(pid)
