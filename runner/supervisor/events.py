"""A log as events that can be read from any place, forwards and backwards, without reading all of it.

An event is a line. The places between events are found from the bytes around them alone, so that an event has the
same beginning, end and time whoever reads it, from where, and when:

- behind each line feed;
- in a line that is too long, at the end of each block of 128 KiB (counted from the beginning of the log) without a line
  feed in it, or up to three bytes before that, where a character would be cut in two. No event is longer than
  `logs.LONGEST_LINE`.

Empty lines are no events: the message of an event in CloudWatch Logs has at least one character, and what sends
containers' output there (Docker's `awslogs`) leaves empty lines out.

What a running job has written is told as far as it is certain: whole lines that a mark covers, since the time of an
event is that of the first mark at or behind its end. The keeper writes that mark within 10 ms, in a
flood within 20.
"""

from __future__ import annotations

import os
import re
import struct
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from runner.backends import base
from runner.supervisor.logs import LONGEST_LINE

BLOCK = LONGEST_LINE // 2
_FIRST_READ, _LARGEST_READ = 8 << 10, LONGEST_LINE
"""Bytes: a look at one event costs little, a walk through many reads few times."""
_MARK = struct.Struct("<qq")
_MARKS_READ = 512
_LINE_FEEDS = re.compile(rb"\n+")


class Event(NamedTuple):
    """A line that is not empty. `begin` and `end` are offsets in the log, `wall` is ns since 1970."""

    begin: int
    end: int
    wall: int
    text: str


@dataclass(frozen=True)
class Part:
    """The part of a log that one attempt has written, or is writing."""

    folder: Path
    """Of the job."""
    begin: int = 0
    end: int | None = None
    """None: as far as there is something."""
    ended: bool = True
    """Nothing is added any more, so that a last line without its line feed is a line."""
    since: int = 0
    """ns since 1970: no event is told to be older."""


