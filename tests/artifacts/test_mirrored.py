"""Objects that are files and in an S3: what a client of either does is seen by both."""

from __future__ import annotations

import gc
import io
import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest

from runner.artifacts.checkpoints import keep, restore
from runner.artifacts.mirrored import MirroredStore
from runner.artifacts.stores import DirectoryStore, NoSuchObject
from runner.artifacts.uploads import Places, Sent
from tests.offering import offered

pytest.importorskip("moto.server", reason="the extra aws is not installed")
KEYS = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": "eu-west-1"}
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def url() -> Iterator[str]:
    with offered(["s3"]) as url:
        yield url
        gc.collect()  # connections are closed when nobody knows their pool any more


@pytest.fixture
def s3(url: str) -> Iterator[Any]:
    client = boto3.session.Session().client("s3", endpoint_url=url, **KEYS)
    client.create_bucket(Bucket="data", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    yield client
    client.close()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "objects/data/in").mkdir(parents=True)
    return tmp_path / "objects/data/in"


@pytest.fixture
def store(url: str, tmp_path: Path) -> MirroredStore:
    return MirroredStore(DirectoryStore(tmp_path / "objects"), url)


class Job:
    """One after the other that gets `s3://data/in/`."""

    def __init__(self, store: MirroredStore, folder: Path) -> None:
        self._store, self._folder, self._number = store, folder, 0

    def sees(self) -> dict[str, str]:
        self._number += 1
        folder = self._folder / str(self._number)
        self._store.fetch("s3://data/in/", folder)
        return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def job(store: MirroredStore, tmp_path: Path) -> Job:
    return Job(store, tmp_path / "jobs")


def put(s3: Any, **objects: str) -> None:
    for name, text in objects.items():
        s3.put_object(Bucket="data", Key=f"in/{name}", Body=text.encode())


def objects(s3: Any) -> dict[str, str]:
    found = s3.list_objects_v2(Bucket="data").get("Contents", ())
    return {one["Key"]: s3.get_object(Bucket="data", Key=one["Key"])["Body"].read().decode() for one in found}


def test_what_changes_in_the_s3_changes_among_the_files(s3: Any, job: Job, files: Path) -> None:
    put(s3, a="old", b="b", c="c")
    assert job.sees() == {"a": "old", "b": "b", "c": "c"}
    put(s3, a="new", d="d")
    s3.delete_object(Bucket="data", Key="in/b")
    assert job.sees() == {"a": "new", "c": "c", "d": "d"}
    assert sorted(path.name for path in files.iterdir()) == ["a", "c", "d"]


def test_what_changes_among_the_files_changes_in_the_s3(s3: Any, job: Job, files: Path) -> None:
    for name in "ab":
        (files / name).write_text("old")
    assert job.sees() == {"a": "old", "b": "old"}
    assert objects(s3) == {"in/a": "old", "in/b": "old"}
    (files / "a").write_text("newer")
    (files / "b").unlink()
    assert job.sees() == {"a": "newer"}
    assert objects(s3) == {"in/a": "newer"}


def test_of_two_that_are_there_the_one_in_the_s3_counts(s3: Any, job: Job, files: Path) -> None:
    (files / "a").write_text("a file")
    put(s3, a="an object")
    assert job.sees() == {"a": "an object"}
    (files / "a").write_text("another file")
    put(s3, a="another object")
    assert job.sees() == {"a": "another object"}
    assert objects(s3) == {"in/a": "another object"}


def test_a_file_that_took_the_place_of_a_deleted_object_stays(s3: Any, job: Job, files: Path) -> None:
    put(s3, a="an object")
    job.sees()
    s3.delete_object(Bucket="data", Key="in/a")
    (files / "a").write_text("put there by hand since")
    assert job.sees() == {"a": "put there by hand since"}
    assert objects(s3) == {"in/a": "put there by hand since"}


def test_nothing_is_left_of_a_bucket_that_was_deleted(s3: Any, job: Job, files: Path) -> None:
    put(s3, a="a")
    assert job.sees() == {"a": "a"}
    s3.delete_object(Bucket="data", Key="in/a")
    s3.delete_bucket(Bucket="data")
    with pytest.raises(NoSuchObject):
        job.sees()
    (files / "b").parent.mkdir(exist_ok=True)
    (files / "b").write_text("b")
    assert job.sees() == {"b": "b"}
    assert objects(s3) == {"in/b": "b"}


def test_an_object_may_become_a_folder(s3: Any, job: Job) -> None:
    put(s3, a="a")
    assert job.sees() == {"a": "a"}
    s3.delete_object(Bucket="data", Key="in/a")
    put(s3, **{"a/b": "b", "a/c/": ""})
    assert job.sees() == {"a/b": "b"}


def test_a_key_of_which_the_path_says_less(s3: Any, job: Job, files: Path) -> None:
    put(s3, **{"a//b": "b"})
    for _ in range(2):
        assert job.sees() == {"a/b": "b"}
        assert objects(s3) == {"in/a//b": "b"}
    s3.delete_object(Bucket="data", Key="in/a//b")
    with pytest.raises(NoSuchObject):
        job.sees()


def test_a_link_is_an_input_and_stays_out_of_the_s3(s3: Any, job: Job, files: Path, tmp_path: Path) -> None:
    """So that large inputs need not be in memory."""
    (tmp_path / "large/inner").mkdir(parents=True)
    (tmp_path / "large/inner/file").write_text("large")
    (files / "folder").symlink_to(tmp_path / "large")
    (files / "file").symlink_to(tmp_path / "large/inner/file")
    assert job.sees() == {"folder/inner/file": "large", "file": "large"}
    assert objects(s3) == {}


