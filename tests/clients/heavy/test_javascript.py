"""The AWS SDK for JavaScript v3: the programs assert, and print what they have come to."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clients.heavy.installed import Installed, Ran
from tests.clients.test_boto3 import put_model
from tests.runs.serving import Served


@pytest.fixture(autouse=True)
def _model(served: Served, home: Path) -> None:
    put_model(served, home)


@pytest.mark.parametrize(
    ("program", "printed"),
    [
        ("training.mjs", "Stopped [ 'ready', 'got' ]\n"),
        ("others.mjs", "STOPPED\nStopped Stopped Stopped\n"),
        ("pages.mjs", "job-4 job-3 job-2 job-1 job-0\n"),
        ("faults.mjs", "refused\n"),
    ],
)
def test_javascript(program: str, printed: str, clients: Installed) -> None:
    assert clients.node(program) == Ran(0, printed, "")
