"""The numbers of the behaviour cases, in the ids of the tests that show them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pytest

Test = TypeVar("Test", bound=Callable[..., Any])


def case(*numbers: int) -> Callable[[Test], Test]:
    """Put the numbers of behaviour cases into the test's id: `[pid1-case2-case3]`."""
    name = "-".join(f"case{number}" for number in numbers)

    def mark(test: Test) -> Test:
        # By a fixture, so that the test needs no argument for it.
        numbered: Test = pytest.mark.parametrize("_case", [pytest.param(None, id=name)], indirect=True)(test)
        used: Test = pytest.mark.usefixtures("_case")(numbered)
        return used

    return mark
