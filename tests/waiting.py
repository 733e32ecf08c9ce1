"""The one place where a test lets time pass."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PAUSE = 0.005

LATE = 3.0
"""Seconds after its instant by which what is due has come, on a machine that others use too. How late it is on a quiet
one is measured in `benchmarks`."""


def wait_until(condition: Callable[[], T | None], *, within: float, saying: str | Callable[[], str]) -> T:
    """What `condition` answers once its answer is true.

    Asks again every 5 ms, for at most `within` seconds; then fails with `saying`, which names what did not come. A
    function as `saying` is called only then, so that it may describe what there is instead.
    """
    deadline = time.monotonic() + within
    while True:
        late = time.monotonic() > deadline
        if answer := condition():
            return answer
        if late:
            message = saying if isinstance(saying, str) else saying()
            raise AssertionError(f"not within {within} s: {message}")
        time.sleep(PAUSE)
