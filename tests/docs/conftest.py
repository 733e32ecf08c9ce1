"""What the tests of the pages share."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner import Runner
from runner.errors import IsolationUnavailable
from runner.lifecycle.stops import Isolation


@pytest.fixture
def pid1(tmp_path: Path) -> None:
    """The outputs that the pages show are those of the isolation that most readers get."""
    with Runner(data_dir=tmp_path / "tried") as runner:
        try:
            runner.train(["true"], isolation=Isolation.PID1).wait()
        except IsolationUnavailable as error:
            pytest.skip(f"the pages show outputs of pid1: {error}")
