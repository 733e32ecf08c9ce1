"""The published contract of backends, passed by the real one in each isolation."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.backends.base import Backend
from runner.backends.local import LocalBackend
from runner.lifecycle.stops import Isolation
from runner.testing.contract import BackendContract


@pytest.mark.usefixtures("nothing_left")
class TestPid1(BackendContract):
    isolation = Isolation.PID1

    def backend(self, folder: Path) -> Backend:
        return LocalBackend(folder)


@pytest.mark.usefixtures("nothing_left")
class TestPlain(BackendContract):
    isolation = Isolation.PLAIN

    def backend(self, folder: Path) -> Backend:
        return LocalBackend(folder)


@pytest.mark.usefixtures("nothing_left")
class TestPlainWithoutCgroups(BackendContract):
    isolation = Isolation.PLAIN

    def backend(self, folder: Path) -> Backend:
        return LocalBackend(folder, use_cgroups=False)
