"""The rules of `ParameterRanges`: what a tuning job may search.

Sources: ParameterRanges, IntegerParameterRange, ContinuousParameterRange and CategoricalParameterRange of the API
reference, and "Define Hyperparameter Ranges" for the scaling types. `tuning.space` draws from what passes here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from runner.errors import InvalidRequest
from runner.jobs.naming import shown
from runner.jobs.reading import Part

SCALES = ("Auto", "Linear", "Logarithmic", "ReverseLogarithmic")


def check_ranges(ranges: Part, strategy: str) -> dict[str, float]:
    """Names of the hyperparameters and how many values each may take (infinite for a continuous one).

    An AutoParameter, which Autotune would find a range for, has the value of its hint.

    Raises InvalidRequest for a range that is empty, has a scale that it cannot have, or is there twice.
    """
    sizes: dict[str, float] = {}
    for range_ in ranges.parts("IntegerParameterRanges"):
        _add(sizes, range_, _integers(range_))
    for range_ in ranges.parts("ContinuousParameterRanges"):
        _add(sizes, range_, _continuous(range_))
    for range_ in ranges.parts("CategoricalParameterRanges"):
        _add(sizes, range_, _categories(range_))
    for hint in ranges.parts("AutoParameters"):
        hint.text("ValueHint")
        _add(sizes, hint, 1)
    if not sizes:
        raise InvalidRequest(ranges.path, "must have at least one hyperparameter to search")
    if strategy == "Grid":
        for kind in ("IntegerParameterRanges", "ContinuousParameterRanges"):
            if ranges.parts(kind):
                raise InvalidRequest(ranges.field(kind), "must be absent: strategy Grid takes categorical ranges only")
    return sizes


def combinations(sizes: Mapping[str, float]) -> float:
    """How many different sets of values there are."""
    return math.prod(sizes.values())


def _add(sizes: dict[str, float], range_: Part, size: float) -> None:
    name = range_.text("Name")
    if name in sizes:
        raise InvalidRequest(range_.field("Name"), f"must not be there twice: {shown(name)}")
    sizes[name] = size


def _integers(range_: Part) -> float:
    low, high = (_number(range_, name) for name in ("MinValue", "MaxValue"))
    for name, value in (("MinValue", low), ("MaxValue", high)):
        if not value.is_integer():
            raise InvalidRequest(range_.field(name), f"must be a whole number, not {shown(range_.text(name))}")
    _check_scale(range_, low, high, SCALES[:3])
    return high - low + 1


def _continuous(range_: Part) -> float:
    low, high = (_number(range_, name) for name in ("MinValue", "MaxValue"))
    _check_scale(range_, low, high, SCALES)
    return math.inf if low < high else 1


def _categories(range_: Part) -> float:
    values = range_.texts("Values")
    if not values:
        raise InvalidRequest(range_.field("Values"), "must have at least one value")
    return len(set(values))


def _number(range_: Part, name: str) -> float:
    """Bounds are strings on the wire."""
    value = range_.text(name)
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InvalidRequest(range_.field(name), f"must be a number in a string, not {shown(value)}")
    return number


def _check_scale(range_: Part, low: float, high: float, scales: tuple[str, ...]) -> None:
    least, most = range_.text("MinValue"), range_.text("MaxValue")
    if low > high:
        rule = f"must not be above MaxValue, which is {shown(most)}, not {shown(least)}"
        raise InvalidRequest(range_.field("MinValue"), rule)
    scale = range_.choice("ScalingType", scales, default="Auto")
    if scale == "Logarithmic" and low <= 0:
        rule = f"must be above 0 for ScalingType Logarithmic, not {shown(least)}"
        raise InvalidRequest(range_.field("MinValue"), rule)
    if scale == "ReverseLogarithmic" and not 0 <= low <= high < 1:
        bounds = f"{shown(least)} to {shown(most)}"
        rule = f"must be from 0 to below 1 for ScalingType ReverseLogarithmic, not {bounds}"
        raise InvalidRequest(range_.path, rule)
