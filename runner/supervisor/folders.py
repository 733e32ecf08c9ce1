"""A job's folder: `/opt/ml` as its program finds it, and what is left of it afterwards.

The tree is that of SageMaker's container contract ("How Amazon SageMaker provides training information").
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from runner.backends import base
from runner.backends.base import Mount, Watched
from runner.jobs.asked import in_container_ml
from runner.jobs.base import Place, Saves
from runner.jobs.shared import CONTAINER_ML
from runner.lifecycle.stops import Isolation

ML = "ml"
HOSTS = "hosts"
TEMPORARY = "tmp"
"""In `/opt/ml`: the job's TMPDIR."""
SCRATCH = "scratch"
"""Where archives are made."""
_TREE = ("input/config", "input/data", "model", "output/data", "checkpoints", "code", TEMPORARY)
_KEPT_BETWEEN_ATTEMPTS = frozenset({"checkpoints"})


def place(folder: Path, isolation: Isolation) -> Place:
    """Where a job in this isolation finds its `/opt/ml`."""
    return Place(str(folder / ML)) if isolation is Isolation.PLAIN else Place("/opt/ml")


def mounts(folder: Path, isolation: Isolation) -> tuple[Mount, ...]:
    """What a job in this isolation sees elsewhere than it is."""
    if isolation is Isolation.PLAIN:
        return ()
    return Mount(folder / ML, "/opt/ml"), Mount(folder / HOSTS, "/etc/hosts")


def own(path: str, isolation: Isolation) -> bool:
    """Whether this path, as a program in this isolation has it, is in the job's own `/opt/ml`."""
    return isolation is not Isolation.PLAIN and in_container_ml(path)


def watched(
    folder: Path, isolation: Isolation, saves: Sequence[Saves], asked: Sequence[str] = ()
) -> tuple[Watched, ...]:
    """Where a job saves by its request, and in the folders `asked`, which are paths as its program has them.

    The paths of `saves` are in the `/opt/ml` of a container, for which another folder stands in a plain job.
    """
    ml = place(folder, isolation).ml
    of_request = [Watched(_host(folder, one.path), ml + one.path.removeprefix(CONTAINER_ML), one.role) for one in saves]
    of_caller = [
        Watched(_host(folder, path) if own(path, isolation) else _real(path), path, "checkpoints", True)
        for path in asked
    ]
    return *of_request, *of_caller


def make_watched(folder: Path, folders: Sequence[Watched]) -> None:
    """Make those that are in the job's own `/opt/ml`, as SageMaker does; the program may as well."""
    for one in folders:
        if one.folder.is_relative_to(folder):
            with suppress(FileExistsError, NotADirectoryError):
                one.folder.mkdir(parents=True, exist_ok=True)


def temporary(folder: Path) -> Path:
    """The job's TMPDIR."""
    return folder / ML / TEMPORARY


def _host(folder: Path, path: str) -> Path:
    """Where that path of a container is on this machine."""
    return folder / ML / path.removeprefix(CONTAINER_ML).strip("/")


def _real(path: str) -> Path:
    """Links are not followed by who watches."""
    return Path(os.path.realpath(path))


def make(folder: Path, host: str, files: Mapping[str, Any]) -> None:
    """Make the tree anew, with `files` (relative path -> content) as JSON in it. May be repeated."""
    ml = folder / ML
    if ml.exists():
        _empty(ml)
    for part in _TREE:
        (ml / part).mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = ml / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
    (folder / HOSTS).write_text(
        f"127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n127.0.0.1 {host}\n", encoding="utf-8"
    )


def channel(folder: Path, name: str) -> Path:
    """The folder of an input channel, made anew."""
    path = folder / ML / "input" / "data" / name
    remove(path)
    path.mkdir(parents=True)
    return path


def clear(folder: Path, unsent: Collection[Path] = ()) -> None:
    """Remove all that only the running program needed. Journal, log and marks stay.

    So does the part of the job's folder that holds something of `unsent`: what could be neither uploaded nor moved
    away is there and nowhere else.
    """
    if not folder.is_dir():
        return
    kept = {base.journal(folder), base.log(folder), base.marks(folder)}
    for entry in folder.iterdir():
        if entry not in kept and not any(path.is_relative_to(entry) for path in unsent):
            remove(entry)


def remove(path: Path) -> None:
    """Remove a file or a tree, also one whose folders its owner may not write in. Nothing happens if there is none."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    except FileNotFoundError:
        return
    except PermissionError:
        _open_up(path)
        shutil.rmtree(path)


def _empty(ml: Path) -> None:
    for entry in ml.iterdir():
        if entry.name not in _KEPT_BETWEEN_ATTEMPTS:
            remove(entry)


def _open_up(path: Path) -> None:
    path.chmod(stat.S_IRWXU)
    for parent, folders, _ in os.walk(path):
        for name in folders:
            folder = Path(parent, name)
            if not folder.is_symlink():
                folder.chmod(stat.S_IRWXU)
