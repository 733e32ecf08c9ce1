"""Regular expressions that somebody else wrote: those that are looked for in logs.

They are read by the package `regex`, which understands what `re` does and can be given a time limit. What it cannot
be kept from is unrolling: `x{1000}` becomes a thousand `x`, and `((x{1000}){1000}){1000}` more than a machine has
memory for. So an expression's unrolled size is counted before it is compiled.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from runner.errors import ExpressionTooSlow, InvalidRequest

if TYPE_CHECKING:
    import regex

LARGEST = 20_000
"""Parts of an unrolled expression: `regex` compiles so many in about 0.1 s and 20 MB."""
LONGEST = 10_000
"""Characters: of an expression, and of a line that are looked at."""
LIMIT = 1.0
"""Seconds that an expression may take for one line."""

_TOKEN = re.compile(
    r"""
      \\ (?: [pPN] \{ [^}]* \} | . )                # an escape
    | \[ \^? \]? (?: \\. | [^\]\\] )* \]            # a set
    | (?P<opens> \( )
    | (?P<closes> \) )
    | (?P<again> \+ | \{ \s* (?P<least> \d+ ) \s* (?: , \s* \d* \s* )? \} ) [+?]?
    | [*?] [+?]?
    | \{ [^{}]* \}                                  # {,m}, or how fuzzy
    | .
    """,
    re.VERBOSE | re.DOTALL,
)
_BACKTRACKS = re.compile(r"[*+?{(]")
"""Without any of these an expression has one way to match at each place of a line."""


class Expression(NamedTuple):
    """One that is looked for in lines."""

    pattern: regex.Pattern[str]

    @property
    def is_quick(self) -> bool:
        """It cannot take long, whatever the line."""
        return _BACKTRACKS.search(self.pattern.pattern) is None

    def found(self, line: str, limit: float = LIMIT) -> bool:
        """The line (the first `LONGEST` characters of it) has a match. Raises ExpressionTooSlow after `limit` seconds.

        Other threads go on meanwhile, if it can take long.
        """
        if self.is_quick:
            return self.pattern.search(line[:LONGEST]) is not None  # the limit alone costs ten times as much
        try:
            return self.pattern.search(line[:LONGEST], timeout=limit, concurrent=True) is not None
        except TimeoutError:
            quoted = self.pattern.pattern
            raise ExpressionTooSlow(f"took more than {limit:g} s for one line of the log: {quoted}") from None


def compiled(field: str, expression: str) -> Expression:
    """The expression. Raises InvalidRequest, naming `field`, for what is none, or is larger than can be afforded."""
    import regex

    if len(expression) > LONGEST or unrolled(expression) > LARGEST:
        raise InvalidRequest(field, "must be a smaller regular expression: its repetitions multiply")
    try:
        return Expression(regex.compile(expression))
    except (regex.error, RecursionError, OverflowError) as broken:
        raise InvalidRequest(field, f"must be a regular expression: {broken}") from None


def unrolled(expression: str) -> int:
    """About how many parts the expression has when each repetition is written as often as it has to match."""
    total, last = 0, 0
    begun: list[int] = []  # the total before each open group
    for token in _TOKEN.finditer(expression):
        if token["opens"]:
            begun.append(total)
        elif token["closes"] and begun:
            last = total - begun.pop() + 1
            total += 1
        elif token["again"]:
            more = last * min(int(token["least"] or 1), LARGEST)
            total, last = total + more, last + more
        elif token[0][0] not in "*?{":
            total, last = total + 1, 1
        if total > LARGEST:
            break
    return total
