"""Reading a job's journal: whole lines only, each once."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from runner.backends.base import Fact
from runner.lifecycle.facts import FactName

_DECIDING = frozenset({FactName.NOT_EXECUTED.value, FactName.ENDED.value})
"""Facts that tell how a program ended; what happens next needs them again."""


class Reading(NamedTuple):
    """How far a journal has been read, and what of it has to be remembered."""

    offset: int = 0
    attempt: int = 1
    evidence: tuple[Fact, ...] = ()
    """The deciding facts of the attempt."""

    def past(self, fact: Fact) -> Reading:
        """This reading after one more fact."""
        attempt = int(fact.get("a", self.attempt))
        evidence = self.evidence if attempt == self.attempt else ()
        if fact["fact"] in _DECIDING:
            evidence = (*evidence, fact)
        return self._replace(attempt=attempt, evidence=evidence)

    def at(self, offset: int) -> Reading:
        """This reading, with everything before `offset` read."""
        return self._replace(offset=offset)


class Unread(NamedTuple):
    """New facts, and the offset behind them."""

    facts: list[Fact]
    offset: int


def read(path: Path, offset: int = 0) -> Unread:
    """The facts behind `offset`. A last line without its newline is still being written: it waits."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return Unread([], offset)
    try:
        data = _rest(descriptor, offset)
    finally:
        os.close(descriptor)
    whole = data[: data.rfind(b"\n") + 1]
    facts: list[Fact] = [fact for line in whole.splitlines() if (fact := _fact(line)) is not None]
    return Unread(facts, offset + len(whole))


def _rest(descriptor: int, offset: int) -> bytes:
    pieces = []
    while piece := os.pread(descriptor, 1 << 18, offset):
        pieces.append(piece)
        offset += len(piece)
    return b"".join(pieces)


def _fact(line: bytes) -> dict[str, Any] | None:
    # A keeper that was killed in the middle of a line leaves half a one; the next keeper ends it and goes on below.
    try:
        fact = json.loads(line)
    except ValueError:
        return None
    return fact if isinstance(fact, dict) and "fact" in fact else None
