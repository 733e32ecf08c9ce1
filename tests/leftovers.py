"""What is left of jobs after a test: processes, mounts, cgroups, temp folders, descriptors.

`observe(data_directory)` before, `assert_nothing_left(observed)` after. Everything is looked for by what belongs to
that data directory alone or was not there before, so that tests may run beside each other and beside other runners.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.waiting import wait_until

MARK = "RUNNER_MARK"
"""Variable in the environment of every process of a job; `<data directory>:<job>:<attempt>`."""
PREFIX = "runner-"


@dataclass(frozen=True)
class Observed:
    """What was there before a test."""

    data_directory: Path
    cgroups: frozenset[str]
    temporary: frozenset[str]
    descriptors: frozenset[tuple[int, str]]


def observe(data_directory: Path) -> Observed:
    """Everything that is there now and so cannot have been left by what comes."""
    return Observed(data_directory, frozenset(cgroups()), frozenset(temporary()), frozenset(descriptors()))


def assert_nothing_left(before: Observed, *, within: float = 2.0) -> None:
    """Fail, saying what is there, unless within `within` seconds nothing of the data directory is left."""
    wait_until(
        lambda: not (list(processes(before.data_directory)) or _passive(before)),
        within=within,
        saying=lambda: "left over:\n" + "\n".join([*processes(before.data_directory), *_passive(before)]),
    )


def _passive(before: Observed) -> list[str]:
    return [
        *(f"mount {point}" for point in mounts(before.data_directory)),
        *(f"cgroup {path}" for path in sorted(set(cgroups()) - before.cgroups) if not _of_others(path, before)),
        *(f"temporary {path}" for path in sorted(set(temporary()) - before.temporary)),
        *(f"descriptor {number} -> {target}" for number, target in sorted(set(descriptors()) - before.descriptors)),
    ]


def _of_others(cgroup: str, before: Observed) -> bool:
    """The keeper that made the group (its pid is in the name) lives and belongs to another data directory."""
    return any(
        Path("/proc", number).exists() and not _belongs(Path("/proc", number), str(before.data_directory))
        for number in re.findall(r"\d+", os.path.basename(cgroup))
    )


def processes(data_directory: Path) -> Iterator[str]:
    """Processes other than this one, and than zombies of it, that belong to the data directory, with what tells it."""
    for folder in Path("/proc").glob("[0-9]*"):
        pid = int(folder.name)
        if pid == os.getpid():
            continue
        if why := _belongs(folder, str(data_directory)):
            yield f"process {pid} ({_command(folder)}): {why}"


def _belongs(process: Path, data_directory: str) -> str | None:
    try:
        environment = (process / "environ").read_bytes()
    except OSError:
        return None  # ended meanwhile, or another user's
    marks = (f"{MARK}={data_directory}:".encode(), f"{MARK}={data_directory}/".encode())
    if any(word.startswith(marks) for word in environment.split(b"\0")):
        return f"{MARK} in its environment"
    links = [process / "cwd", process / "root", process / "exe", *_listed(process / "fd")]
    for link in links:
        if _inside(_target(link), data_directory):
            return f"{link.relative_to(process)} -> {_target(link)}"
    try:
        table = (process / "mountinfo").read_text(errors="surrogateescape")
    except OSError:
        return None
    if os.readlink("/proc/self/ns/mnt") != _target(process / "ns/mnt"):
        for root, point in _mounted(table):
            if _inside(point, data_directory) or _inside(root, data_directory):
                return f"mount {root} at {point} in its mount namespace"
    return None


def mounts(data_directory: Path) -> list[str]:
    """Mounts of this mount namespace at or under the data directory, or of something in it."""
    table = Path("/proc/self/mountinfo").read_text(errors="surrogateescape")
    where = str(data_directory)
    return [point for root, point in _mounted(table) if _inside(point, where) or _inside(root, where)]


def cgroups() -> Iterator[str]:
    """cgroups whose name begins with `runner-`, under every mounted hierarchy."""
    table = Path("/proc/self/mountinfo").read_text(errors="surrogateescape")
    for line in table.splitlines():
        before, _, after = line.partition(" - ")
        if after.startswith(("cgroup ", "cgroup2 ")):
            for path, folders, _ in os.walk(_plain(before.split()[4])):
                yield from (os.path.join(path, name) for name in folders if name.startswith(PREFIX))


def temporary() -> Iterator[str]:
    """Files and folders in the temporary directory whose name begins with `runner-`."""
    return (entry.path for entry in os.scandir(tempfile.gettempdir()) if entry.name.startswith(PREFIX))


def descriptors() -> Iterator[tuple[int, str]]:
    """Open descriptors of this process and what they refer to."""
    for link in _listed(Path("/proc/self/fd")):
        # The descriptor of this very listing is closed by now.
        if target := _target(link):
            yield int(link.name), target


def _mounted(table: str) -> Iterator[tuple[str, str]]:
    """Root inside its file system, and mount point, of each line of a mountinfo table (proc(5))."""
    for line in table.splitlines():
        fields = line.split()
        yield _plain(fields[3]), _plain(fields[4])


def _plain(path: str) -> str:
    for code, character in ((r"\040", " "), (r"\011", "\t"), (r"\012", "\n"), (r"\134", "\\")):
        path = path.replace(code, character)
    return path


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except OSError:
        return ""


def _command(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip() or "no command"
    except OSError:
        return "ended"
