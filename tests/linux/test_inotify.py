"""What the kernel tells of folders, and what it does not."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.linux import inotify
from runner.linux.inotify import Inotify, parse

ALL = (
    inotify.CREATE
    | inotify.MODIFY
    | inotify.OPEN
    | inotify.CLOSE_WRITE
    | inotify.CLOSE_NOWRITE
    | inotify.MOVED_FROM
    | inotify.MOVED_TO
    | inotify.DELETE
    | inotify.ONLY_FOLDERS
    | inotify.DO_NOT_FOLLOW
    | inotify.NOT_OF_REMOVED
)


@pytest.fixture
def queue() -> Iterator[Inotify]:
    queue = Inotify()
    yield queue
    os.close(queue.fd)


def events(queue: Inotify) -> list[tuple[int, bytes]]:
    return [(bits, name) for _, bits, _, name in parse(queue.read(1 << 16))]


def test_a_save_and_its_rename(queue: Inotify, tmp_path: Path) -> None:
    watch = queue.add(os.fsencode(tmp_path), ALL)
    (tmp_path / "a").write_bytes(b"x")
    os.rename(tmp_path / "a", tmp_path / "b")
    os.remove(tmp_path / "b")
    found = list(parse(queue.read(1 << 16)))
    assert {event[0] for event in found} == {watch}
    assert [(bits, name) for _, bits, _, name in found] == [
        (inotify.CREATE, b"a"),
        (inotify.OPEN, b"a"),
        (inotify.MODIFY, b"a"),
        (inotify.CLOSE_WRITE, b"a"),
        (inotify.MOVED_FROM, b"a"),
        (inotify.MOVED_TO, b"b"),
        (inotify.DELETE, b"b"),
    ]
    cookies = [cookie for _, bits, cookie, _ in found if bits & (inotify.MOVED_FROM | inotify.MOVED_TO)]
    assert len(set(cookies)) == 1
    assert queue.read(1 << 16) == b""


def test_a_link_is_not_opened_and_a_symbolic_one_neither(queue: Inotify, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    queue.add(os.fsencode(tmp_path), ALL)
    os.link(tmp_path / "a", tmp_path / "hard")
    os.symlink("a", tmp_path / "soft")
    assert events(queue) == [(inotify.CREATE, b"hard"), (inotify.CREATE, b"soft")]


def test_writes_to_two_files_in_turn_are_told_once_until_something_else_happens(queue: Inotify, tmp_path: Path) -> None:
    queue.add(os.fsencode(tmp_path), ALL)
    with (tmp_path / "a").open("wb", buffering=0) as a, (tmp_path / "b").open("wb", buffering=0) as b:
        queue.read(1 << 16)
        for _ in range(100):
            a.write(b"x")
            b.write(b"x")
        raw = queue.read(1 << 16)
        assert len(raw) == 200 * 32
        assert [(bits, name) for _, bits, _, name in parse(raw)] == [(inotify.MODIFY, b"a"), (inotify.MODIFY, b"b")]
        a.write(b"x")
        (tmp_path / "c").mkdir()
        a.write(b"x")
        assert events(queue) == [
            (inotify.MODIFY, b"a"),
            (inotify.CREATE | inotify.OF_FOLDER, b"c"),
            (inotify.MODIFY, b"a"),
        ]


def test_a_folder_that_is_removed_ends_its_watch(queue: Inotify, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    queue.add(os.fsencode(tmp_path / "sub"), ALL)
    (tmp_path / "sub").rmdir()
    assert events(queue)[-1] == (inotify.IGNORED, b"")


def test_the_same_folder_has_the_same_watch_until_it_is_removed(queue: Inotify, tmp_path: Path) -> None:
    watch = queue.add(os.fsencode(tmp_path), ALL)
    assert queue.add(os.fsencode(tmp_path), ALL) == watch
    queue.remove(watch)
    queue.remove(watch)
    assert events(queue) == [(inotify.IGNORED, b"")]
    assert queue.add(os.fsencode(tmp_path), ALL) != watch


@pytest.mark.parametrize("name", ["file", "link", "nothing"])
def test_only_folders_are_watched(queue: Inotify, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(OSError) as refused:  # noqa: PT011 - the number tells
        queue.add(os.fsencode(tmp_path / name), ALL)
    assert refused.value.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


def test_what_is_written_through_a_mapping_is_not_told(queue: Inotify, tmp_path: Path) -> None:
    import mmap

    (tmp_path / "a").write_bytes(b"x" * 100)
    queue.add(os.fsencode(tmp_path), ALL)
    with (tmp_path / "a").open("r+b") as file, mmap.mmap(file.fileno(), 100) as mapped:
        mapped[:10] = b"y" * 10
        mapped.flush()
        assert events(queue) == [(inotify.OPEN, b"a")]
    assert events(queue) == [(inotify.CLOSE_WRITE, b"a")]
