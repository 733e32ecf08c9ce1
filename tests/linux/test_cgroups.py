"""Groups that a keeper has left which was killed together with its owner."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from runner.linux import cgroups

PATTERN = re.compile(r"runner-(\d+)-\d+")


@pytest.fixture
def parent(tmp_path: Path) -> Path:
    own = cgroups.own_path("")
    if own is None or not os.access(own, os.W_OK):
        pytest.skip("no cgroups can be made on this machine")
    return Path(own)


def test_stale_groups_of_dead_makers_are_removed(parent: Path) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    stale = parent / f"runner-{dead.pid}-99001"
    nested = stale / "runner-1-1"
    living = parent / f"runner-{os.getpid()}-99002"
    nested.mkdir(parents=True)
    living.mkdir()
    try:
        cgroups.remove_stale(str(parent), PATTERN, stale.stat().st_mtime_ns)
        assert nested.is_dir(), "it is too new"
        cgroups.remove_stale(str(parent), PATTERN, time.time_ns() + 1)
        assert (stale.exists(), living.exists()) == (False, True)
    finally:
        for folder in (nested, stale, living):
            if folder.exists():
                folder.rmdir()
