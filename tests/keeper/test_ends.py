"""Cases 36 to 40: how a program ended, and who ended it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from runner.lifecycle.facts import FactName
from tests.keeper.bench import Attempt, Bench, Room
from tests.keeper.cases import case
from tests.probing import probe

MEGABYTE = 1 << 20


@case(36)
def test_an_exit_code_is_recorded_exactly(bench: Bench, room: Room) -> None:
    for code in (0, 1, 2, 32, 64, 127, 254, 255):
        ended = bench.launch(probe("exit", code), room).wait_gone()
        assert (ended["fact"], ended["code"], ended["signal"], ended["killer"]) == ("ended", code, None, None)


@case(36)
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGQUIT", "SIGKILL"])
def test_death_by_an_own_signal_is_recorded_apart_from_a_code(bench: Bench, room: Room, name: str) -> None:
    job = bench.launch(probe("dies", name), room)
    if room.is_pid1:
        # A PID 1 does not get what is sent from inside: it lives until the runner kills it.
        job.stop(grace=0.2)
        ended = job.wait_gone()
        assert (ended["signal"], ended["killer"]) == ("SIGKILL", "runner")
        assert job.one(FactName.KILL)["why"] == "deadline"
        return
    ended = job.wait_gone()
    assert (ended["code"], ended["signal"]) == (None, name)
    assert ended["killer"] == ("other" if name == "SIGKILL" else None)
    assert not job.facts(FactName.KILL, FactName.EMULATION_MISSED)


@case(36)
def test_abort_of_pid_1_ends_by_another_signal(bench: Bench, room: Room) -> None:
    ended = bench.launch(probe("aborts"), room).wait_gone()
    assert (ended["code"], ended["signal"]) == (None, "SIGSEGV" if room.is_pid1 else "SIGABRT")


@case(36)
def test_many_that_end_at_once_are_all_known_to_have_been_executed(bench: Bench, room: Room) -> None:
    jobs = [bench.launch(["sh", "-c", f"exit {number}"], room, ready=None) for number in range(40)]
    for number, job in enumerate(jobs):
        ended = job.wait_gone()
        assert (ended["fact"], ended["code"]) == ("ended", number)
        assert [fact["fact"] for fact in job.facts()] == ["launch", "started", "executed", "ended", "gone"]


def assert_not_executed(job: Attempt, code: int, reason: str) -> None:
    job.wait_gone()
    failed = job.one(FactName.NOT_EXECUTED)
    assert failed["code"] == code
    assert reason in failed["reason"]
    assert not job.facts(FactName.EXECUTED, FactName.ENDED)


@case(37)
@pytest.mark.parametrize("command", ["nowhere-to-be-found", "/nonexistent/program"])
def test_a_command_that_is_not_there(bench: Bench, room: Room, command: str) -> None:
    job = bench.launch([command], room, ready=None)
    assert_not_executed(job, 127, f"{command!r} was not found")


@case(37)
def test_a_command_that_cannot_be_executed(bench: Bench, room: Room, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no program\n")
    assert_not_executed(bench.launch([str(tmp_path / "data")], room, ready=None), 126, "Permission denied")
    assert_not_executed(bench.launch([str(tmp_path)], room, ready=None), 126, "Permission denied")
    (tmp_path / "data").chmod(0o755)
    assert_not_executed(bench.launch([str(tmp_path / "data")], room, ready=None), 126, "Exec format error")


@case(37)
def test_a_script_whose_interpreter_is_missing(bench: Bench, room: Room, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/nonexistent/shell\n")
    script.chmod(0o755)
    assert_not_executed(bench.launch([str(script)], room, ready=None), 127, "its interpreter was not found")


@case(37)
def test_a_working_directory_that_is_not_there(bench: Bench, room: Room) -> None:
    job = bench.launch(["true"], room, ready=None, working_directory="/nonexistent/folder")
    assert_not_executed(job, 126, "working directory: No such file or directory")


@case(37)
def test_a_program_that_itself_exits_127(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("exec-missing"), room)
    assert job.wait_gone()["code"] == 127
    assert job.facts(FactName.EXECUTED)
    assert not job.facts(FactName.NOT_EXECUTED)


@case(38)
def test_the_time_of_the_end_is_that_of_the_exit(bench: Bench, room: Room) -> None:
    told = "import time; print('ready', time.monotonic_ns(), time.time_ns())"
    early = bench.launch([sys.executable, "-I", "-S", "-c", told], room)
    other = bench.launch(probe("deaf"), room)
    other.stop(grace=0.4)
    other.wait_gone()
    # Nobody has asked until now.
    ended = early.one(FactName.ENDED)
    _, monotonic, wall = early.log().split()
    assert early.one(FactName.STARTED)["t"] < int(monotonic) < ended["t"] < other.one(FactName.KILL)["t"]
    assert ended["t"] - int(monotonic) < 350_000_000
    assert early.one(FactName.STARTED)["w"] < int(wall) < ended["w"]


@case(39)
def test_out_of_memory_in_a_memory_group_of_its_own_is_known(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("takes-memory", 256 * MEGABYTE), room, memory=64 * MEGABYTE)
    ended = job.wait_gone()
    if "allocated 268435456" in job.log():
        pytest.skip("no memory group can be made on this machine")
    assert (ended["signal"], ended["killer"], ended["out_of_memory"]) == ("SIGKILL", "other", "yes")


@case(39)
def test_sigkill_without_a_memory_group_is_somebody_elses(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("polite"), room)
    os.kill(job.pid, signal.SIGKILL)
    ended = job.wait_gone()
    assert (ended["signal"], ended["killer"]) == ("SIGKILL", "other")
    # "unknown" where anything on the machine ran out of memory meanwhile.
    assert ended["out_of_memory"] in ("no", "unknown")


@case(39)
def test_sigkill_in_a_memory_group_with_room_is_not_for_want_of_memory(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("polite"), room, memory=256 * MEGABYTE)
    os.kill(job.pid, signal.SIGKILL)
    ended = job.wait_gone()
    assert (ended["killer"], ended["out_of_memory"]) == ("other", "no")


@case(40)
def test_sigkill_by_a_third_party_during_the_grace_is_not_ours(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("deaf"), room)
    job.stop(grace=60)
    os.kill(job.pid, signal.SIGKILL)
    ended = job.wait_gone()
    assert (ended["signal"], ended["killer"]) == ("SIGKILL", "other")
    assert not job.facts(FactName.KILL)
