"""Case 19: a main process that cannot die after SIGKILL, because it is frozen."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.lifecycle.facts import FactName
from tests.keeper.bench import Bench, Room
from tests.keeper.cases import case
from tests.keeper.conftest import MakeBench
from tests.probing import probe, state
from tests.waiting import wait_until

FREEZER = Path("/sys/fs/cgroup/freezer")
"""The first version of cgroups: what is frozen there does not even die (freezer-subsystem.txt). The second's does."""
PATIENCE = 0.3


class Freezer:
    """A group of the test's own whose members stand still, SIGKILL or not."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.mkdir()

    def freeze(self, pid: int) -> None:
        (self._path / "cgroup.procs").write_text(str(pid))
        (self._path / "freezer.state").write_text("FROZEN")
        wait_until(lambda: self._state() == "FROZEN", within=5, saying="it does not freeze")

    def thaw(self) -> None:
        (self._path / "freezer.state").write_text("THAWED")

    def _state(self) -> str:
        return (self._path / "freezer.state").read_text().strip()

    def remove(self) -> None:
        self.thaw()
        wait_until(lambda: not self._kill_members(), within=5, saying="it is not empty")
        self._path.rmdir()

    def _kill_members(self) -> list[str]:
        members = (self._path / "cgroup.procs").read_text().split()
        for pid in members:
            os.kill(int(pid), signal.SIGKILL)
        return members


@pytest.fixture
def freezer() -> Iterator[Freezer]:
    if not os.access(FREEZER, os.W_OK) or not (FREEZER / "cgroup.procs").exists():
        pytest.skip("no freezer of the first version of cgroups that can be written")
    group = Freezer(FREEZER / f"runner-test-{os.getpid()}")
    yield group
    group.remove()


@pytest.fixture
def bench(make_bench: MakeBench, room: Room) -> Bench:
    return make_bench(room, unkillable_after=PATIENCE)


@case(19)
def test_a_main_process_that_does_not_die_is_called_unkillable(bench: Bench, room: Room, freezer: Freezer) -> None:
    job = bench.launch(probe("deaf"), room)
    freezer.freeze(job.pid)
    job.stop(grace=0.2)
    told = job.wait_for(FactName.UNKILLABLE)
    kill = job.one(FactName.KILL)
    assert kill["why"] == "deadline"
    assert told["t"] - kill["t"] >= PATIENCE * 1e9
    assert [seen["pid"] for seen in told["processes"]] == [job.pid]
    assert state(job.pid) not in {"", "Z"}
    # Only an observed exit ends a job.
    assert not job.facts(FactName.ENDED, FactName.GONE)
    # Everything else stays usable, and a second order changes nothing.
    other = bench.launch(probe("exits", 4), room)
    other.stop(grace=30)
    assert other.wait_gone()["code"] == 4
    job.kill()
    job.stop(grace=0)
    freezer.thaw()
    ended = job.wait_gone()
    assert (ended["signal"], ended["killer"]) == ("SIGKILL", "runner")
    assert len(job.facts(FactName.UNKILLABLE)) == len(job.facts(FactName.KILL)) == 1


@case(19)
def test_a_left_over_that_does_not_die_is_called_unkillable(bench: Bench, room: Room, freezer: Freezer) -> None:
    job = bench.launch(probe("leaves-child", 1), room)
    child = next(seen["pid"] for seen in job.see() if seen["pid"] != job.pid)
    freezer.freeze(child)
    job.stop(grace=0.2)
    told = job.wait_for(FactName.UNKILLABLE)
    assert child in [seen["pid"] for seen in told["processes"]]
    assert not job.facts(FactName.GONE)
    freezer.thaw()
    job.wait_gone()
    assert state(child) == ""


@case(19)
def test_a_job_that_dies_in_time_is_not_called_unkillable(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("deaf"), room)
    job.stop(grace=0)
    job.wait_gone()
    other = bench.launch(probe("deaf"), room)
    other.stop(grace=PATIENCE + 0.2)
    other.wait_gone()
    assert not job.facts(FactName.UNKILLABLE)
    assert not other.facts(FactName.UNKILLABLE)
