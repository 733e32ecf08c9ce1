"""Runners for these tests: nothing of their jobs is left after them, and their journals are shown if they fail."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from runner import Runner
from runner.lifecycle.stops import Isolation
from tests.runs.seeing import Jobs, trails, trainer
from tests.runs.serving import Served

_HOME = pytest.StashKey[Path]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.process)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed and _HOME in item.stash:
        for data_dir in sorted(path.parent for path in item.stash[_HOME].glob("**/records.sqlite")):
            for trail in trails(data_dir):
                log = f"\nlog: {trail.log()[-2000:]}"
                report.sections.append((f"journal of {trail.key} in {data_dir}", trail.story() + log))
            for name in ("keeper.log", "serve.log"):
                if (text := _text(data_dir / name)) or (text := _text(data_dir.parent / name)):
                    report.sections.append((name, text))
    return report


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


@pytest.fixture(params=list(Isolation)[:2], ids=lambda isolation: isolation.value)
def isolation(request: pytest.FixtureRequest) -> Isolation:
    """`pid1` and `plain`."""
    parameter: Isolation = request.param
    return parameter


@pytest.fixture
def home(nothing_left: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The test's own folder; private data directories are made in it too, and must be gone after the test."""
    request.node.stash[_HOME] = nothing_left
    temporary = nothing_left / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    yield nothing_left
    assert list(temporary.iterdir()) == []


@pytest.fixture
def runner(home: Path, isolation: Isolation) -> Iterator[Runner]:
    """A runner of the test's own, once for each isolation; `train` takes the isolation over."""
    with Runner() as runner:
        yield runner


@pytest.fixture
def train(runner: Runner, isolation: Isolation) -> Jobs:
    """Starts a training job in the isolation of the test and waits until its log has `ready` in it (None: not)."""
    return trainer(runner, isolation)


@pytest.fixture
def served(home: Path) -> Iterator[Served]:
    """A data directory for `runner serve`; whatever is left in it at the end is killed."""
    served = Served(home / "data", home / "serve.log")
    yield served
    served.close()


@pytest.fixture
def _case() -> None:
    """The behaviour case that a test shows; only its id has a use."""
