"""Cases 1 to 6, 13, 14, 17, 18 and 22: a signal, a grace, and what follows it."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from runner import clock
from runner.errors import KeeperFailed
from runner.keeper.job import BETWEEN_TWO_MASKS
from runner.lifecycle.facts import FactName, KillReason
from tests.keeper.bench import Attempt, Bench, Room
from tests.keeper.cases import case
from tests.keeper.programs import BETWEEN_MASKS, BLOCKS_EVERYTHING, program
from tests.probing import compiled, probe, script, state
from tests.waiting import LATE, wait_until


def assert_killed_at_the_deadline(job: Attempt, grace: float) -> None:
    ended = job.wait_gone()
    assert (ended["code"], ended["signal"], ended["killer"]) == (None, "SIGKILL", "runner")
    assert job.one(FactName.KILL)["why"] == "deadline"
    # Case 3: never before it.
    assert grace <= job.seconds_to_kill() < grace + LATE


@case(1)
def test_a_handler_that_exits_ends_the_job_without_a_kill(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("polite"), room)
    job.stop(grace=30)
    ended = job.wait_gone()
    assert (ended["code"], ended["signal"], ended["killer"]) == (0, None, None)
    assert job.one(FactName.SIGNAL)["outcome"] == "sent"
    assert not job.facts(FactName.KILL, FactName.LEFT_OVER)


@case(1)
@pytest.mark.parametrize("name", ["waits", "waits-in-thread"])
def test_waiting_for_sigterm_without_a_handler_gets_it_too(bench: Bench, room: Room, name: str) -> None:
    job = bench.launch(probe(name), room)
    job.stop(grace=30)
    assert job.wait_gone()["code"] == 0
    assert "got SIGTERM" in job.log()


@case(1)
def test_a_signalfd_gets_it_too(bench: Bench, room: Room) -> None:
    job = bench.launch(compiled("signalfd.c", bench.data_dir), room)
    job.stop(grace=30)
    assert job.look("before")[0]["sigterm"] == "blocked"
    assert job.wait_gone()["code"] == 0


@case(2, 3)
def test_ignoring_sigterm_is_answered_with_sigkill_at_the_deadline(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("deaf"), room)
    job.stop(grace=1)
    assert_killed_at_the_deadline(job, 1)
    assert job.look("before")[0]["sigterm"] == "ignored"


@case(2, 3)
def test_blocking_sigterm_leaves_it_pending_until_the_deadline(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("blocks"), room)
    job.stop(grace=0.3)
    assert_killed_at_the_deadline(job, 0.3)
    assert job.look("before")[0]["sigterm"] == "blocked"
    assert job.one(FactName.SIGNAL)["outcome"] == "sent"
    assert job.look("deadline")[0]["pending"] is True


@case(4)
@pytest.mark.parametrize(
    ("grace", "code", "signal_name"), [(0, None, "SIGKILL"), (0.3, None, "SIGKILL"), (30, 42, None)]
)
def test_a_shell_that_waits_for_its_child_keeps_its_code_if_the_grace_is_long_enough(
    bench: Bench, room: Room, grace: float, code: int | None, signal_name: str | None
) -> None:
    job = bench.launch(script("trap.sh", 0.8, shell="bash"), room)
    wait_until(lambda: len(job.see()) == 2, within=5, saying="the shell has no child to wait for")
    job.stop(grace=grace)
    ended = job.wait_gone()
    assert (ended["code"], ended["signal"]) == (code, signal_name)
    if code is None:
        assert_killed_at_the_deadline(job, grace)


@case(4, 22)
def test_a_grace_that_cannot_be_kept_is_refused_and_nothing_happens(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("polite"), room)
    for grace in (-1, 86_401, float("nan"), float("inf"), float("-inf"), True, "1"):
        with pytest.raises(KeeperFailed, match="must be"):
            job.stop(grace)  # type: ignore[arg-type]  # that is what is tried
    assert not job.facts(FactName.STOP, FactName.SIGNAL)
    job.stop(30)
    assert job.wait_gone()["code"] == 0


@case(5)
def test_the_exit_code_of_a_stopped_program_is_kept(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("slow", 0.1, 3), room)
    job.stop(grace=30)
    ended = job.wait_gone()
    assert (ended["code"], ended["signal"]) == (3, None)
    assert not job.facts(FactName.KILL)


@case(6)
def test_a_handler_that_raises_the_signal_again(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("reraises"), room)
    job.stop(grace=0.3)
    if room.is_pid1:
        # The kernel drops what PID 1 sends to itself at the default action.
        assert_killed_at_the_deadline(job, 0.3)
        return
    ended = job.wait_gone()
    assert (ended["code"], ended["signal"], ended["killer"]) == (None, "SIGTERM", None)
    assert job.facts(FactName.EMULATION_MISSED)
    assert not job.facts(FactName.KILL)


@case(6)
def test_death_by_sigterm_is_told_apart_from_exit_code_143(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("exits", 143), room)
    job.stop(grace=30)
    ended = job.wait_gone()
    assert (ended["code"], ended["signal"]) == (143, None)
    assert not job.facts(FactName.EMULATION_MISSED)


@case(6)
def test_without_a_handler_pid_1_never_gets_it(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("no-handler"), room)
    job.stop(grace=0.3)
    assert_killed_at_the_deadline(job, 0.3)
    assert job.look("before")[0]["sigterm"] == "default"
    assert job.one(FactName.SIGNAL)["outcome"] == ("sent" if room.is_pid1 else "withheld")


@case(13)
def test_a_stop_in_the_instant_of_a_natural_exit_changes_nothing(bench: Bench, room: Room) -> None:
    jobs = []
    for number in range(12):
        # They end at about the time at which the order comes: some before it, some after it.
        jobs.append(bench.launch(["sh", "-c", f"echo ready; {'true;' * number * 20} exit 7"], room))
        jobs[-1].stop(grace=30)
    for job in jobs:
        ended = job.wait_gone()
        assert (ended["code"], ended["signal"], ended["killer"]) == (7, None, None)
        assert len(job.facts(FactName.ENDED)) == len(job.facts(FactName.GONE)) == 1
        assert not job.facts(FactName.KILL)


@case(13)
def test_a_main_process_that_has_ended_gets_neither_an_order_nor_a_signal(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("exits", 7), room)
    keeper = bench.backend.keeper_pid
    os.kill(keeper, signal.SIGSTOP)
    try:
        # The end waits for the keeper, and so does the order: it finds a zombie.
        os.kill(job.pid, signal.SIGTERM)
        wait_until(lambda: state(job.pid) == "Z", within=5, saying="the probe does not end")
        stop = bench.begin_stop([job], grace=0)
    finally:
        os.kill(keeper, signal.SIGCONT)
    stop.result(20)
    assert job.wait_gone()["code"] == 7
    assert not job.facts(FactName.STOP, FactName.SIGNAL, FactName.KILL)


@case(13)
def test_an_end_just_before_the_deadline_is_not_turned_into_a_kill(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("slow", 0.1, 7), room)
    job.stop(grace=0.3)
    keeper = bench.backend.keeper_pid
    os.kill(keeper, signal.SIGSTOP)
    try:
        # The end and the deadline both wait for the keeper, which takes deadlines first.
        wait_until(lambda: state(job.pid) == "Z", within=5, saying="the probe does not end")
        deadline = job.one(FactName.SIGNAL)["deadline"]
        wait_until(lambda: clock.monotonic_ns() > deadline, within=5, saying="the deadline does not come")
    finally:
        os.kill(keeper, signal.SIGCONT)
    ended = job.wait_gone()
    assert (ended["code"], ended["signal"]) == (7, None)
    assert not job.facts(FactName.KILL)


@case(14)
def test_a_stop_before_the_program_has_been_executed_ends_in_its_grace(bench: Bench, room: Room) -> None:
    # execvpe(3) tries the folders of PATH one by one: so many that the stop comes while it does.
    folders = "/:" * 60_000
    environment = {"PATH": folders + os.path.dirname(sys.executable)}
    command = [os.path.basename(sys.executable), *probe("deaf")[1:]]
    job = bench.prepare(command, room, environment=environment)
    bench.do(bench.backend.launch(job.launch))
    job.stop(grace=0.5)
    assert not job.facts(FactName.EXECUTED)
    ended = job.wait_gone()
    sent = job.one(FactName.SIGNAL)
    assert (sent["outcome"], sent["reason"]) == ("withheld", "the program has not been executed yet")
    assert 0.5 <= job.seconds_to_kill() < 0.5 + LATE
    assert ended["fact"] == ("ended" if job.facts(FactName.EXECUTED) else "not-executed")


@case(14)
def test_a_stop_before_the_handler_exists(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("late", 0.2), room, ready="starting")
    job.stop(grace=0.6)
    assert_killed_at_the_deadline(job, 0.6)
    assert job.one(FactName.SIGNAL)["outcome"] == ("sent" if room.is_pid1 else "withheld")
    # The handler came too late, and the record shows that it came.
    assert job.look("deadline")[0]["sigterm"] == "caught"


@case(17)
def test_a_stopped_main_process_is_killed_at_the_deadline(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("polite"), room)
    os.kill(job.pid, signal.SIGSTOP)
    wait_until(lambda: state(job.pid) == "T", within=5, saying="it does not stop")
    job.stop(grace=0.3)
    assert_killed_at_the_deadline(job, 0.3)
    (seen,) = job.look("deadline")
    assert (seen["state"], seen["pending"]) == ("T", True)
    assert "got SIGTERM" not in job.log()


@case(18)
def test_a_main_process_that_stops_itself(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("stops-itself"), room)
    if room.is_pid1:
        job.wait_for_log("went on")
        job.stop(grace=30)
        assert job.wait_gone()["code"] == 0
        return
    wait_until(lambda: state(job.pid) == "T", within=5, saying="it does not stop")
    job.stop(grace=0.3)
    assert_killed_at_the_deadline(job, 0.3)
    assert job.look("deadline")[0]["state"] == "T"


@case(18)
def test_a_read_from_a_missing_terminal_stops_nobody(bench: Bench, room: Room) -> None:
    # A session of its own is an orphaned process group: there the kernel drops SIGTTIN in `plain` too (setpgid(2)).
    job = bench.launch(probe("reads-tty"), room, ready="went on")
    job.stop(grace=30)
    assert job.wait_gone()["code"] == 0


@case(22)
@pytest.mark.parametrize("grace", [1e-9, 0.0015, 0.25])
def test_a_fractional_grace_fires_neither_early_nor_never(bench: Bench, room: Room, grace: float) -> None:
    job = bench.launch(probe("deaf"), room)
    job.stop(grace)
    assert_killed_at_the_deadline(job, grace)
    assert job.one(FactName.SIGNAL)["deadline"] > job.one(FactName.SIGNAL)["t"]


def test_a_kill_now_does_not_wait_for_the_deadline(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("deaf"), room)
    job.stop(grace=60)
    job.kill(KillReason.NOW)
    ended = job.wait_gone()
    assert (ended["signal"], ended["killer"]) == ("SIGKILL", "runner")
    assert job.one(FactName.KILL)["why"] == "now"
    assert job.seconds_to_kill() < 10


def test_an_instant_in_which_everything_is_blocked_decides_nothing(bench: Bench, room: Room) -> None:
    job = bench.launch(program(BETWEEN_MASKS), room)
    job.stop(grace=0.3)
    assert_killed_at_the_deadline(job, 0.3)
    (before,) = job.look("before")
    assert (before["sigterm"], before["blocks_all"]) == ("default", False)


def test_who_blocks_everything_for_good_is_sent_sigterm_all_the_same(bench: Bench, room: Room) -> None:
    job = bench.launch(program(BLOCKS_EVERYTHING), room)
    job.stop(grace=30)
    job.wait_for(FactName.SIGNAL)
    assert job.wait_gone()["code"] == 0
    assert job.one(FactName.SIGNAL)["t"] - job.one(FactName.STOP)["t"] >= BETWEEN_TWO_MASKS
    assert job.look("before")[0]["blocks_all"] is True
