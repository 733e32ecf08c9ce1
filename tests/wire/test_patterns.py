"""Filter patterns: the examples of the User Guide, and what is refused."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.wire.patterns import InvalidPattern, compiled

MESSAGES = [
    "[ERROR 400] BAD REQUEST",
    "[ERROR 401] UNAUTHORIZED REQUEST",
    "[ERROR 419] MISSING ARGUMENTS",
    "[WARN 300] BAD ARGUMENTS",
    "[INFO 200] OK",
]


@pytest.mark.parametrize(
    ("pattern", "numbers"),
    [
        ("", [0, 1, 2, 3, 4]),
        ("  ", [0, 1, 2, 3, 4]),
        ("ERROR", [0, 1, 2]),
        ("error", []),
        ("ERROR ARGUMENTS", [2]),
        ("ARGUMENTS ERROR", [2]),
        ('"BAD ARGUMENTS"', [3]),
        ('"[ERROR 4"', [0, 1, 2]),
        ("?ERROR ?WARN", [0, 1, 2, 3]),
        ('?"BAD REQUEST" ?OK', [0, 4]),
        ("ERROR -ARGUMENTS", [0, 1]),
        ("-ERROR", [3, 4]),
        ('-"ERROR 4" -OK', [3]),
        ("?ERROR ?WARN REQUEST", [0, 1]),
        ("?OK -ERROR", [3, 4]),
    ],
)
def test_what_a_pattern_matches(pattern: str, numbers: list[int]) -> None:
    matches = compiled(pattern)
    assert [number for number, message in enumerate(MESSAGES) if matches(message)] == numbers


def test_a_quote_in_a_phrase() -> None:
    matches = compiled(r'"say \"no\" \\"')
    assert matches('they say "no" \\ and go')
    assert not matches("say no")


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("{ $.level = 1 }", "JSON patterns are not supported"),
        ("[ip, user, ...]", "space-delimited patterns are not supported"),
        ("%ERR|WARN%", "regular expression patterns are not supported"),
        ("{ $.level", "If a filter pattern starts with '{' it must end with '}'"),
        ("[", "If a filter pattern starts with '[' it must end with ']'"),
        ("accuracy=0.5", "Invalid character(s) in term '='"),
        ("user@example", "Invalid character(s) in term '@'"),
        ('""', "Invalid character(s) in term '\"\"'"),
        ('"open', "Invalid character(s) in term '\"open'"),
        ('a"b"', "Invalid character(s) in term '\"'"),
        ("?", "Invalid character(s) in term '?'"),
        ("- a", "Invalid character(s) in term '-'"),
        ("größe", "Invalid character(s) in term"),
    ],
)
def test_a_pattern_that_is_none_or_not_supported(pattern: str, said: str) -> None:
    with pytest.raises(InvalidPattern) as refused:
        compiled(pattern)
    assert said in str(refused.value)


@given(st.text(), st.text())
def test_any_text_is_a_pattern_or_refused(pattern: str, message: str) -> None:
    with contextlib.suppress(InvalidPattern):
        assert compiled(pattern)(message) in (True, False)
