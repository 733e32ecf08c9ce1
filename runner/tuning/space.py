"""What a tuning job searches: hyperparameters, each with its range and scale.

Values are texts, as SageMaker hands them to a training: `'0.4630125855085939'`, `'7'`. What is built here has passed
the rules of `jobs.ranges`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from enum import Enum, unique
from random import Random
from typing import Any, NamedTuple

_WIDE = 1000.0
"""Assumed: how many times the least value the greatest must be for Auto to mean Logarithmic. AWS does not say."""


@unique
class Scale(Enum):
    """`ScalingType`: in what measure values are evenly spread."""

    AUTO = "Auto"
    LINEAR = "Linear"
    LOGARITHMIC = "Logarithmic"
    REVERSE_LOGARITHMIC = "ReverseLogarithmic"

    def between(self, low: float, high: float) -> Scale:
        """The scale that Auto stands for."""
        if self is not Scale.AUTO:
            return self
        return Scale.LOGARITHMIC if low > 0 and high / low >= _WIDE else Scale.LINEAR


class Integer(NamedTuple):
    """Whole numbers from `low` to `high`, both included."""

    low: int
    high: int
    scale: Scale = Scale.AUTO

    def draw(self, random: Random) -> str:
        """One of them."""
        if self.scale.between(self.low, self.high) is Scale.LINEAR:
            return str(random.randint(self.low, self.high))
        drawn = int(_logarithmic(random, self.low, self.high + 1))
        return str(min(max(drawn, self.low), self.high))


class Continuous(NamedTuple):
    """Numbers from `low` to `high`."""

    low: float
    high: float
    scale: Scale = Scale.AUTO

    def draw(self, random: Random) -> str:
        """One of them."""
        scale = self.scale.between(self.low, self.high)
        if scale is Scale.LINEAR:
            drawn = random.uniform(self.low, self.high)
        elif scale is Scale.LOGARITHMIC:
            drawn = _logarithmic(random, self.low, self.high)
        else:  # close to 1 as finely as Logarithmic does close to 0
            drawn = 1 - _logarithmic(random, 1 - self.high, 1 - self.low)
        return repr(min(max(drawn, self.low), self.high))


class Categorical(NamedTuple):
    """One of `values`."""

    values: Sequence[str]

    def draw(self, random: Random) -> str:
        """One of them."""
        return random.choice(self.values)


Range = Integer | Continuous | Categorical
Space = Mapping[str, Range]
Point = Mapping[str, str]


def space(ranges: Mapping[str, Any]) -> Space:
    """The search space of `ParameterRanges`."""
    return {
        **{item["Name"]: _integer(item) for item in ranges.get("IntegerParameterRanges") or ()},
        **{item["Name"]: _continuous(item) for item in ranges.get("ContinuousParameterRanges") or ()},
        # A value that is there twice is one value.
        **{
            item["Name"]: Categorical(tuple(dict.fromkeys(item["Values"])))
            for item in ranges.get("CategoricalParameterRanges") or ()
        },
    }


def _integer(item: Mapping[str, Any]) -> Integer:
    return Integer(_whole(item["MinValue"]), _whole(item["MaxValue"]), _scale(item))


def _continuous(item: Mapping[str, Any]) -> Continuous:
    return Continuous(float(item["MinValue"]), float(item["MaxValue"]), _scale(item))


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return int(float(text))  # 1e3, 8.0


def _scale(item: Mapping[str, Any]) -> Scale:
    return Scale(item.get("ScalingType") or Scale.AUTO.value)


def _logarithmic(random: Random, low: float, high: float) -> float:
    return math.exp(random.uniform(math.log(low), math.log(high)))
