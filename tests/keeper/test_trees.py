"""Cases 23 to 25, 28 to 34: a stop of a main process that has others below it, beside it, or left behind."""

from __future__ import annotations

import os
import signal

import pytest

from runner.backends.base import Fact
from runner.lifecycle.facts import FactName
from runner.linux import procfs
from tests.keeper.bench import PLAIN, TREE, Bench, Room
from tests.keeper.cases import case
from tests.keeper.programs import (
    CRASH,
    CROWD,
    FORKING_THREAD,
    HEADLESS,
    ORPHANS_THAT_END,
    ORPHANS_WHEN_ASKED,
    SIBLING,
    SUBREAPER,
    program,
)
from tests.keeper.seeing import end_of, keeps_statuses, living, others, told, zombies
from tests.probing import probe, script
from tests.waiting import LATE, wait_until


@case(23)
def test_a_worker_under_a_shell_never_hears_of_the_stop(bench: Bench, room: Room) -> None:
    job = bench.launch(script("wrapper.sh", *probe("tells", 0)), room)
    (worker,) = others(job, 1)
    job.stop(grace=0.3)
    ended = job.wait_gone()
    assert (ended["code"], ended["signal"], ended["killer"]) == (None, "SIGKILL", "runner")
    shell = job.look("before")[0]
    assert (shell["pid"], shell["sigterm"]) == (job.pid, "default")
    # The kernel drops it for a PID 1; elsewhere it must not be sent, because it would be obeyed.
    assert job.one(FactName.SIGNAL)["outcome"] == ("sent" if room.is_pid1 else "withheld")
    assert [seen["pid"] for seen in job.look("after")] == [job.pid, worker["pid"]]
    assert not any(seen["pending"] for seen in job.look("after"))
    assert "got" not in job.log()
    assert job.seconds_to_kill() >= 0.3
    assert not living([worker])


@case(24)
def test_a_child_that_ignores_sigterm_is_killed_as_soon_as_the_main_process_has_ended(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("leaves-child"), room)
    (child,) = others(job, 1, sigterm="ignored")
    job.stop(grace=60)
    ended = job.wait_gone()
    assert (ended["code"], ended["signal"]) == (0, None)
    assert not job.facts(FactName.KILL)
    (left,) = job.one(FactName.LEFT_OVER)["processes"]
    assert (left["pid"], left["start"], left["sigterm"]) == (child["pid"], child["start"], "ignored")
    assert left["inner"] == (told(job, "child"))
    _was_killed(end_of(job, child), room)
    assert job.one(FactName.GONE)["t"] - ended["t"] < LATE * 1e9
    assert not living([child])


def _was_killed(end: Fact, room: Room) -> None:
    assert end["code"] is None
    # In `pid1` the kernel waits for it, and tells how it ended from Linux 6.15 on.
    assert end["signal"] == "SIGKILL" or (end["signal"] is None and room.is_pid1 and not keeps_statuses())


@case(25)
def test_a_pipeline_of_nested_shells_is_gone_after_one_stop(bench: Bench, room: Room) -> None:
    job = bench.launch(script("nested.sh"), room)
    # Each of four shells has a `cat` beside it; the innermost runs `sleep`.
    tree = others(job, 9)
    job.stop(grace=0.2)
    assert job.wait_gone()["signal"] == "SIGKILL"
    assert not living(tree)


@case(28)
def test_children_of_a_main_process_that_crashed_are_killed(bench: Bench, room: Room) -> None:
    job = bench.launch(program(CRASH, 3), room, ready=None)
    ended = job.wait_gone()
    assert (ended["code"], ended["signal"], ended["killer"]) == (None, "SIGSEGV", None)
    assert not job.facts(FactName.KILL, FactName.STOP)
    if not room.is_pid1:
        left = job.one(FactName.LEFT_OVER)["processes"]
        assert [process["sigterm"] for process in left] == ["ignored"] * 3
        assert not living(left)
    # In `pid1` the kernel has killed them before the end could be seen; that they are gone is checked by the fixture.


@case(29)
def test_orphans_by_the_hundred_are_reaped_and_end_no_job(bench: Bench, room: Room) -> None:
    quiet = bench.launch(probe("polite"), room)
    job = bench.launch(probe("orphans", 300), room, ready="orphaned 300")
    # The last of them may not have come to its end yet, and would be a left-over.
    wait_until(lambda: len(job.see()) == 1, within=5, saying=lambda: f"orphans live on: {job.see()}")
    wait_until(lambda: not zombies(bench), within=5, saying=lambda: f"zombies stay: {zombies(bench)}")
    assert not job.facts(FactName.ENDED)
    assert not quiet.facts(FactName.ENDED)
    job.stop(grace=60)
    assert job.wait_gone()["code"] == 0
    assert not job.facts(FactName.LEFT_OVER)
    assert not quiet.facts(FactName.ENDED)
    quiet.stop(grace=60)
    assert quiet.wait_gone()["code"] == 0
    assert procfs.children(bench.backend.keeper_pid) == []


@case(29)
@pytest.mark.parametrize("room", [PLAIN, TREE], ids=["plain", "plain-no-cgroup"])
def test_one_sigchld_may_stand_for_hundreds(bench: Bench, room: Room) -> None:
    job = bench.launch(program(ORPHANS_WHEN_ASKED, 450), room)
    keeper = bench.backend.keeper_pid
    os.kill(keeper, signal.SIGSTOP)
    try:
        os.kill(job.pid, signal.SIGUSR1)
        wait_until(lambda: len(zombies(bench)) == 450, within=10, saying=lambda: f"{len(zombies(bench))} zombies")
    finally:
        os.kill(keeper, signal.SIGCONT)
    wait_until(lambda: not zombies(bench), within=5, saying=lambda: f"{len(zombies(bench))} zombies stay")
    assert not job.facts(FactName.ENDED)


