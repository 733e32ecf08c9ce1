"""Archives of whatever a job has left."""

from __future__ import annotations

import errno
import os
import socket
import tarfile
from pathlib import Path
from typing import Any

import pytest

from runner.artifacts import archives
from runner.artifacts.archives import Skipped, pack


def members(archive: Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(archive) as tar:
        return {member.name: member for member in tar}


def content(archive: Path, name: str) -> bytes:
    with tarfile.open(archive) as tar:
        file = tar.extractfile(name)
        assert file is not None
        return file.read()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "model"
    made.mkdir()
    return made


def test_everything_is_packed_in_order(folder: Path, tmp_path: Path) -> None:
    for name in ("b/x", "a", "b-1", "c/d/e"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (folder / "empty").mkdir()
    assert pack(folder, tmp_path / "x.tar.gz") == []
    assert list(members(tmp_path / "x.tar.gz")) == ["a", "b", "b/x", "b-1", "c", "c/d", "c/d/e", "empty"]
    assert content(tmp_path / "x.tar.gz", "c/d/e") == b"c/d/e"


def test_equal_folders_make_equal_archives(folder: Path, tmp_path: Path) -> None:
    for name in "zyx":
        (folder / name).write_text(name)
        os.utime(folder / name, (1, 1))
    pack(folder, tmp_path / "1.tar.gz")
    pack(folder, tmp_path / "2.tar.gz")
    assert (tmp_path / "1.tar.gz").read_bytes() == (tmp_path / "2.tar.gz").read_bytes()
    assert (tmp_path / "1.tar.gz").read_bytes()[4:8] == bytes(4), "gzip's header has the time of packing (RFC 1952)"
    assert {(member.uid, member.uname) for member in members(tmp_path / "1.tar.gz").values()} == {(0, "")}


@pytest.mark.parametrize("exists", [True, False])
def test_an_empty_folder_makes_an_empty_archive(folder: Path, tmp_path: Path, exists: bool) -> None:
    if not exists:
        folder.rmdir()
    assert archives.is_empty(folder)
    assert pack(folder, tmp_path / "x.tar.gz") == []
    assert members(tmp_path / "x.tar.gz") == {}


def test_links_stay_links(folder: Path, tmp_path: Path) -> None:
    (folder / "file").write_text("x" * 100)
    (folder / "hard").hardlink_to(folder / "file")
    (folder / "inside").symlink_to("file")
    (folder / "outside").symlink_to("/etc/passwd")
    (folder / "dangling").symlink_to("none")
    (folder / "loop").symlink_to(".")
    assert pack(folder, tmp_path / "x.tar.gz") == []
    found = members(tmp_path / "x.tar.gz")
    links = {name: member.linkname for name, member in found.items() if member.issym()}
    assert links == {"inside": "file", "outside": "/etc/passwd", "dangling": "none", "loop": "."}
    assert (found["hard"].islnk(), found["hard"].linkname) == (True, "file")


def test_what_is_no_file_is_skipped_and_reported(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(folder / "fifo")
    (folder / "kept").write_text("x")
    monkeypatch.chdir(folder)  # the path of a socket has at most 107 bytes
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        assert pack(folder, tmp_path / "x.tar.gz") == [Skipped("fifo", "FIFO"), Skipped("socket", "socket")]
    assert list(members(tmp_path / "x.tar.gz")) == ["kept"]


def test_any_name_can_be_packed(folder: Path, tmp_path: Path) -> None:
    names = [b"\xff\xfe", b"new\nline", b"x" * 255, "ü".encode()]
    for name in names:
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(name)
    assert pack(folder, tmp_path / "x.tar.gz") == []
    assert {os.fsencode(name) for name in members(tmp_path / "x.tar.gz")} == set(names)


def test_a_file_that_vanishes_is_reported(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abc":
        (folder / name).write_text(name)
    real = archives._add

    def add(tar: tarfile.TarFile, path: Path, name: str) -> Skipped | None:
        if name == "a":
            (folder / "b").unlink()
        return real(tar, path, name)

    monkeypatch.setattr(archives, "_add", add)
    assert pack(folder, tmp_path / "x.tar.gz") == [Skipped("b", "vanished")]
    assert list(members(tmp_path / "x.tar.gz")) == ["a", "c"]


def test_a_file_that_becomes_shorter_spoils_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a").write_bytes(b"x" * 100_000)
    (folder / "b").write_bytes(b"y" * 10)
    real = tarfile.TarFile.gettarinfo

    def gettarinfo(tar: tarfile.TarFile, *arguments: Any, **members: Any) -> tarfile.TarInfo:
        info = real(tar, *arguments, **members)
        os.truncate(folder / "a", 10)
        return info

    monkeypatch.setattr(tarfile.TarFile, "gettarinfo", gettarinfo)
    skipped = pack(folder, tmp_path / "x.tar.gz")
    assert [(entry.name, "shorter" in entry.reason) for entry in skipped] == [("a", True)]
    assert content(tmp_path / "x.tar.gz", "a") == b"x" * 10 + bytes(99_990)
    assert content(tmp_path / "x.tar.gz", "b") == b"y" * 10


def test_an_archive_that_cannot_be_finished_is_not_there(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a").write_text("a")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/x.tar.gz").write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archives, "_add", full)
    with pytest.raises(OSError, match="No space left"):
        pack(folder, tmp_path / "out/x.tar.gz")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["x.tar.gz"]
    assert (tmp_path / "out/x.tar.gz").read_text() == "old"


def test_what_may_not_be_read_is_reported(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "secret"):
        (folder / name).write_text(name)
    real = os.open

    def refuse(path: Path, flags: int) -> int:  # the tests may run as root, who may read everything
        if path == folder / "secret":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return real(path, flags)

    monkeypatch.setattr(os, "open", refuse)
    skipped = pack(folder, tmp_path / "x.tar.gz")
    monkeypatch.undo()
    assert skipped == [Skipped("secret", "permission denied")]
    assert list(members(tmp_path / "x.tar.gz")) == ["a"]
