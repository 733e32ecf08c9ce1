"""Filter patterns of CloudWatch Logs for text: terms, phrases, alternatives and exclusions.

"Filter pattern syntax" of the CloudWatch Logs User Guide: patterns are case-sensitive; a term with anything but
letters, digits and underscores stands in double quotes; an event matches if it contains all terms, if it contains one
of those with a question mark before them, and if it contains none of those with a minus before them. "You can't
combine the question mark with other filter patterns": beside others, those with one are ignored.

Patterns for JSON (`{…}`), for fields between spaces (`[…]`) and regular expressions (`%…%`) are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_TERM = re.compile(
    r"""\s*(?P<sign>[?-]?)(?:"(?P<phrase>(?:[^"\\]|\\.)*)"|(?P<word>\w+)|(?P<other>\S))""", re.ASCII | re.DOTALL
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class InvalidPattern(ValueError):
    """It is none, or one of those that are not supported; the message is for whoever wrote it."""


def compiled(pattern: str) -> Callable[[str], bool]:
    """Whether a message matches the pattern. Raises InvalidPattern."""
    text = pattern.strip()
    _check_supported(text)
    signs: dict[str, list[str]] = {"": [], "?": [], "-": []}
    at = 0
    while at < len(text):
        found = _TERM.match(text, at)
        if found is None or found["other"] or (found["word"] is None and not found["phrase"]):
            raise InvalidPattern(f"Invalid character(s) in term '{text[at:].split()[0]}'")
        term = found["word"] or _ESCAPED.sub(r"\1", found["phrase"])
        signs[found["sign"]].append(term)
        at = found.end()
        if at < len(text) and not text[at].isspace():
            raise InvalidPattern(f"Invalid character(s) in term '{text[at]}'")
    every, some, none = signs[""], signs["?"], signs["-"]
    if every or none:
        return lambda message: all(term in message for term in every) and not any(term in message for term in none)
    return lambda message: not some or any(term in message for term in some)


def _check_supported(text: str) -> None:
    for first, last, name in (("{", "}", "JSON"), ("[", "]", "space-delimited"), ("%", "%", "regular expression")):
        if text.startswith(first):
            if len(text) < 2 or not text.endswith(last):
                raise InvalidPattern(f"If a filter pattern starts with '{first}' it must end with '{last}'")
            raise InvalidPattern(f"Invalid filter pattern: {name} patterns are not supported here, only terms")
