"""The objective is the last value in the log."""

from __future__ import annotations

import pytest

from runner.errors import ExpressionTooSlow
from runner.tuning.objective import last_value


@pytest.mark.parametrize(
    ("expression", "lines", "value"),
    [
        ("accuracy=([0-9.]+)", ["accuracy=0.1", "noise", "accuracy=0.3", "accuracy=0.2", "end"], 0.2),
        ("accuracy=([0-9.]+)", ["accuracy=0.1 accuracy=0.4"], 0.4),
        ("loss: (.*?);", ["loss: -1e-3;"], -0.001),
        ("loss=(.*)", ["loss=0.5", "loss=diverged", "loss=nan", "loss=inf"], 0.5),
        ("accuracy=([0-9.]+)", ["nothing"], None),
        ("accuracy=([0-9.]+)", [], None),
        ("(a)?b", ["b"], None),
        (r"\p{Lu}=([0-9]+)", ["Ä=7"], 7.0),
    ],
)
def test_the_last_value(expression: str, lines: list[str], value: float | None) -> None:
    assert last_value(expression, lines) == value


def test_an_expression_that_backtracks_for_ever_is_given_up() -> None:
    with pytest.raises(ExpressionTooSlow, match=r"more than 0\.05 s"):
        last_value("(.*?,){11}P", [",".join(str(number) for number in range(30))], limit=0.05)
