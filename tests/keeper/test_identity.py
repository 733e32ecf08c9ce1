"""A pid that is used again means another process, which is left alone."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from runner.keeper.family import Family, Kin
from runner.keeper.members import NamespaceMembers, TreeMembers, below
from runner.linux import procfs
from runner.linux.process import Process, is_executing, kill_one
from tests.waiting import wait_until


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A child of this test's process, in a session of its own."""
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as process:
        yield process
        process.kill()


@pytest.fixture
def earlier(stranger: subprocess.Popen[bytes]) -> Process:
    """A main process that ended long ago, and had the pid that the stranger has now."""
    return Process(stranger.pid, -1, procfs.read_stat(stranger.pid).start - 1)


def test_only_the_process_that_was_seen_is_killed(stranger: subprocess.Popen[bytes]) -> None:
    start = procfs.read_stat(stranger.pid).start
    kill_one(stranger.pid, start - 1)
    with pytest.raises(subprocess.TimeoutExpired):
        stranger.wait(timeout=0.2)
    kill_one(stranger.pid, start)
    assert stranger.wait(timeout=10) == -9
    kill_one(stranger.pid, start)  # nobody has the pid: nothing happens


def test_children_of_a_later_process_are_no_members() -> None:
    with subprocess.Popen(["sleep", "1000"]) as child:
        start = procfs.read_stat(os.getpid()).start
        assert child.pid in below(Process(os.getpid(), -1, start))
        earlier = Process(os.getpid(), -1, start - 1)
        earlier.waited_for = True  # so that its pid could be given to this process
        assert below(earlier) == []
        assert NamespaceMembers(earlier).others() == {}
        child.kill()


def test_a_session_of_a_later_leader_is_not_the_jobs(stranger: subprocess.Popen[bytes], earlier: Process) -> None:
    family = Family(lambda pid: False)
    kin = Kin(stranger.pid)
    assert kin.session == stranger.pid
    assert not TreeMembers(earlier, "job", "a mark", family).recognises(kin)
    same = Process(stranger.pid, -1, procfs.read_stat(stranger.pid).start)
    assert TreeMembers(same, "job", "a mark", family).recognises(kin)


@pytest.mark.parametrize(
    ("marks", "found"),
    [
        ("/d:a:1", True),
        ("/d:a:1;/outer:b:1", True),
        ("/inner:c:1;/d:a:1", True),
        ("/d:a:11", False),
        ("/x/d:a:1", False),
        ("", False),
    ],
)
def test_a_mark_is_read_whole(marks: str, found: bool) -> None:
    with subprocess.Popen(["sleep", "1000"], env={"RUNNER_MARK": marks}) as process:
        # Popen returns in the middle of the exec.
        wait_until(lambda: not is_executing(process.pid), within=5, saying="it is not executed")
        assert Kin(process.pid).bears("/d:a:1") is found
        process.kill()
