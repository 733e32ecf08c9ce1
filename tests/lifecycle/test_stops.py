"""The grace, the deadline, and PID 1's rule."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.lifecycle.stops import DEFAULT_GRACE, LONGEST_GRACE, Disposition, check_grace, deadline

NOW = 123_456_789_012_345


@pytest.mark.parametrize("grace", [0, 0.0, 1e-9, 5e-324, 1, 0.5, DEFAULT_GRACE, 86_399.999, 86_400, 86_400.0])
def test_a_grace_within_its_limits_is_kept(grace: float) -> None:
    checked = check_grace(grace)
    assert checked == grace
    assert type(checked) is float


@pytest.mark.parametrize(
    "grace",
    [-1e-9, -5e-324, -1, math.nextafter(LONGEST_GRACE, math.inf), 86_401, 10**400, math.nan, math.inf, -math.inf],
    ids=str,
)
def test_case_22_a_grace_beyond_its_limits_is_refused(grace: float) -> None:
    with pytest.raises(ValueError, match=r"^must be from 0 to 86,400 seconds"):
        check_grace(grace)


@pytest.mark.parametrize("grace", [True, False, "5", "", b"5", None, [5], 5j])
def test_a_grace_of_another_type_is_refused(grace: object) -> None:
    with pytest.raises(ValueError, match=r"^must be a number of seconds"):
        check_grace(grace)


def test_a_grace_of_zero_ends_at_once() -> None:
    assert deadline(NOW, 0) == NOW


@pytest.mark.parametrize("grace", [5e-324, 1e-10, 1e-9])
def test_case_22_the_smallest_graces_take_a_nanosecond(grace: float) -> None:
    assert deadline(NOW, grace) == NOW + 1


@given(st.floats(0, LONGEST_GRACE), st.integers(0, 2**62))
def test_a_deadline_is_never_early_and_at_most_a_nanosecond_late(grace: float, start: int) -> None:
    exact = Fraction(grace) * 10**9
    # A float's product of this size is exact to 1/128 ns; the kernel's timers count whole ones.
    slack = Fraction(1, 64)
    assert exact - slack <= deadline(start, grace) - start < exact + 1 + slack


@given(st.integers(0, 86_400), st.integers(0, 2**62))
def test_whole_seconds_are_exact(grace: int, start: int) -> None:
    assert deadline(start, grace) == start + grace * 10**9


def test_pid_1_takes_what_it_has_arranged_to_receive() -> None:
    assert {disposition for disposition in Disposition if disposition.takes} == {
        Disposition.CAUGHT,
        Disposition.BLOCKED,
        Disposition.WAITED,
    }
