"""The result as one `model.tar.gz`: there as a whole, or not there."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from workloads.compilation.failures import MachineFault
from workloads.compilation.stopping import Belongings

ARCHIVE: Final = "model.tar.gz"


def pack(members: Mapping[str, Path | bytes], result: Path, belongings: Belongings) -> Path:
    """Writes `members` (name -> file, or content) to `result/model.tar.gz`: temporary name, fsync, rename, fsync.

    The same members make the same bytes: times and owners are zero. Raises MachineFault where it cannot be written.
    """
    archive = result / ARCHIVE
    partial = result / f".{ARCHIVE}.{os.getpid()}"
    try:
        result.mkdir(parents=True, exist_ok=True)
        with belongings.file(partial):
            _write(members, partial)
            partial.replace(archive)
        _sync(result)
    except OSError as error:
        raise MachineFault(f"{archive} could not be written: {error}") from error
    return archive


def _write(members: Mapping[str, Path | bytes], partial: Path) -> None:
    with partial.open("xb") as file:
        with (
            gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w") as tar,
        ):
            for name, member in members.items():
                _add(tar, name, member)
        file.flush()
        os.fsync(file.fileno())


def _add(tar: tarfile.TarFile, name: str, member: Path | bytes) -> None:
    info = tarfile.TarInfo(name)
    info.mode = 0o644
    if isinstance(member, bytes):
        info.size = len(member)
        tar.addfile(info, io.BytesIO(member))
        return
    info.size = member.stat().st_size
    with member.open("rb") as content:
        tar.addfile(info, content)


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
