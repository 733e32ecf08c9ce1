"""Which values a tuning job tries."""

from __future__ import annotations

import itertools
import math
from random import Random
from statistics import median
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.tuning.search import in_turn, note, points
from runner.tuning.space import Categorical, Continuous, Integer, Scale, space

RANGES: dict[str, Any] = {
    "IntegerParameterRanges": [{"Name": "depth", "MinValue": "1", "MaxValue": "9", "ScalingType": "Linear"}],
    "ContinuousParameterRanges": [
        {"Name": "rate", "MinValue": "1e-5", "MaxValue": "0.1", "ScalingType": "Logarithmic"}
    ],
    "CategoricalParameterRanges": [{"Name": "loss", "Values": ["log", "hinge", "log"]}],
}


def first(count: int, ranges: dict[str, Any], strategy: str = "Random", seed: int | str = 1) -> list[Any]:
    return list(itertools.islice(points(space(ranges), strategy, seed), count))


def test_the_space_of_a_request() -> None:
    assert space(RANGES) == {
        "depth": Integer(1, 9, Scale.LINEAR),
        "rate": Continuous(1e-5, 0.1, Scale.LOGARITHMIC),
        "loss": Categorical(("log", "hinge")),
    }


def test_bounds_as_clients_spell_them() -> None:
    item = {"Name": "n", "MinValue": "9007199254740993", "MaxValue": "1e16"}
    assert space({"IntegerParameterRanges": [item]}) == {"n": Integer(9007199254740993, 10**16)}


def test_same_seed_same_sequence() -> None:
    assert first(20, RANGES) == first(20, RANGES)
    assert first(20, RANGES) != first(20, RANGES, seed=2)
    assert first(20, RANGES, seed="arn:a") == first(20, RANGES, seed="arn:a")


def test_values_are_texts() -> None:
    for point in first(20, RANGES):
        assert set(point) == {"depth", "rate", "loss"}
        assert all(isinstance(value, str) for value in point.values())
        assert int(point["depth"]) in range(1, 10)
        assert 1e-5 <= float(point["rate"]) <= 0.1


@given(
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300),
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300),
    st.sampled_from(Scale),
    st.integers(),
)
def test_a_number_is_within_its_bounds(one: float, other: float, scale: Scale, seed: int) -> None:
    low, high = min(one, other), max(one, other)
    if (scale is Scale.LOGARITHMIC and low <= 0) or (scale is Scale.REVERSE_LOGARITHMIC and not 0 <= low <= high < 1):
        return
    assert low <= float(Continuous(low, high, scale).draw(Random(seed))) <= high


@given(st.integers(-(10**20), 10**20), st.integers(0, 10**20), st.sampled_from(Scale), st.integers())
def test_a_whole_number_is_within_its_bounds(low: int, width: int, scale: Scale, seed: int) -> None:
    if scale is Scale.REVERSE_LOGARITHMIC or (scale is Scale.LOGARITHMIC and low <= 0):
        return
    assert low <= int(Integer(low, low + width, scale).draw(Random(seed))) <= low + width


@pytest.mark.parametrize(
    ("range_", "middle"),
    [
        (Continuous(0.0001, 1, Scale.LINEAR), 0.5),
        (Continuous(0.0001, 1, Scale.LOGARITHMIC), 0.01),
        (Continuous(0.0001, 1, Scale.AUTO), 0.01),
        (Continuous(0, 0.9999, Scale.REVERSE_LOGARITHMIC), 0.99),
        (Continuous(0.01, 1, Scale.AUTO), 0.505),
        (Integer(1, 10_000, Scale.LOGARITHMIC), 100),
        (Integer(1, 100, Scale.AUTO), 50),
    ],
)
def test_values_are_spread_as_the_scale_says(range_: Continuous | Integer, middle: float) -> None:
    random = Random(1)
    drawn = [float(range_.draw(random)) for _ in range(2000)]
    distance = middle if middle <= 0.5 or middle > 1 else 1 - middle
    found = median(drawn) if middle == distance else 1 - median(drawn)
    assert math.isclose(found, distance, rel_tol=0.3)


def test_whole_numbers_on_a_logarithmic_scale_reach_both_ends() -> None:
    random = Random(1)
    drawn = {Integer(1, 4, Scale.LOGARITHMIC).draw(random) for _ in range(200)}
    assert drawn == {"1", "2", "3", "4"}


def test_no_point_is_tried_twice_while_there_are_others() -> None:
    ranges = {"IntegerParameterRanges": [{"Name": "n", "MinValue": "1", "MaxValue": "10"}]}
    tried = first(12, ranges)
    assert len({point["n"] for point in tried[:10]}) == 10
    assert len(tried) == 12


def test_a_grid_is_every_combination_once() -> None:
    ranges = {
        "CategoricalParameterRanges": [{"Name": "a", "Values": ["1", "2"]}, {"Name": "b", "Values": ["x", "y", "x"]}]
    }
    assert first(99, ranges, "Grid") == [
        {"a": "1", "b": "x"},
        {"a": "1", "b": "y"},
        {"a": "2", "b": "x"},
        {"a": "2", "b": "y"},
    ]


@pytest.mark.parametrize("strategy", ["Bayesian", "Hyperband"])
def test_other_strategies_run_as_random_and_say_so(strategy: str) -> None:
    assert first(5, RANGES, strategy) == first(5, RANGES, "Random")
    assert strategy in note(strategy)
    assert "Random" in note(strategy)


@pytest.mark.parametrize("strategy", ["Random", "Grid"])
def test_strategies_that_are_what_they_say_need_no_note(strategy: str) -> None:
    assert note(strategy) == ""


def test_several_searches_take_turns_until_the_last_has_ended() -> None:
    one, two, three = ([{"x": f"{name}{n}"} for n in range(count)] for name, count in (("a", 3), ("b", 1), ("c", 2)))
    found = [(number, point["x"]) for number, point in in_turn([iter(one), iter(two), iter(three)])]
    assert found == [(0, "a0"), (1, "b0"), (2, "c0"), (0, "a1"), (2, "c1"), (0, "a2")]
    assert list(in_turn([])) == []


def test_a_search_that_never_ends_leaves_the_others_their_turns() -> None:
    endless = points(space(RANGES), "Random", 1)
    found = [number for number, _ in itertools.islice(in_turn([endless, iter([{"x": "1"}])]), 4)]
    assert found == [0, 1, 0, 0]
