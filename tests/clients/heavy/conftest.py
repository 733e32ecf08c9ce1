"""Clients that are heavy to install, where there is no network but the loopback; for `make clients`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.heavy import loopback
from tests.clients.heavy.installed import CREDENTIALS, Installed
from tests.probing import probe
from tests.runs.serving import Served

TIMEOUT = 180
"""Seconds for one test: programs of these clients take seconds to start, and wait for long between two looks."""
CONFIG = """\
[images."any"]
command = {polite}
[images."digits"]
command = {digits}
[compilers.XGBOOST]
command = {polite}
"""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    ours = [item for item in items if here in item.path.parents]
    for item in ours:
        item.add_marker(pytest.mark.clients)
        item.add_marker(pytest.mark.timeout(TIMEOUT))
    if ours and not config.getoption("--clients"):
        config.hook.pytest_deselected(items=ours)
        items[:] = [item for item in items if item not in ours]


@pytest.fixture(scope="session")
def folder(pytestconfig: pytest.Config) -> Path:
    """Where the clients are installed. Not to have them is a failure: who comes here has asked for them."""
    folder = Path(pytestconfig.getoption("--clients")).absolute()
    assert (folder / "ready").exists(), f"there are no clients in {folder}: `make clients` installs them"
    assert loopback.is_all_there_is(), "they run where there is nothing but the loopback: `make clients` makes that"
    return folder


@pytest.fixture(autouse=True)
def _nothing_turns_elsewhere(folder: Path) -> Iterator[None]:
    """Neither the clients nor the server turn to another address, whatever they make of the answer."""
    before = loopback.attempts()
    yield
    assert loopback.attempts() == before, "something turned to another address than the loopback's"


@pytest.fixture
def served(home: Path) -> Iterator[Served]:
    """A supervisor with its endpoint. The image `any` and the compiler of XGBOOST wait for SIGTERM."""
    config = home / "runner.toml"
    digits = ["python", "-m", "workloads.training.digits"]
    config.write_text(CONFIG.format(polite=json.dumps(probe("polite")), digits=json.dumps(digits)))
    served = Served(home / "data", home / "serve.log", "--config", str(config))
    served.start()
    yield served
    served.close()


@pytest.fixture
def clients(folder: Path, home: Path, served: Served) -> Installed:
    """With AWS_ENDPOINT_URL, a region and any credentials, and nothing else."""
    return Installed(folder, home, {**CREDENTIALS, "AWS_ENDPOINT_URL": served.url})


@pytest.fixture
def without_url(folder: Path, home: Path, served: Served) -> Installed:
    """They have to be told where the endpoint is."""
    return Installed(folder, home, CREDENTIALS)
