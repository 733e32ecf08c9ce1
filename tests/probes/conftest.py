"""Probes run by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from tests.probing import Run


class Launcher(Protocol):
    def __call__(self, *command: str) -> Run: ...


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launcher]:
    """Starts a command; whatever is left of it afterwards is killed."""
    with ExitStack() as runs:

        def start(*command: str) -> Run:
            return runs.enter_context(Run(command, tmp_path / "run"))

        yield start
