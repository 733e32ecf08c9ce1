"""Checkpoints as plain objects: kept as they are at the end, and brought back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runner.artifacts.checkpoints import keep, restore
from runner.artifacts.stores import DirectoryStore
from runner.artifacts.uploads import Nothing, Places, Sent, Unsent

URI = "s3://bucket/run/checkpoints"


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path / "objects")


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "scratch", tmp_path / "unsent")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "ml" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def tree(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def kept(tmp_path: Path) -> dict[str, str]:
    return tree(tmp_path / "objects")


def test_files_are_objects(folder: Path, store: DirectoryStore, places: Places, tmp_path: Path) -> None:
    os.utime(write(folder / "step-1" / "weights", "w"), (1_000, 1_000))
    write(folder / "half.tmp", "unfini")
    write(folder / "empty", "")
    assert keep(folder, URI, store, places) == Sent(URI, [])
    prefix = "bucket/run/checkpoints/"
    assert kept(tmp_path) == {f"{prefix}step-1/weights": "w", f"{prefix}half.tmp": "unfini", f"{prefix}empty": ""}
    again = tmp_path / "again"
    restore(URI + "/", again, store, places.scratch)
    assert tree(again) == tree(folder)
    assert (again / "step-1/weights").stat().st_mtime == 1_000


def test_nothing_to_keep_and_nothing_to_bring_back(
    folder: Path, store: DirectoryStore, places: Places, tmp_path: Path
) -> None:
    restore(URI, folder / "deep", store, places.scratch)
    assert (folder / "deep").is_dir()
    assert keep(folder / "deep", URI, store, places) == Nothing(URI, [])
    assert keep(folder / "missing", URI, store, places) == Nothing(URI, [])
    assert kept(tmp_path) == {}


def test_what_was_restored_and_is_gone_is_removed(
    folder: Path, store: DirectoryStore, places: Places, tmp_path: Path
) -> None:
    for name in ("1/w", "2/w"):
        write(tmp_path / "objects/bucket/run/checkpoints" / name, name)
    write(tmp_path / "objects/bucket/run/checkpoints-of-another/w", "w")
    restore(URI, folder, store, places.scratch)
    assert tree(folder) == {"1/w": "1/w", "2/w": "2/w"}
    (folder / "1/w").unlink()
    write(folder / "3/w", "3/w")
    write(tmp_path / "objects/bucket/run/checkpoints/by-another-job", "new")
    assert isinstance(keep(folder, URI, store, places), Sent)
    assert {name.removeprefix("bucket/run/") for name in kept(tmp_path)} == {
        *("checkpoints/2/w", "checkpoints/3/w", "checkpoints/by-another-job", "checkpoints-of-another/w"),
    }
    (folder / "2/w").unlink()
    (folder / "3/w").unlink()
    assert isinstance(keep(folder, URI, store, places), Sent)
    assert "bucket/run/checkpoints/2/w" not in kept(tmp_path)


def test_what_is_no_file_is_skipped_and_reported(
    folder: Path, store: DirectoryStore, places: Places, tmp_path: Path
) -> None:
    write(tmp_path / "secret", "of somebody else")
    write(folder / "step-2" / "w", "2")
    (folder / "latest.pt").symlink_to("step-2/w")
    (folder / "latest").symlink_to("step-2")
    (folder / "out").symlink_to(tmp_path / "secret")
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "fifo")
    sent = keep(folder, URI, store, places)
    assert {name.removeprefix("bucket/run/checkpoints/"): text for name, text in kept(tmp_path).items()} == {
        "step-2/w": "2",
        "latest.pt": "2",
    }
    reasons = {entry.name: entry.reason for entry in sent.skipped}
    assert set(reasons) == {"latest", "out", "loop", "fifo"}
    assert (reasons["latest"], reasons["out"], reasons["fifo"]) == (
        "a link to a folder",
        "a link out of the folder",
        "not a file",
    )


def test_names_that_are_no_text(folder: Path, store: DirectoryStore, places: Places, tmp_path: Path) -> None:
    for name in (b"\xff", b"a\nb", b" ", b".own.part"):
        (folder / os.fsdecode(name)).write_text("x")
    assert isinstance(keep(folder, URI, store, places), Sent)
    again = tmp_path / "again"
    restore(URI, again, store, places.scratch)
    assert sorted(os.listdir(again)) == sorted(os.listdir(folder))
    for entry in again.iterdir():
        entry.unlink()
    assert isinstance(keep(again, URI, store, places), Sent)
    assert kept(tmp_path) == {}


def test_what_cannot_be_stored_is_kept_elsewhere(
    folder: Path, store: DirectoryStore, places: Places, tmp_path: Path
) -> None:
    write(folder / "w", "weights")
    write(tmp_path / "objects", "a file where the store should be")
    result = keep(folder, URI, store, places)
    assert isinstance(result, Unsent)
    assert tree(result.kept) == {"w": "weights"}
    assert result.kept == places.unsent / "checkpoints"


def test_it_may_be_repeated(folder: Path, store: DirectoryStore, places: Places, tmp_path: Path) -> None:
    write(folder / "w", "weights")
    assert keep(folder, URI, store, places) == keep(folder, URI, store, places) == Sent(URI, [])
    assert list(kept(tmp_path).values()) == ["weights"]
