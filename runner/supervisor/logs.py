"""Reading a job's output as lines with times."""

from __future__ import annotations

import re
from bisect import bisect_left
from pathlib import Path
from typing import NamedTuple

from runner.backends import base

_MARK = 16
"""Bytes of one mark. Its numbers are little-endian, as every machine is that this runs on."""
LONGEST_LINE = 1 << 18
"""Bytes after which a line without an end is cut, as CloudWatch Logs cuts its events (256 KiB)."""
_MOST = 1 << 20
_END = 1 << 13


class Line(NamedTuple):
    """One line of output; `wall` is ns since 1970."""

    wall: int
    text: str


class Page(NamedTuple):
    """Some lines, and the offset in the log behind them."""

    lines: list[Line]
    next: int


def read(folder: Path, after: int = 0, *, ended: bool = False) -> Page:
    """The lines behind the offset `after`, at most about 1 MB of them; none left when `next` is `after` again.

    A last line without its newline is told only when the job has `ended`.
    """
    data = _read(base.log(folder), after, _MOST)
    whole = len(data) if ended and len(data) < _MOST else data.rfind(b"\n") + 1
    if not whole and len(data) >= LONGEST_LINE:
        whole = LONGEST_LINE
    if not whole:
        return Page([], after)
    marks, offset, lines = _Marks(folder), after, []
    for piece in _split(data[:whole]):
        offset += len(piece)
        lines.append(Line(marks.time_of(offset), piece.rstrip(b"\r\n").decode(errors="replace")))
    return Page(lines, offset)


def tail(folder: Path, count: int) -> list[Line]:
    """The last `count` lines of a job that has ended."""
    size = _size(base.log(folder))
    page = read(folder, max(0, size - _MOST + 1), ended=True)
    return page.lines[-count:]


def last(folder: Path) -> str | None:
    """The last line with something in it, whole or not, as far as it is in the log's last 8 KiB; None if there is none.

    Of a line that a progress bar has written over and over, what was written last.
    """
    size = _size(base.log(folder))
    data = _read(base.log(folder), max(0, size - _END), _END)
    pieces = (piece.strip() for piece in reversed(re.split(rb"[\r\n]", data)))
    found = next((piece for piece in pieces if piece), None)
    return None if found is None else found.decode(errors="replace")


def _split(data: bytes) -> list[bytes]:
    # Not splitlines: a carriage return alone (a progress bar) ends no line.
    pieces = data.split(b"\n")
    last = pieces.pop()
    lines = [piece + b"\n" for piece in pieces]
    return [*lines, last] if last else lines


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _read(path: Path, offset: int, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(most)
    except FileNotFoundError:
        return b""


class _Marks:
    """When the log had which size."""

    def __init__(self, folder: Path) -> None:
        data = _read(base.marks(folder), 0, -1)
        self._numbers = memoryview(data[: len(data) - len(data) % _MARK]).cast("q")
        self._count = len(self._numbers) // 2
        self._latest = _modified(base.log(folder))

    def time_of(self, offset: int) -> int:
        """ns since 1970 at the first mark at or behind `offset`; without one, at the last write."""
        index = bisect_left(range(self._count), offset, key=lambda mark: self._numbers[2 * mark + 1])
        return self._numbers[2 * index] if index < self._count else self._latest


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