def test_what_only_begins_like_a_folder_is_compared_too_and_nothing_beside(
    s3: Any, store: MirroredStore, files: Path, tmp_path: Path
) -> None:
    for name in ("part-1", "part-2/deep", "other"):
        (files / name).parent.mkdir(exist_ok=True)
        (files / name).write_text(name)
    (files / f".{'0' * 16}.part").write_text("not whole yet")
    store.fetch("s3://data/in/part", tmp_path / "ml")
    assert objects(s3) == {"in/part-1": "part-1", "in/part-2/deep": "part-2/deep"}


def test_what_is_the_same_is_not_copied_again(s3: Any, job: Job, files: Path) -> None:
    s3.put_bucket_versioning(Bucket="data", VersioningConfiguration={"Status": "Enabled"})
    (files / "mine").write_text("a file")
    put(s3, yours="an object")
    job.sees()
    before = {path.name: path.stat().st_mtime_ns for path in files.iterdir()}
    assert job.sees() == {"mine": "a file", "yours": "an object"}
    assert {path.name: path.stat().st_mtime_ns for path in files.iterdir()} == before
    versions = s3.list_object_versions(Bucket="data")["Versions"]
    assert [one["Key"] for one in versions] == ["in/mine", "in/yours"]


def test_a_server_that_starts_has_an_empty_s3_and_all_files(s3: Any, tmp_path: Path) -> None:
    """As one after another: with nothing in memory, neither of the objects nor of what they were."""
    root = tmp_path / "objects"
    (root / "data/in").mkdir(parents=True)
    (root / "data/in/a").write_text("of an earlier server")
    job = Job(MirroredStore(DirectoryStore(root), s3.meta.endpoint_url), tmp_path / "jobs")
    put(s3, b="b")
    assert job.sees() == {"a": "of an earlier server", "b": "b"}
    assert objects(s3) == {"in/a": "of an earlier server", "in/b": "b"}
    s3.delete_object(Bucket="data", Key="in/a")
    assert job.sees() == {"b": "b"}


def test_large_objects_in_parts(s3: Any, job: Job, files: Path) -> None:
    """The ETag of one that was sent in parts is not that of its content."""
    (files / "mine").write_text("x" * (9 << 20))
    s3.upload_fileobj(io.BytesIO(b"y" * (9 << 20)), "data", "in/yours")
    first = job.sees()
    before = (files / "yours").stat().st_mtime_ns
    assert {name: (len(text), text[0]) for name, text in first.items()} == {
        "mine": (9 << 20, "x"),
        "yours": (9 << 20, "y"),
    }
    assert s3.head_object(Bucket="data", Key="in/mine")["ContentLength"] == 9 << 20
    assert job.sees() == first
    assert (files / "yours").stat().st_mtime_ns == before


def test_many_jobs_at_once_see_the_same(s3: Any, store: MirroredStore, files: Path, tmp_path: Path) -> None:
    put(s3, gone="gone", a="old", c="c")
    Job(store, tmp_path / "before").sees()
    s3.delete_object(Bucket="data", Key="in/gone")
    (files / "b").write_text("b")
    put(s3, a="new")
    with ThreadPoolExecutor(8) as threads:
        seen = list(threads.map(lambda number: Job(store, tmp_path / f"job-{number}").sees(), range(8)))
    assert seen == [{"a": "new", "b": "b", "c": "c"}] * 8


def test_checkpoints_that_were_deleted_are_not_restored(s3: Any, store: MirroredStore, tmp_path: Path) -> None:
    def run(name: str, *saved: str) -> list[str]:
        folder, scratch = tmp_path / name / "checkpoints", tmp_path / name / "scratch"
        restore("s3://data/in", folder, store, scratch)
        restored = sorted(path.name for path in folder.iterdir())
        for one in saved:
            (folder / one).write_text(one)
        assert isinstance(keep(folder, "s3://data/in", store, Places(scratch, tmp_path / "unsent")), Sent)
        return restored

    assert run("first", "epoch-1", "epoch-2") == []
    s3.delete_object(Bucket="data", Key="in/epoch-2")
    assert run("second", "epoch-3") == ["epoch-1"]
    assert sorted(objects(s3)) == ["in/epoch-1", "in/epoch-3"]


def test_an_input_that_cannot_be_got_whole_is_no_input(s3: Any, job: Job, url: str) -> None:
    put(s3, a="a", b="b")
    denied = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/in/b"}
    s3.put_bucket_policy(Bucket="data", Policy=json.dumps({"Statement": [denied]}))
    with pytest.raises(OSError, match=f"could not get 's3://data/in/b' from the S3 at {url}: .*Forbidden"):
        job.sees()


def test_names_that_an_s3_cannot_have_stay_files(
    store: MirroredStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a").write_text("a")
    store.put(tmp_path / "a", "s3://data/in/\udcff")
    assert (tmp_path / "objects/data/in/\udcff").read_text() == "a"
    assert "could not put 's3://data/in/\\udcff' into the S3" in caplog.text


def test_without_the_s3_everything_is_among_the_files(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """And of each kind of failure one is told."""
    store = MirroredStore(DirectoryStore(tmp_path / "objects"), NOWHERE)
    (tmp_path / "a").write_text("a")
    for name in "abc":
        store.put(tmp_path / "a", f"s3://data/in/{name}")
    assert Job(store, tmp_path / "jobs").sees() == {"a": "a", "b": "a", "c": "a"}
    store.remove("s3://data/in/a")
    assert Job(store, tmp_path / "later").sees() == {"b": "a", "c": "a"}
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert [line.partition(" the S3 at ")[0] for line in told] == [
        "could not put 's3://data/in/a' into",
        "could not list 's3://data/in/' of",
        "could not remove 's3://data/in/a' from",
    ]
