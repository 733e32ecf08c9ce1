"""Who has a file open: /proc/PID/fd, fdinfo and maps."""

from __future__ import annotations

import contextlib
import os

from runner.linux import procfs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    Inode = tuple[int, int]
    """Device and number: which file it is, whatever its name and from wherever it is looked at."""

MOST = 200
"""Descriptors of a process that are looked at."""


def written_by(pid: int, names: Collection[bytes]) -> Iterator[Inode]:
    """The files with one of these names that a process has open for writing. Nothing of one that may not be looked at.

    A file that was mapped and whose descriptor was closed is not among them.
    """
    folder = f"/proc/{pid}/fd"
    try:
        descriptors = os.listdir(folder)
    except OSError:
        return
    for number in descriptors[:MOST]:
        try:
            # The link is read first: to ask a descriptor of a dead network file system for more would not return.
            if os.path.basename(os.fsencode(os.readlink(f"{folder}/{number}"))) in names and _writes(pid, number):
                found = os.stat(f"{folder}/{number}")
                yield found.st_dev, found.st_ino
        except OSError:
            continue  # closed meanwhile


def _writes(pid: int, number: str) -> bool:
    for line in procfs.read(f"/proc/{pid}/fdinfo/{number}").splitlines():
        if line.startswith(b"flags:"):
            return int(line.split()[1], 8) & os.O_ACCMODE != os.O_RDONLY
    return False


def in_use(paths: Collection[str]) -> set[str]:
    """Those of these files that some process of the machine has open or mapped; 0.1 ms for each process there is."""
    found: set[str] = set()
    for pid in procfs.pids():
        found.update(path for path in _used_by(pid) if path in paths)
    return found


def _used_by(pid: int) -> Iterator[str]:
    """Of a process that has ended, or may not be looked at: nothing."""
    with contextlib.suppress(OSError):
        for number in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                yield os.readlink(f"/proc/{pid}/fd/{number}")
    with contextlib.suppress(OSError):
        for line in procfs.read(f"/proc/{pid}/maps").splitlines():
            fields = line.split(maxsplit=5)
            if len(fields) == 6:
                yield os.fsdecode(fields[5])
