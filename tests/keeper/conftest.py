"""Benches for the tests of the keeper: one keeper a test, nothing left after it, its journals shown if it fails."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from runner.backends.local import Policy
from tests.keeper.bench import ROOMS, Bench, Room

_BENCHES = pytest.StashKey[list[Bench]]()

MakeBench = Callable[..., Bench]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.process)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        for bench in item.stash.get(_BENCHES, []):
            report.sections.append(("journals", bench.journals()))
    return report


@pytest.fixture
def _case() -> None:
    """For `tests.keeper.cases.case`."""


@pytest.fixture(params=list(ROOMS.values()), ids=list(ROOMS))
def room(request: pytest.FixtureRequest) -> Room:
    """Each isolation, `plain` also as it is without cgroups."""
    parameter: Room = request.param
    return parameter


@pytest.fixture
def make_bench(nothing_left: Path, request: pytest.FixtureRequest) -> Iterator[MakeBench]:
    """Makes benches in the test's own folder and closes them."""
    benches: list[Bench] = []
    request.node.stash[_BENCHES] = benches

    def make(room: Room | None = None, policy: Policy = Policy.PRIVATE, **options: float) -> Bench:
        folder = nothing_left / f"data-{len(benches)}"
        bench = Bench(folder, cgroups=room.cgroups if room else True, policy=policy, **options)
        benches.append(bench)
        return bench

    yield make
    for bench in benches:
        bench.close()


@pytest.fixture
def bench(make_bench: MakeBench, room: Room) -> Bench:
    """A bench for the room of this test."""
    return make_bench(room)
