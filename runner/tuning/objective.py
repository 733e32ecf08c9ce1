"""Reads metrics from a training's log by their regular expressions."""

from __future__ import annotations

import math
from collections.abc import Iterable

from runner.errors import ExpressionTooSlow

LONGEST = 10_000
"""Characters of a line that are looked at."""


def last_value(expression: str, lines: Iterable[str], limit: float = 1.0) -> float | None:
    """The last number that `expression` finds in the lines, or None.

    Its first group is the number; what is no finite number is passed over. `limit`: seconds for one line. Raises
    ExpressionTooSlow. FinalHyperParameterTuningJobObjectiveMetric is the latest value emitted, not the best.
    """
    import regex

    compiled = regex.compile(expression)
    last = None
    for line in lines:
        try:
            for match in compiled.finditer(line[:LONGEST], timeout=limit, concurrent=True):
                last = _number(match[1]) if _number(match[1]) is not None else last
        except TimeoutError:
            raise ExpressionTooSlow(f"took more than {limit:g} s for one line of the log: {expression}") from None
    return last


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None
