"""The directory store: objects are files."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from runner.artifacts import stores
from runner.artifacts.stores import DirectoryStore, NoSuchObject, address
from runner.errors import InvalidRequest


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path / "objects")


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def tree(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_an_object_is_a_file(store: DirectoryStore, tmp_path: Path) -> None:
    store.put(write(tmp_path / "a", "new"), "s3://bucket/some/key.txt")
    assert (tmp_path / "objects/bucket/some/key.txt").read_text() == "new"
    assert tree(tmp_path / "objects") == {"bucket/some/key.txt": "new"}


def test_a_file_that_is_put_stays_where_it_is(store: DirectoryStore, tmp_path: Path) -> None:
    source = write(tmp_path / "a", "the user's own")
    store.put(source, "s3://bucket/key")
    assert source.read_text() == "the user's own"
    assert tree(tmp_path / "objects") == {"bucket/key": "the user's own"}


def test_an_object_is_replaced_as_a_whole(store: DirectoryStore, tmp_path: Path) -> None:
    write(tmp_path / "objects/bucket/key", "old")
    with (tmp_path / "objects/bucket/key").open() as reading:
        store.take(write(tmp_path / "a", "new"), "s3://bucket/key")
        assert reading.read() == "old"
    assert tree(tmp_path / "objects") == {"bucket/key": "new"}


def test_a_file_of_another_file_system_is_copied(
    store: DirectoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, real = write(tmp_path / "a", "new"), Path.replace

    def replace(path: Path, target: Path) -> Path:
        if path == source:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return real(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    with write(tmp_path / "objects/bucket/key", "old").open() as reading:
        store.take(source, "s3://bucket/key")
        assert reading.read() == "old"
    assert tree(tmp_path / "objects") == {"bucket/key": "new"}


def test_what_cannot_be_put_leaves_everything_as_it_was(store: DirectoryStore, tmp_path: Path) -> None:
    write(tmp_path / "objects/bucket/key/inner", "old")
    source = write(tmp_path / "a", "new")
    with pytest.raises(OSError, match="key"):
        store.take(source, "s3://bucket/key")
    assert source.read_text() == "new"
    assert tree(tmp_path / "objects") == {"bucket/key/inner": "old"}


def test_half_a_file_does_not_take_the_place_of_a_whole_one(tmp_path: Path) -> None:
    target = write(tmp_path / "x", "old")

    def write_half() -> None:
        with stores.replacing(target) as temporary:
            temporary.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert tree(tmp_path) == {"x": "old"}


OBJECTS = {
    "in/train/a.csv": "a",
    "in/train/deep/b.csv": "b",
    "in/train-2/c.csv": "c",
    "in/part-0": "0",
    "in/part-1": "1",
    "model.tar.gz": "m",
    ".0123456789abcdef.part": "half an object",
    ".own.part": "a file of that name",
}


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("/model.tar.gz", {"model.tar.gz": "m"}),
        ("/in/train", {"a.csv": "a", "deep/b.csv": "b"}),
        ("/in/train/", {"a.csv": "a", "deep/b.csv": "b"}),
        ("/in/part-", {"part-0": "0", "part-1": "1"}),
        ("/in/tra", {"train/a.csv": "a", "train/deep/b.csv": "b", "train-2/c.csv": "c"}),
        ("", {name: text for name, text in OBJECTS.items() if text != "half an object"}),
    ],
)
def test_fetching(store: DirectoryStore, tmp_path: Path, key: str, found: dict[str, str]) -> None:
    for name, text in OBJECTS.items():
        write(tmp_path / "objects/bucket" / name, text)
    store.fetch(f"s3://bucket{key}", tmp_path / "ml/input/data/train")
    assert tree(tmp_path / "ml/input/data/train") == found


def test_links_in_the_store_are_followed(store: DirectoryStore, tmp_path: Path) -> None:
    write(tmp_path / "elsewhere/a", "a")
    (tmp_path / "objects/bucket").mkdir(parents=True)
    (tmp_path / "objects/bucket/in").symlink_to(tmp_path / "elsewhere")
    store.fetch("s3://bucket/in", tmp_path / "ml")
    assert tree(tmp_path / "ml") == {"a": "a"}


@pytest.mark.parametrize("uri", ["s3://bucket/none", "s3://none/in", "s3://bucket/empty", "s3://bucket/file/"])
def test_nothing_to_fetch(store: DirectoryStore, tmp_path: Path, uri: str) -> None:
    (tmp_path / "objects/bucket/empty").mkdir(parents=True)
    with pytest.raises(NoSuchObject) as missing:
        store.fetch(uri, tmp_path / "ml")
    assert str(missing.value).startswith(f'ClientError: No S3 objects found under S3 URL "{uri}"')
    assert str(store.path(uri)) in str(missing.value)


@pytest.mark.parametrize(
    "uri", ["s3://bucket/../x", "s3://../x", "s3://./x", "s3://bucket/a/..", "/x", "s3://", "s3:///x", ""]
)
def test_no_address_leads_out_of_the_store(store: DirectoryStore, tmp_path: Path, uri: str) -> None:
    with pytest.raises(InvalidRequest, match="uri: must"):
        store.fetch(uri, tmp_path / "ml")
    with pytest.raises(InvalidRequest, match="uri: must"):
        store.put(write(tmp_path / "a", "x"), uri)


def test_an_address_has_a_bucket_and_a_key() -> None:
    assert address("s3://bucket/a/b") == ("bucket", "a/b")
    assert address("s3://bucket") == ("bucket", "")


def test_removing_an_object(store: DirectoryStore, tmp_path: Path) -> None:
    for name in ("a/b/c", "a/d"):
        write(tmp_path / "objects/bucket" / name, name)
    store.remove("s3://bucket/a/b/c")
    assert tree(tmp_path / "objects") == {"bucket/a/d": "a/d"}
    assert not (tmp_path / "objects/bucket/a/b").exists()
    for gone in ("a/b/c", "a/d/e", "none"):
        store.remove(f"s3://bucket/{gone}")
    store.remove("s3://bucket/a/d")
    assert (tmp_path / "objects/bucket").is_dir()
