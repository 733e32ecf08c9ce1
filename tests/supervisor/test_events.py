"""Logs as events: the same ones from every place and in both directions, whatever has been written until now."""

from __future__ import annotations

import os
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.backends import base
from runner.supervisor import events
from runner.supervisor.events import Event, Part, Reader
from runner.supervisor.logs import LONGEST_LINE

Marks = list[tuple[int, int]]

SMALL_BLOCK = 16

pieces = st.one_of(
    st.binary(max_size=12),
    st.text(max_size=12).map(str.encode),
    st.sampled_from([b"\n", b"\n\n\n", b"\r\n", b"\r", b"x" * 15, b"x" * 16, b"y" * 40, "ä€😀".encode() * 5]),
)
logs = st.lists(pieces, max_size=25).map(b"".join)


@st.composite
def marked_logs(draw: st.DrawFn) -> tuple[bytes, Marks]:
    """A log, and marks of some of the sizes that it had, with times that never run backwards."""
    data = draw(logs)
    sizes = sorted(draw(st.sets(st.integers(1, max(1, len(data))), max_size=8)))
    times = sorted(draw(st.lists(st.integers(1, 50), min_size=len(sizes), max_size=len(sizes))))
    return data, list(zip(times, [size for size in sizes if size <= len(data)], strict=False))


