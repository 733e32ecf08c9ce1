"""Who has a file open."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

from runner.linux import descriptors


def written(*names: bytes) -> list[tuple[int, int]]:
    return list(descriptors.written_by(os.getpid(), names))


def test_what_a_process_has_open_for_writing(tmp_path: Path) -> None:
    with (tmp_path / "a").open("w") as file, (tmp_path / "b").open("w"):
        status = os.stat(tmp_path / "a")
        assert written(b"a") == [(status.st_dev, status.st_ino)]
        os.rename(tmp_path / "a", tmp_path / "c")
        assert (written(b"a"), written(b"c")) == ([], [(status.st_dev, status.st_ino)])
        file.write("x")
    with (tmp_path / "c").open():
        assert written(b"c") == []
    assert list(descriptors.written_by(2**22 + 1, [b"c"])) == []


def test_what_is_in_use(tmp_path: Path) -> None:
    names = ["open", "mapped", "unused"]
    for name in names:
        (tmp_path / name).write_bytes(b"x" * 10)
    paths = {str(tmp_path / name) for name in names}
    with (tmp_path / "open").open(), (tmp_path / "mapped").open("r+b") as file:
        mapped = mmap.mmap(file.fileno(), 10)
    with (tmp_path / "open").open():
        assert descriptors.in_use(paths) == {str(tmp_path / "open"), str(tmp_path / "mapped")}
    mapped.close()
    assert descriptors.in_use(paths) == set()
