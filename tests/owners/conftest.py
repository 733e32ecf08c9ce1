"""Owners for the tests: each in folders of its own, and taken away after the test."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.owners.owning import ROOMS, Owner, Room


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.process)


@pytest.fixture(params=["pid1", "plain"])
def room(request: pytest.FixtureRequest) -> Room:
    """Where the jobs of the test run."""
    return ROOMS[request.param]


@pytest.fixture
def owner(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, room: Room) -> Iterator[Owner]:
    """An owner that has not been started yet."""
    with Owner(tmp_path, tmp_path_factory.mktemp("beside"), room) as started:
        yield started


@pytest.fixture(autouse=True)
def _sigint_as_in_a_terminal() -> Iterator[None]:
    """A shell without job control starts what it puts in the background with SIGINT ignored, which is inherited."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
