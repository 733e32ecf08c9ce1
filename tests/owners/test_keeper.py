"""The keeper is killed: its jobs die with it, the runner goes on; and keeper and owner are killed at once."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from runner import Runner
from tests import leftovers
from tests.owners.inner import DEAF_WITH_CHILDREN, Wish, begin
from tests.owners.owning import EVERY_ROOM, Owner, Room, keeper_of, main_processes
from tests.probing import probe
from tests.waiting import wait_until

ENDED = 5.0


@pytest.fixture
def folder(nothing_left: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where private data directories are made, and jobs work."""
    monkeypatch.setattr("tempfile.tempdir", str(nothing_left))
    return nothing_left


@EVERY_ROOM
def test_keeper_killed_while_the_runner_lives(folder: Path, room: Room) -> None:
    # Without cgroups nothing tells whose a process is that has left its session and cleared its environment: it would
    # have come to the keeper as an orphan.
    unmarked = room.cgroups or room.isolation == "pid1"
    runner, jobs = begin(Wish("", str(folder), room.isolation, room.cgroups, unmarked=unmarked))
    with runner:
        old = kill_keeper(runner)
        for job in [*jobs[:-1], *jobs[-1].trainings()]:
            assert job.wait(timeout=ENDED) == "Failed"
            assert str(job.describe()["FailureReason"]).startswith("InternalServerError:")
            assert job.report().findings[0].code == "keeper-lost"
        assert [found for found in leftovers.processes(folder) if "runner-keeper" not in found] == []
        assert jobs[-1].wait(timeout=ENDED) == "Failed"
        following = runner.train(probe("polite"), isolation=room.isolation, cwd=folder)
        following.wait_for_log("^ready")
        assert keeper_of(runner.data_dir) != old
        assert following.stop().verdict == "graceful"


def test_keeper_killed_during_a_stop(folder: Path, room: Room) -> None:
    with Runner() as runner:
        job = runner.train(["sh", "-c", DEAF_WITH_CHILDREN, "sh", *probe("deaf")], grace=60, isolation=room.isolation)
        job.wait_for_log("^ready")
        job.stop(wait=False)
        kill_keeper(runner)
        assert job.wait(timeout=ENDED) == "Stopped"
        assert job.report().findings[0].code == "keeper-lost"
        assert [found for found in leftovers.processes(folder) if "runner-keeper" not in found] == []


@EVERY_ROOM
def test_keeper_and_owner_killed_at_once(owner: Owner, room: Room) -> None:
    """Nobody is left to clear away the private directory, nor, in `plain`, all but the main processes."""
    owner.run_program("wait_for_job").assert_jobs_run()
    assert len(main_processes(owner.data_dir)) == 5
    keeper = owner.keeper
    # Stopped first: it must not see its owner's end before its own.
    owner.send(signal.SIGSTOP, keeper).send(signal.SIGKILL).send(signal.SIGKILL, keeper)
    assert owner.end() == -signal.SIGKILL
    wait_until(
        lambda: not main_processes(owner.data_dir), within=2, saying=lambda: f"{main_processes(owner.data_dir)} live"
    )
    if room.isolation == "pid1":
        wait_until(lambda: not owner.belonging(), within=2, saying=lambda: "\n".join(owner.belonging()))
    assert owner.data_dir.is_dir()
    owner.clear_away()
    owner.assert_nothing_left()


def kill_keeper(runner: Runner) -> int:
    pid = keeper_of(runner.data_dir)
    os.kill(pid, signal.SIGKILL)
    return pid
