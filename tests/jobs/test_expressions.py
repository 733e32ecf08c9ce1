"""Regular expressions of other people: what is refused, and what is given up."""

from __future__ import annotations

import pytest

from runner.errors import ExpressionTooSlow, InvalidRequest
from runner.jobs.expressions import LARGEST, LONGEST, compiled, unrolled

SLOW = r"(a+)+$"


@pytest.mark.parametrize(
    ("expression", "line", "matches"),
    [
        ("", "", True),
        ("^ready", "ready 1", True),
        ("^ready", "not ready", False),
        (r"epoch [2-9]", "epoch 10", False),
        (r"\p{Lu}=\d+$", "Ä=7", True),
        ("(?i)EPOCH (?P<n>[0-9]{1,3})", "epoch 12", True),
        ("end$", "x" * LONGEST + "end", False),
    ],
)
def test_lines_that_match(expression: str, line: str, matches: bool) -> None:
    assert compiled("f", expression).found(line) is matches


@pytest.mark.parametrize("expression", ["(", "*", "[a", "a{3,1}", "(?P<1>a)", "\\", "(" * 3000 + ")" * 3000])
def test_what_is_none(expression: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^f: must be a regular expression: "):
        compiled("f", expression)


@pytest.mark.parametrize(
    "expression",
    [
        "((x{1000}){1000}){1000}",
        "(" * 20 + "a" + "){2,3}" * 20,
        "(" * 30 + "a" + ")+" * 30,
        "a{99999999999}",
        "a" * 10_001,
    ],
    ids=lambda expression: expression[:20],
)
def test_what_no_machine_could_compile(expression: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^f: must be a smaller regular expression"):
        compiled("f", expression)


@pytest.mark.parametrize(
    ("expression", "size"),
    [
        ("abc", 3),
        ("a+", 2),
        ("a*b?", 2),
        ("a{3}", 4),
        ("(ab){2}", 9),
        (r"[]+{9}]\{9}\+", 5),
        ("a{,5}", 1),
        ("(?:a{10}){10}", 143),
    ],
)
def test_how_large_it_is_when_it_is_unrolled(expression: str, size: int) -> None:
    assert unrolled(expression) == size < LARGEST


@pytest.mark.parametrize("expression", [SLOW, "(a|aa)+$", "(a|a)*$"])
def test_what_backtracks_for_ever_is_given_up(expression: str) -> None:
    with pytest.raises(ExpressionTooSlow, match=r"more than 0\.05 s for one line of the log: \("):
        compiled("f", expression).found("a" * 5000 + "b", limit=0.05)
