"""What a job leaves is uploaded, or kept where it can be found."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import pytest

from runner.artifacts.stores import DirectoryStore
from runner.artifacts.uploads import Nothing, Places, Sent, Unsent, upload

URI = "s3://bucket/out/job/output/model.tar.gz"


class BrokenStore(DirectoryStore):
    """A store that is full."""

    def take(self, path: Path, uri: str) -> None:
        raise OSError(28, "No space left on device")


class CopyingStore(DirectoryStore):
    """A store that leaves the file where it is, as one on another machine does."""

    def take(self, path: Path, uri: str) -> None:
        self.path(uri).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, self.path(uri))


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(scratch=tmp_path / "job/scratch", unsent=tmp_path / "unsent/job")


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path / "objects")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "job/ml/model"
    made.mkdir(parents=True)
    return made


def names(archive: Path) -> list[str]:
    with tarfile.open(archive) as tar:
        return tar.getnames()


@pytest.mark.parametrize("times", [1, 2])
def test_a_folder_is_sent(folder: Path, store: DirectoryStore, places: Places, times: int) -> None:
    (folder / "weights").write_text("1")
    for _ in range(times):
        assert upload(folder, URI, store, places) == Sent(URI)
    assert names(store.path(URI)) == ["weights"]
    assert list(places.scratch.iterdir()) == []
    assert not places.unsent.exists()


def test_nothing_is_left_of_an_archive_that_was_copied(folder: Path, tmp_path: Path, places: Places) -> None:
    (folder / "weights").write_text("1")
    store = CopyingStore(tmp_path / "objects")
    assert upload(folder, URI, store, places) == Sent(URI)
    assert names(store.path(URI)) == ["weights"]
    assert list(places.scratch.iterdir()) == []


def test_an_empty_folder_is_sent_only_if_it_always_is(folder: Path, store: DirectoryStore, places: Places) -> None:
    assert upload(folder, URI, store, places, always=False) == Nothing(URI)
    assert not store.path(URI).exists()
    assert upload(folder, URI, store, places, always=True) == Sent(URI)
    assert names(store.path(URI)) == []


def test_a_folder_that_was_never_made(tmp_path: Path, store: DirectoryStore, places: Places) -> None:
    none = tmp_path / "none"
    assert upload(none, URI, store, places, always=False, ready="model.tar.gz") == Nothing(URI)
    assert upload(none, URI, store, places, ready="model.tar.gz") == Sent(URI)


def test_an_archive_that_is_ready_is_sent_as_it_is(folder: Path, store: DirectoryStore, places: Places) -> None:
    (folder / "model.tar.gz").write_bytes(b"made by the program")
    assert upload(folder, URI, store, places, ready="model.tar.gz") == Sent(URI)
    assert store.path(URI).read_bytes() == b"made by the program"


def test_beside_other_files_it_is_packed_with_them(folder: Path, store: DirectoryStore, places: Places) -> None:
    (folder / "model.tar.gz").write_bytes(b"made by the program")
    (folder / "notes").touch()
    assert upload(folder, URI, store, places, ready="model.tar.gz") == Sent(URI)
    assert names(store.path(URI)) == ["model.tar.gz", "notes"]


def test_a_link_of_that_name_is_no_archive(folder: Path, store: DirectoryStore, places: Places, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("of the host")
    (folder / "model.tar.gz").symlink_to(tmp_path / "secret")
    assert upload(folder, URI, store, places, ready="model.tar.gz") == Sent(URI)
    assert names(store.path(URI)) == ["model.tar.gz"]


@pytest.mark.parametrize("ready", ["", "model.tar.gz"])
@pytest.mark.parametrize("times", [1, 2])
def test_what_cannot_be_uploaded_is_kept(folder: Path, tmp_path: Path, places: Places, ready: str, times: int) -> None:
    outcomes = []
    for _ in range(times):
        (folder / "model.tar.gz").write_text("x")
        outcomes.append(upload(folder, URI, BrokenStore(tmp_path), places, ready=ready))
    outcome = outcomes[-1]
    assert isinstance(outcome, Unsent)
    assert outcome.kept == places.unsent / "model.tar.gz"
    assert outcome.kept.is_file()
    assert "could not be uploaded" in outcome.reason
    assert "No space left on device" in outcome.reason
    assert not places.scratch.exists() or list(places.scratch.iterdir()) == []


def test_what_cannot_be_packed_is_kept_as_a_folder(folder: Path, store: DirectoryStore, places: Places) -> None:
    (folder / "weights").write_text("1")
    places.scratch.write_text("in the way")
    outcome = upload(folder, URI, store, places)
    assert isinstance(outcome, Unsent)
    assert outcome.kept == places.unsent / "model"
    assert (outcome.kept / "weights").read_text() == "1"
    assert "could not be packed" in outcome.reason
    assert not folder.exists()


def test_what_cannot_even_be_moved_stays_where_it_is(folder: Path, store: DirectoryStore, places: Places) -> None:
    (folder / "weights").write_text("1")
    places.scratch.write_text("in the way")
    places.unsent.parent.write_text("in the way too")
    outcome = upload(folder, URI, store, places)
    assert isinstance(outcome, Unsent)
    assert (outcome.kept, (folder / "weights").read_text()) == (folder, "1")


def test_a_file_in_place_of_the_folder_is_kept(folder: Path, store: DirectoryStore, places: Places) -> None:
    folder.rmdir()
    folder.write_text("not a folder")
    outcome = upload(folder, URI, store, places, always=False)
    assert isinstance(outcome, Unsent)
    assert outcome.kept.read_text() == "not a folder"