@case(30)
def test_main_process_and_child_that_die_together_are_told_apart(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("dies-with-child", 7), room)
    (child,) = others(job, 1)
    job.stop(grace=60)
    ended = job.wait_gone()
    assert (ended["pid"], ended["code"], ended["signal"]) == (job.pid, 7, None)
    _was_killed(end_of(job, child), room)
    assert not zombies(bench)


@case(32)
def test_a_signal_to_the_jobs_group_reaches_nobody_else(bench: Bench, room: Room) -> None:
    neighbour = bench.launch(probe("tells", 0), room)
    text = "trap 'echo got' TERM; kill -TERM 0; echo ready; sleep 1000 & wait"
    job = bench.launch(["bash", "-c", text], room)
    keeper = bench.backend.keeper_pid
    assert os.getsid(job.pid) == os.getpgid(job.pid) == job.pid
    assert len({os.getpgid(pid) for pid in (os.getpid(), keeper, neighbour.pid, job.pid)}) == 4
    job.stop(grace=0.1)
    job.wait_gone()
    assert "got" not in neighbour.log()
    neighbour.stop(grace=60)
    assert neighbour.wait_gone()["code"] == 0


@case(33)
def test_only_the_main_process_gets_sigterm(bench: Bench, room: Room) -> None:
    # The main process lives on for a while, so that a signal to its child would be told.
    text = "trap 'echo main heard; sleep 0.2; exit 0' TERM; \"$@\" & wait"
    job = bench.launch(["bash", "-c", text, "bash", *probe("tells", 0)], room)
    job.stop(grace=60)
    assert job.wait_gone()["code"] == 0
    assert job.log().count("main heard") == 1
    assert "got" not in job.log()
    signal_sent = job.one(FactName.SIGNAL)
    assert (signal_sent["pid"], signal_sent["signal"], signal_sent["outcome"]) == (job.pid, "SIGTERM", "sent")


@case(34)
def test_workers_that_end_with_their_pipe_need_no_kill(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("workers", 8), room)
    workers = others(job, 8, sigterm="ignored")
    job.stop(grace=60)
    assert job.wait_gone()["code"] == 0
    assert "all 8 workers have ended" in job.log()
    assert not job.facts(FactName.KILL, FactName.LEFT_OVER)
    for worker in workers:
        end = end_of(job, worker)
        assert end["signal"] is None
        assert end["code"] == 0 or (end["code"] is None and not keeps_statuses())
        assert end["t"] >= job.one(FactName.SIGNAL)["t"]


@pytest.mark.parametrize(
    ("text", "count"),
    [(FORKING_THREAD, 1), (HEADLESS, 1), (SUBREAPER, 2)],
    ids=["forking-thread", "headless", "subreaper"],
)
def test_wherever_a_descendant_hangs_it_is_seen_and_ended(bench: Bench, room: Room, text: str, count: int) -> None:
    _seen_and_ended(bench, room, text, count)


# clone(2) refuses CLONE_PARENT to a PID 1.
@pytest.mark.parametrize("room", [PLAIN, TREE], ids=["plain", "plain-no-cgroup"])
def test_a_child_that_is_its_parents_sibling_is_seen_and_ended(bench: Bench, room: Room) -> None:
    _seen_and_ended(bench, room, SIBLING, 1)


def _seen_and_ended(bench: Bench, room: Room, text: str, count: int) -> None:
    job = bench.launch(program(text), room)
    found = others(job, count, sigterm="ignored")
    job.stop(grace=60)
    assert job.wait_gone()["code"] == 0
    assert {seen["pid"] for seen in job.look("before")} == {job.pid, *(process["pid"] for process in found)}
    assert {left["pid"] for left in job.one(FactName.LEFT_OVER)["processes"]} == {process["pid"] for process in found}
    assert not living(found)


def test_a_job_of_300_processes_ends_whole(bench: Bench, room: Room) -> None:
    job = bench.launch(program(CROWD, 300), room)
    crowd = others(job, 300)
    job.stop(grace=60)
    ended = job.wait_gone()
    assert ended["code"] == 0
    assert len(job.one(FactName.LEFT_OVER)["processes"]) == 300
    assert len(job.facts(FactName.PROCESS_ENDED)) == 300
    assert not living(crowd)
    assert not zombies(bench)


def test_the_status_of_an_orphan_is_known(bench: Bench, room: Room) -> None:
    # An orphan is the keeper's to wait for, in `pid1` the main process's, which waits for none.
    job = bench.launch(program(ORPHANS_THAT_END), room)
    orphans = others(job, 2)
    job.stop(grace=1)
    for orphan in orphans:
        os.kill(orphan["pid"], signal.SIGUSR1)
    wait_until(lambda: len(job.facts(FactName.PROCESS_ENDED)) == 2, within=5, saying=lambda: f"no ends\n{job.story()}")
    ends = [end_of(job, orphan) for orphan in orphans]
    assert [(end["code"], end["signal"]) for end in ends] == [(9, None), (None, "SIGHUP")]
    assert not job.facts(FactName.ENDED)
    job.kill()
    job.wait_gone()
    assert len(job.facts(FactName.PROCESS_ENDED)) == 2
