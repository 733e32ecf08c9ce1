"""When the stops of a series come: learned from a journal, spread over the run."""

from __future__ import annotations

from collections import Counter

import pytest

from runner.diagnosis.moments import Moment, Scale, Span, Where, evenly, learn, spread
from tests.diagnosis.journals import BOOTED, EPOCH, GOOD, Facts, Journal

SCALE = Scale(10.0, 2.0, (Span(3.0, 3.4), Span(6.0, 6.4)))


def ns(seconds: float) -> int:
    return BOOTED + round(seconds * 1e9)


def saving(*saves: tuple[float, float | None]) -> Facts:
    """A program that was executed at -5 and stopped at 0, with what it wrote."""
    journal = Journal("python", "train.py").stop(GOOD).exit(0.5, 0)
    listed = [{"path": "/c", "begun": ns(a), "done": None if b is None else ns(b)} for a, b in saves]
    done, still = [one for one in listed if one["done"]], [one for one in listed if not one["done"]]
    journal.note(0.4, "files", moment="end", saved=len(done), bytes=0, saves=done, open=still, read=[], missed=False)
    return journal.gone()


def test_learning_from_a_run() -> None:
    facts = saving((-4.0, -3.5), (-1.0, None), (0.1, 0.3), (-9.0, -8.0))
    found = learn(facts, EPOCH - 3_000_000_000)
    assert found == Scale(5.0, 2.0, (Span(1.0, 1.5), Span(4.0, 5.0)))


def test_learning_from_a_run_without_output_or_files() -> None:
    assert learn(Journal("x").stop(GOOD).exit(0.5, 0).gone(), None) == Scale(5.0)


def test_learning_from_a_run_that_ended_by_itself() -> None:
    assert learn(Journal("x").exit(-2.0, 0).gone(), EPOCH + 99 * 10**9) == Scale(3.0, 3.0)


@pytest.mark.parametrize("facts", [[], Journal("x").facts[:2]], ids=["nothing", "not executed"])
def test_learning_from_what_did_not_run(facts: Facts) -> None:
    assert learn(facts, None) is None


def test_learning_from_what_is_torn() -> None:
    facts = [*Journal("x").stop(GOOD).facts, {"fact": "files", "saves": "none", "open": [1, {"begun": "x"}]}]
    assert learn(facts, None) == Scale(5.0)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 9, 50, 1000])
@pytest.mark.parametrize("scale", [SCALE, Scale(10.0), Scale(10.0, 2.0), Scale(10.0, 10.0), Scale(0.0)], ids=repr)
def test_as_many_as_were_asked_for_and_all_within_the_run(count: int, scale: Scale) -> None:
    moments = spread(count, scale)
    assert len(moments) == count
    assert all(0 <= moment.at <= scale.length for moment in moments)
    assert moments == sorted(moments)
    assert spread(count, scale) == moments


def test_every_part_of_the_run_has_some() -> None:
    moments = spread(10, SCALE)
    assert Counter(moment.where for moment in moments) == {
        Where.START: 1,
        Where.START_UP: 2,
        Where.SAVE: 3,
        Where.RUN: 4,
    }
    assert [m.at for m in moments if m.where is Where.RUN] == [1.25, 3.75, 6.25, 8.75]
    assert [m.at for m in moments if m.where is Where.START_UP] == [0.5, 1.5]
    assert [round(m.at, 6) for m in moments if m.where is Where.SAVE] == [3.2, 6.1, 6.2]


@pytest.mark.parametrize(
    ("count", "parts"), [(1, {"run": 1}), (2, {"save": 1, "run": 1}), (3, {"save": 1, "start-up": 1, "run": 1})]
)
def test_of_few_the_most_telling(count: int, parts: dict[str, int]) -> None:
    assert Counter(moment.where.value for moment in spread(count, SCALE)) == parts


@pytest.mark.parametrize(("count", "at"), [(1, [4.0]), (2, [0.0, 4.0]), (5, [0.0, 1.0, 2.0, 3.0, 4.0])])
def test_evenly(count: int, at: list[float]) -> None:
    assert evenly(count, 4.0) == [Moment(one, Where.RUN) for one in at]
