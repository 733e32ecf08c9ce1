"""Each test of a command has a folder in which nothing of a job may be left."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import leftovers
from tests.cli.commanding import private_directories
from tests.cli.jobs import kill_all
from tests.waiting import wait_until


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.process)


@pytest.fixture
def folder(nothing_left: Path) -> Iterator[Path]:
    """Where the command runs. After the test no job, and no private data directory, may be left."""
    (nothing_left / "tmp").mkdir()
    yield nothing_left
    assert private_directories(nothing_left) == []


@pytest.fixture(autouse=True)
def _sigint_as_in_a_terminal() -> Iterator[None]:
    """A shell without job control starts what it puts in the background with SIGINT ignored, which is inherited."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def data(folder: Path) -> Iterator[Path]:
    """A data directory for the test's own supervisors; what still runs in it after the test is killed."""
    yield folder / "data"
    kill_all(folder / "data")
    wait_until(lambda: not list(leftovers.processes(folder / "data")), within=20, saying="a supervisor stays")