@contextmanager
def small_blocks() -> Iterator[None]:
    """Blocks and reads so small that every sort of border comes up."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(events, "BLOCK", SMALL_BLOCK)
        patch.setattr(events, "_FIRST_READ", 5)
        patch.setattr(events, "_LARGEST_READ", 20)
        patch.setattr(events, "_MARKS_READ", 2)
        yield


@contextmanager
def folder_of(data: bytes, marks: Marks) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), data, marks)
        yield Path(name)


def write(folder: Path, data: bytes, marks: Marks) -> None:
    base.log(folder).write_bytes(data)
    os.utime(base.log(folder), ns=(0, 60))
    base.marks(folder).write_bytes(b"".join(struct.pack("<qq", *mark) for mark in marks))


def forwards(part: Part) -> list[Event]:
    with Reader(part) as reader:
        return list(reader.forwards(reader.begin))


def backwards(part: Part) -> list[Event]:
    with Reader(part) as reader:
        return list(reader.backwards(reader.end))


def joined(found: list[Event], data: bytes) -> bytes:
    return b"".join(data[event.begin : event.end] for event in found)


@settings(deadline=None)
@given(marked_logs())
def test_every_line_once_in_order_in_both_directions(given_log: tuple[bytes, Marks]) -> None:
    data, marks = given_log
    with small_blocks(), folder_of(data, marks) as folder:
        found = forwards(Part(folder))
        assert backwards(Part(folder)) == found[::-1]
        # Nothing but empty lines is left out, and nothing comes twice.
        behind = 0
        for event in found:
            assert data[behind : event.begin].strip(b"\r\n") == b""
            assert behind <= event.begin < event.end <= event.begin + 2 * SMALL_BLOCK
            assert event.text == data[event.begin : event.end].rstrip(b"\r\n").decode(errors="replace") != ""
            assert b"\n" not in data[event.begin : event.end - 1]
            behind = event.end
        assert data[behind:].strip(b"\r\n") == b""
        assert [event.wall for event in found] == sorted(event.wall for event in found)


@settings(deadline=None)
@given(marked_logs(), st.data())
def test_reading_goes_on_from_every_place(given_log: tuple[bytes, Marks], data: st.DataObject) -> None:
    with small_blocks(), folder_of(*given_log) as folder:
        every = forwards(Part(folder))
        number = data.draw(st.integers(0, len(every)))
        with Reader(Part(folder)) as reader:
            place = every[number].begin if number < len(every) else reader.end
            assert list(reader.forwards(place)) == every[number:]
            assert list(reader.backwards(place)) == every[:number][::-1]


@settings(deadline=None)
@given(marked_logs(), st.integers(0, 70), st.integers(0, 20), st.booleans(), st.data())
def test_the_place_of_an_instant(
    given_log: tuple[bytes, Marks], wall: int, since: int, ended: bool, data: st.DataObject
) -> None:
    size = len(given_log[0])
    begin = data.draw(st.integers(0, size))
    end = data.draw(st.none() | st.integers(begin, size))
    with small_blocks(), folder_of(*given_log) as folder:
        part = Part(folder, begin, end, ended, since)
        every = forwards(part)
        with Reader(part) as reader:
            assert list(reader.forwards(reader.place_at(wall))) == [event for event in every if event.wall >= wall]
            assert list(reader.backwards(reader.place_at(wall)))[::-1] == [
                event for event in every if event.wall < wall
            ]


@settings(deadline=None)
@given(marked_logs())
def test_what_is_told_of_a_running_job_stays_as_it_is(given_log: tuple[bytes, Marks]) -> None:
    data, marks = given_log
    with small_blocks(), folder_of(b"", []) as folder:
        told: list[Event] = []
        for count, (_, size) in enumerate(marks, start=1):
            write(folder, data[:size], marks[:count])
            found = forwards(Part(folder, ended=False))
            assert found[: len(told)] == told
            told = found
        write(folder, data, marks)
        assert forwards(Part(folder, ended=False))[: len(told)] == told
        assert forwards(Part(folder))[: len(told)] == told


@settings(deadline=None)
@given(marked_logs(), st.data())
def test_two_parts_have_between_them_what_the_whole_has(given_log: tuple[bytes, Marks], data: st.DataObject) -> None:
    with small_blocks(), folder_of(*given_log) as folder:
        border = data.draw(st.integers(0, len(given_log[0])))
        first, second = Part(folder, 0, border), Part(folder, border)
        for part in (first, second):
            assert backwards(part) == forwards(part)[::-1]
        both = joined(forwards(first), given_log[0]) + joined(forwards(second), given_log[0])
        assert both.replace(b"\r", b"").replace(b"\n", b"") == given_log[0].replace(b"\r", b"").replace(b"\n", b"")


@settings(deadline=None)
@given(st.text(alphabet="aä€😀", max_size=80))
def test_no_character_is_cut_in_two(text: str) -> None:
    with small_blocks(), folder_of(text.encode(), []) as folder:
        assert "".join(event.text for event in forwards(Part(folder))) == text


def test_a_line_without_its_end_waits_for_it_or_for_the_end_of_the_job(tmp_path: Path) -> None:
    write(tmp_path, b"a\nhal", [(10, 5)])
    assert [event.text for event in forwards(Part(tmp_path, ended=False))] == ["a"]
    assert [event.text for event in forwards(Part(tmp_path))] == ["a", "hal"]


def test_a_line_that_no_mark_covers_waits_for_one(tmp_path: Path) -> None:
    """Its time would be another one later."""
    write(tmp_path, b"a\nb\n", [(10, 2)])
    assert [event.text for event in forwards(Part(tmp_path, ended=False))] == ["a"]
    assert [(event.wall, event.text) for event in forwards(Part(tmp_path))] == [(10, "a"), (60, "b")]


def test_a_line_that_is_too_long_is_cut(tmp_path: Path) -> None:
    write(tmp_path, b"a\n" + b"x" * 1_000_000 + b"\nb\n", [(10, 1_000_005)])
    lengths = [len(event.text) for event in forwards(Part(tmp_path))]
    assert (lengths[0], sum(lengths[1:-1]), lengths[-1]) == (1, 1_000_000, 1)
    assert max(lengths) <= LONGEST_LINE


def test_a_log_that_is_not_there_has_no_events(tmp_path: Path) -> None:
    for part in (Part(tmp_path), Part(tmp_path, ended=False), Part(tmp_path, 10, 20)):
        assert forwards(part) == backwards(part) == []
        with Reader(part) as reader:
            assert reader.place_at(5) == 0


def test_of_a_large_log_little_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = b"%099d\n"
    with base.log(tmp_path).open("wb") as log:
        for first in range(0, 1_000_000, 10_000):
            log.write(b"".join(line % number for number in range(first, first + 10_000)))
    with base.marks(tmp_path).open("wb") as marks:
        marks.write(b"".join(struct.pack("<qq", number, 100 * number) for number in range(1, 1_000_001)))
    read = []
    pread = os.pread

    def counted(file: int, count: int, offset: int) -> bytes:
        read.append(count)
        return pread(file, count, offset)

    monkeypatch.setattr(os, "pread", counted)
    with Reader(Part(tmp_path, ended=False)) as reader:
        place = reader.place_at(654_321)
        assert int(next(reader.forwards(place)).text) == 654_320
        assert int(next(reader.backwards(place)).text) == 654_319
        assert int(next(reader.backwards(reader.end)).text) == 999_999
    assert sum(read) < 300_000


def test_millions_of_empty_lines_cost_little(tmp_path: Path) -> None:
    write(tmp_path, b"a" + b"\n" * 5_000_000 + b"b\n", [])
    assert [event.text for event in forwards(Part(tmp_path))] == ["a", "b"]
    assert [event.text for event in backwards(Part(tmp_path))] == ["b", "a"]
