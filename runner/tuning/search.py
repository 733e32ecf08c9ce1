"""Strategies: in which order points of a search space are tried.

A search is a sequence that the space, the strategy and the seed alone decide: a supervisor that was killed takes it
up again by leaving out as many points as it has launched trainings.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from random import Random

from runner.tuning.space import Categorical, Point, Space

_TRIES = 100
"""How often in a row a point that was tried before is drawn again, before it is taken all the same."""


def points(space: Space, strategy: str, seed: int | str) -> Iterator[Point]:
    """The points to try, one after the other. Same seed, same sequence.

    Grid ends after the last combination; every other strategy is Random, and goes on for ever. `seed` is
    `RandomSeed`, or any text that is the job's own.
    """
    return _grid(space) if strategy == "Grid" else _random(space, seed)


def in_turn(searches: Sequence[Iterator[Point]]) -> Iterator[tuple[int, Point]]:
    """The points of several searches, one of each in turn, with the number of the search that each is of.

    A search that has ended is passed over.
    """
    left = dict(enumerate(searches))
    while left:
        for number, points_of in list(left.items()):
            point = next(points_of, None)
            if point is None:
                del left[number]
            else:
                yield number, point


def note(strategy: str) -> str:
    """What to tell the person whose strategy is not run as such; empty for those that are."""
    if strategy in {"Random", "Grid"}:
        return ""
    return f"Strategy {strategy} runs as Random: values are drawn at random and results do not guide them."


def _grid(space: Space) -> Iterator[Point]:
    values = {name: range_.values for name, range_ in space.items() if isinstance(range_, Categorical)}
    for chosen in itertools.product(*values.values()):
        yield dict(zip(values, chosen, strict=True))


def _random(space: Space, seed: int | str) -> Iterator[Point]:
    random = Random(seed)
    tried: set[tuple[str, ...]] = set()
    while True:
        point = _draw(space, random)
        for _ in range(_TRIES):
            if tuple(point.values()) not in tried:
                break
            point = _draw(space, random)
        tried.add(tuple(point.values()))
        yield point


def _draw(space: Space, random: Random) -> Point:
    return {name: range_.draw(random) for name, range_ in space.items()}
