"""The journal of one job: numbered facts, one JSON line each, in the order in which they were seen."""

from __future__ import annotations

import json
import os

from runner import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.lifecycle.facts import FactName


def _wall_at_zero() -> int:
    """The wall time at which CLOCK_MONOTONIC was 0.

    Between two readings of clocks a process may have to wait for the processor, for milliseconds where that is busy: of
    several pairs the one counts that was read fastest.
    """

    def read() -> tuple[int, int]:
        before, wall, after = clock.monotonic_ns(), clock.wall_ns(), clock.monotonic_ns()
        return after - before, wall - (before + after) // 2

    return min(read() for _ in range(5))[1]


# The wall clock is read once: however it is set afterwards, the times in a journal stay in order.
_WALL_AT_ZERO = _wall_at_zero()

# json.dumps makes an encoder for each call that asks for separators of its own.
_encode = json.JSONEncoder(separators=(",", ":")).encode


def wall_at(instant_ns: int) -> int:
    """The wall time, ns since 1970, of an instant of CLOCK_MONOTONIC."""
    return _WALL_AT_ZERO + instant_ns


class Journal:
    """Facts are added in memory, and put into words and written together by `flush`: an instant that matters, such as
    a signal's, does not wait for what was seen before it to be written down.

    A write that fails (a full disk) keeps the facts for the next flush: it must never hold up a signal.
    """

    __slots__ = ("_facts", "_fd", "_unwritten", "_wall", "attempt", "number", "torn")

    def __init__(self, path: str, attempt: int) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._facts: list[dict[str, Any]] = []
        self._unwritten = b""
        self.attempt = attempt
        text = read_all(self._fd)
        self.torn = bool(text) and not text.endswith(b"\n")
        # A last line that lacks only its newline gets it below, and is a fact then.
        facts = parse(text + b"\n")
        self.number = facts[-1]["n"] if facts else 0
        self._wall = facts[-1]["w"] if facts else 0
        if self.torn:
            # Half a line from a keeper that died in the middle of a write: it ends here and is not a fact.
            self._unwritten = b"\n"

    def add(self, fact: FactName, at: int | None = None, **members: Any) -> None:
        """Write down a fact that happened at an instant of CLOCK_MONOTONIC (default: now)."""
        instant = clock.monotonic_ns() if at is None else at
        self.number += 1
        self._wall = max(self._wall, wall_at(instant))
        self._facts.append(
            {"n": self.number, "t": instant, "w": self._wall, "a": self.attempt, "fact": fact.value, **members}
        )

    def flush(self) -> bool:
        """Hand the facts to the kernel: they survive the death of every process of ours. True if all are written."""
        if self._facts:
            self._unwritten += b"".join(_encode(fact).encode() + b"\n" for fact in self._facts)
            self._facts = []
        if not self._unwritten:
            return True
        try:
            written = os.write(self._fd, self._unwritten)
        except OSError:
            written = 0
        self._unwritten = self._unwritten[written:]
        return not self._unwritten

    def close(self) -> None:
        self.flush()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def read_all(fd: int) -> bytes:
    """A whole file, from its beginning."""
    parts = []
    offset = 0
    while part := os.pread(fd, 1 << 20, offset):
        parts.append(part)
        offset += len(part)
    return b"".join(parts)


def parse(text: bytes) -> list[dict[str, Any]]:
    """The facts of a journal. A line that is torn (no newline, or no JSON) is no fact."""
    facts = []
    for line in text.split(b"\n")[:-1]:
        try:
            fact = json.loads(line)
        except ValueError:
            continue
        if isinstance(fact, dict) and "n" in fact:
            facts.append(fact)
    return facts
