"""Members of facts, read as the type that they should have: what has another one counts as null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runner.diagnosis.printable import printable

Fact = Mapping[str, Any]


def nanoseconds(fact: Fact) -> int:
    """The fact's instant on CLOCK_MONOTONIC."""
    return number(fact.get("t")) or 0


def number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def text(value: object) -> str:
    return printable(value) if isinstance(value, str) else ""


def text_or_none(value: object) -> str | None:
    return text(value) or None


def texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        return ()
    return tuple(item for item in value if isinstance(item, str))


def amount(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def objects(value: object) -> tuple[Mapping[str, Any], ...]:
    """The objects of a list."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return ()
    return tuple(item for item in value if isinstance(item, Mapping))