class Reader:
    """The events of one part, as they are now. A log that is gone has none."""

    def __init__(self, part: Part) -> None:
        self._files = ExitStack()
        self._since = part.since
        self._bytes = _Bytes(self._open(base.log(part.folder)))
        self._marks = _Marks(self._open(base.marks(part.folder)))
        size = self._bytes.size
        self.begin = min(part.begin, size)
        self.end = max(self.begin, size if part.end is None else min(part.end, size))
        """Behind the last event."""
        if not part.ended:
            self.end = max(self.begin, min(self.end, self._marks.latest.size))
            self.end = self._place_before(self.end + 1) if self.end > self.begin else self.begin

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def forwards(self, place: int) -> Iterator[Event]:
        """The events from a place between two on, oldest first."""
        place = max(place, self.begin)
        while place < self.end:
            behind = self._place_behind(place)
            event = self._event(place, behind)
            if event is not None:
                yield event
                place = behind
            else:
                place = min(self.end, self._bytes.behind_line_feeds(behind))

    def backwards(self, place: int) -> Iterator[Event]:
        """The events before a place between two, latest first."""
        place = min(place, self.end)
        while place > self.begin:
            before = self._place_before(place)
            event = self._event(before, place)
            if event is not None:
                yield event
                place = before
            else:
                place = max(self.begin, self._bytes.before_line_feeds(before))

    def place_at(self, wall: int) -> int:
        """The place before the first event at or after an instant, ns since 1970; behind the last one without such."""
        if wall <= self._since:
            return self.begin
        older = self._marks.older(wall, self.begin, self.end)
        if older.all and (older.size >= self.end or self._latest() < wall):
            return self.end
        # Events that end at or before that size are older, and the next one is not.
        return self.begin if older.size <= self.begin else self._place_before(older.size + 1)

    def _event(self, begin: int, end: int) -> Event | None:
        piece = self._bytes.get(begin, end).rstrip(b"\r\n")
        if not piece:
            return None
        marked = self._marks.time_of(end)
        wall = max(self._since, self._latest() if marked is None else marked)
        return Event(begin, end, wall, piece.decode(errors="replace"))

    def _latest(self) -> int:
        """The time of what no mark covers: that of the last write."""
        return max(self._bytes.written, self._marks.latest.wall)

    def _place_behind(self, place: int) -> int:
        """The end of the event that begins at `place`, which is before `end`."""
        cut = -(-place // BLOCK) * BLOCK + BLOCK
        limit = min(cut, self.end)
        found = self._bytes.find(place, limit)
        if found >= 0:
            return found + 1
        return self._cut(cut) if limit == cut else limit

    def _place_before(self, place: int) -> int:
        """The beginning of the event that has the byte before `place`, which is behind `begin`."""
        next_cut = -(-place // BLOCK) * BLOCK
        if next_cut - place < 3 and next_cut <= self.end and self._is_cut(next_cut) and self._cut(next_cut) < place:
            return self._cut(next_cut)
        cut = (place - 1) // BLOCK * BLOCK
        found = self._bytes.find_last(max(self.begin, cut - BLOCK), place - 1)
        if found >= 0:
            return found + 1
        return self._cut(cut) if cut - BLOCK >= self.begin else self.begin

    def _is_cut(self, end: int) -> bool:
        """Whether the block that ends there has no line feed and belongs to this part."""
        return end - BLOCK >= self.begin and self._bytes.find_last(end - BLOCK, end) < 0

    def _cut(self, end: int) -> int:
        """Where a line is cut at the end of a block: before a character that goes on in the next one."""
        last = self._bytes.peek(end - 3, end)
        for back, byte in enumerate(reversed(last), start=1):
            if byte >= 0xC0:  # the first byte of a character, which says how many it has
                return end - back if back < (2 if byte < 0xE0 else 3 if byte < 0xF0 else 4) else end
            if byte < 0x80:
                break
        return end

    def _open(self, path: Path) -> int | None:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        self._files.callback(os.close, descriptor)
        return descriptor


class _Bytes:
    """The bytes of a log, of which a window is held in memory."""

    def __init__(self, file: int | None) -> None:
        self._file = file
        status = None if file is None else os.fstat(file)
        self.size = 0 if status is None else status.st_size
        self.written = 0 if status is None else status.st_mtime_ns
        """ns since 1970."""
        self._window = b""
        self._at = 0
        self._step = _FIRST_READ

    def get(self, begin: int, end: int) -> bytes:
        """These bytes."""
        if not self._at <= begin <= end <= self._end:
            self._load(begin, end)
        return self._window[begin - self._at : end - self._at]

    def peek(self, begin: int, end: int) -> bytes:
        """These few bytes; the window stays."""
        return b"" if self._file is None else os.pread(self._file, end - begin, begin)

    def find(self, begin: int, end: int) -> int:
        """The first line feed from `begin` on and before `end`, or -1."""
        while begin < end:
            if not self._at <= begin < self._end:
                self._load(begin, begin + self._next_step())
            known = min(end, self._end)
            if known <= begin:
                return -1
            found = self._window.find(b"\n", begin - self._at, known - self._at)
            if found >= 0:
                return self._at + found
            begin = known
        return -1

    def find_last(self, begin: int, end: int) -> int:
        """The last line feed from `begin` on and before `end`, or -1."""
        while begin < end:
            if not self._at < end <= self._end:
                # With the byte behind it: as a rule the line feed of the event in question.
                self._load(max(0, end + 1 - self._next_step()), end + 1)
            if self._end < end:
                return -1
            known = max(begin, self._at)
            found = self._window.rfind(b"\n", known - self._at, end - self._at)
            if found >= 0:
                return self._at + found
            end = known
        return -1

    def behind_line_feeds(self, place: int) -> int:
        """Behind all line feeds that are known to follow there: a log may have millions of empty lines."""
        found = _LINE_FEEDS.match(self._window, place - self._at) if self._at <= place <= self._end else None
        return place if found is None else self._at + found.end()

    def before_line_feeds(self, place: int) -> int:
        """Before all line feeds that are known to come before, but for the first, which may end more than nothing."""
        if not self._at <= place <= self._end:
            return place
        before = self._window[max(0, place - self._at - 4096) : place - self._at]
        return place - max(0, len(before) - len(before.rstrip(b"\n")) - 1)

    @property
    def _end(self) -> int:
        return self._at + len(self._window)

    def _next_step(self) -> int:
        step, self._step = self._step, min(_LARGEST_READ, 2 * self._step)
        return step

    def _load(self, begin: int, end: int) -> None:
        self._window, self._at = self.peek(begin, end), begin


class _Mark(NamedTuple):
    wall: int
    size: int


class _Older(NamedTuple):
    size: int
    """What the log had at the last mark before an instant."""
    all: bool
    """There is no mark at or after it."""


class _Marks:
    """When the log had which size. Within an attempt neither ever runs backwards: one keeper has written them."""

    def __init__(self, file: int | None) -> None:
        self._file = file
        self._count = 0 if file is None else os.fstat(file).st_size // _MARK.size
        self._walls: Sequence[int] = ()
        self._sizes: Sequence[int] = ()
        self._is_first_page = False
        self.latest = self._mark(self._count - 1) if self._count else _Mark(0, 0)

    def time_of(self, size: int) -> int | None:
        """The first time at which the log had that size; None if no mark tells."""
        sizes = self._sizes
        if not sizes or size > sizes[-1] or (size <= sizes[0] and not self._is_first_page):
            index = self._index_of(size)
            if index == self._count:
                return None
            self._turn(index)
        return self._walls[bisect_left(self._sizes, size)]

    def older(self, wall: int, begin: int, end: int) -> _Older:
        """The last mark before an instant, of those that belong to this part of the log."""
        first, last = self._index_of(begin + 1), min(self._count, self._index_of(end) + 1)
        index = bisect_left(range(self._count), wall, first, max(first, last), key=lambda mark: self._mark(mark).wall)
        return _Older(self._mark(index - 1).size if index > first else begin, index >= last)

    def _index_of(self, size: int) -> int:
        return bisect_left(range(self._count), size, key=lambda mark: self._mark(mark).size)

    def _turn(self, index: int) -> None:
        """Hold the marks around one: reading goes on in either direction."""
        assert self._file is not None
        first = max(0, index - _MARKS_READ // 2)
        count = min(_MARKS_READ, self._count - first)
        numbers = struct.unpack(f"<{2 * count}q", os.pread(self._file, count * _MARK.size, first * _MARK.size))
        self._walls, self._sizes, self._is_first_page = numbers[::2], numbers[1::2], first == 0

    def _mark(self, index: int) -> _Mark:
        assert self._file is not None
        return _Mark(*_MARK.unpack(os.pread(self._file, _MARK.size, index * _MARK.size)))
