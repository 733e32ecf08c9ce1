"""The journal: numbers without gaps, times in order, and no end of either by a torn line or a full disk."""

from __future__ import annotations

import itertools
import json
import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner import clock
from runner.backends.local import Policy
from runner.keeper import journal, start
from runner.keeper.journal import Journal
from runner.lifecycle.facts import FactName
from tests.keeper.bench import PLAIN, Bench, Room
from tests.keeper.cases import case
from tests.keeper.conftest import MakeBench
from tests.probing import probe
from tests.waiting import LATE, wait_until

HOUR = 3_600_000_000_000


def facts_in(path: Path) -> list[dict[str, Any]]:
    return journal.parse(path.read_bytes())


def assert_in_order(facts: list[Any]) -> None:
    assert [fact["n"] for fact in facts] == list(range(1, len(facts) + 1))
    for name in ("t", "w"):
        times = [fact[name] for fact in facts]
        assert times == sorted(times)


def test_a_journal_is_numbered_without_gaps_and_its_times_are_in_order(bench: Bench, room: Room) -> None:
    jobs = [bench.launch(probe("leaves-child", 2), room) for _ in range(3)]
    bench.stop(jobs, grace=30)
    for job in jobs:
        job.wait_gone()
        assert_in_order(job.facts())
        assert {fact["a"] for fact in job.facts()} == {1}


def test_another_attempt_goes_on_in_the_same_journal(bench: Bench, room: Room) -> None:
    job = bench.launch(["true"], room, ready=None)
    job.wait_gone()
    again = bench.again(job)
    wait_until(lambda: len(again.facts(FactName.GONE)) == 2, within=10, saying=again.story)
    assert_in_order(again.facts())
    assert sorted({fact["a"] for fact in again.facts()}) == [1, 2]


@pytest.mark.parametrize("kept", [1, -1], ids=["torn in its middle", "torn before its newline"])
def test_the_last_line_of_a_keeper_that_was_killed_may_be_torn(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "journal.jsonl"
    first = Journal(str(path), 1)
    for _ in range(3):
        first.add(FactName.EXECUTED)
    first.close()
    whole = path.read_bytes()
    start_of_last = whole.rindex(b"\n", 0, -1) + 1
    path.write_bytes(whole[: start_of_last + kept] if kept > 0 else whole[:kept])
    second = Journal(str(path), 1)
    assert second.torn
    second.add(FactName.GONE, log=0)
    second.close()
    facts = facts_in(path)
    assert_in_order(facts)
    assert len(facts) == (3 if kept > 0 else 4)
    assert facts[-1]["fact"] == "gone"


@case(20)
def test_the_wall_clock_may_go_back_between_two_keepers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.jsonl"
    first = Journal(str(path), 1)
    first.add(FactName.EXECUTED)
    first.close()
    # As a keeper that is started after the clock was set back an hour.
    monkeypatch.setattr(journal, "_WALL_AT_ZERO", clock.wall_ns() - clock.monotonic_ns() - HOUR)
    second = Journal(str(path), 1)
    second.add(FactName.GONE, log=0)
    second.close()
    assert_in_order(facts_in(path))


@case(20)
def test_a_wait_between_two_readings_of_clocks_is_not_taken_for_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """For the processor, where that is busy: seen to be a millisecond."""
    readings = itertools.count()
    now = 0

    def read() -> int:
        nonlocal now
        now += 1_000_000 if next(readings) in (1, 5) else 100
        return now

    monkeypatch.setattr(clock, "monotonic_ns", read)
    monkeypatch.setattr(clock, "wall_ns", lambda: 7_000_000_000 + read())
    assert journal._wall_at_zero() == 7_000_000_000


@pytest.fixture
def set_wall_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets the wall clock of keepers that are started from now on so many ns off, again and again."""
    off = tmp_path / "off"
    off.write_text("0")
    door = f"""
import time
from runner import clock
clock.wall_ns = lambda: time.time_ns() + int(open({str(off)!r}).read())
"""
    before, line, after = start._PROGRAM.partition("from runner.keeper.main import main")
    monkeypatch.setattr(start, "_PROGRAM", f"{before}{door}\n{line}{after}")

    def set_off(ns: int) -> None:
        (tmp_path / "new").write_text(str(ns))
        (tmp_path / "new").replace(off)

    return set_off


@case(20)
@pytest.mark.parametrize("step", [-HOUR, HOUR], ids=["back", "forward"])
def test_the_wall_clock_is_set_during_the_grace(
    set_wall_clock: Callable[[int], None], make_bench: MakeBench, room: Room, step: int
) -> None:
    bench = make_bench(room)
    job = bench.launch(probe("deaf"), room)
    job.stop(grace=0.5)
    set_wall_clock(step)
    job.wait_gone()
    assert 0.5 <= job.seconds_to_kill() < 1
    assert_in_order(job.facts())
    walls = [fact["w"] for fact in job.facts()]
    assert walls[-1] - walls[0] < HOUR / 2
    other = bench.launch(probe("polite"), room)
    other.stop(grace=30)
    other.wait_gone()
    assert_in_order(other.facts())


def limit_files(bench: Bench, size: int) -> None:
    """Let the keeper write no file beyond this size, as on a full disk."""
    _, hard = resource.prlimit(bench.backend.keeper_pid, resource.RLIMIT_FSIZE)
    resource.prlimit(bench.backend.keeper_pid, resource.RLIMIT_FSIZE, (size, hard))


@pytest.mark.parametrize("room_left", [0, 10], ids=["full", "a few bytes left"])
def test_a_full_disk_does_not_hold_up_a_signal(bench: Bench, room: Room, room_left: int) -> None:
    polite, deaf = bench.launch(probe("polite"), room), bench.launch(probe("deaf"), room)
    pids = [polite.pid, deaf.pid]
    sizes = [(job.launch.folder / "journal.jsonl").stat().st_size for job in (polite, deaf)]
    limit_files(bench, min(sizes) + room_left)
    bench.stop([polite, deaf], grace=0.2)
    wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), within=5, saying="a job lives")
    assert not polite.facts(FactName.ENDED)
    assert not deaf.facts(FactName.KILL)
    # There is room again: nothing of what happened meanwhile is lost.
    limit_files(bench, 1 << 30)
    for job in (polite, deaf):
        job.wait_gone()
        assert_in_order(job.facts())
    assert polite.one(FactName.ENDED)["code"] == 0
    assert 0.2 <= deaf.seconds_to_kill() < 0.2 + LATE


def test_a_keeper_killed_in_the_middle_of_a_line(make_bench: MakeBench) -> None:
    bench = make_bench(PLAIN, policy=Policy.SERVE)
    job = bench.launch(probe("deaf"), PLAIN)
    os.kill(bench.backend.keeper_pid, signal.SIGKILL)
    wait_until(lambda: bench.broken, within=5, saying="nobody hears that the keeper has gone")
    path = job.launch.folder / "journal.jsonl"
    with path.open("ab") as end:
        end.write(b'{"n":4,"t":')
    bench.bury(job)
    facts = facts_in(path)
    assert_in_order(facts)
    assert [fact["fact"] for fact in facts] == ["launch", "started", "executed", "lost"]
    assert [line for line in path.read_bytes().splitlines() if not line.endswith(b"}")] == [b'{"n":4,"t":']


def test_every_line_is_json_on_its_own(bench: Bench, room: Room) -> None:
    job = bench.launch(["sh", "-c", "echo ready; exit 0", "a\nb", "ü\udcff"], room)
    job.wait_gone()
    lines = (job.launch.folder / "journal.jsonl").read_bytes().splitlines()
    assert json.loads(lines[0])["argv"][-2:] == ["a\nb", "ü\udcff"]
    assert len(lines) == len(job.facts())
