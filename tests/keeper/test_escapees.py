"""Cases 26, 27 and 31: processes that leave their session, mark, parent, or all at once; and whose they are."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from runner.lifecycle.facts import FactName
from runner.linux import procfs
from tests.keeper.bench import PID1, PLAIN, TREE, Bench, Room
from tests.keeper.cases import case
from tests.keeper.conftest import MakeBench
from tests.keeper.programs import MILL, MOVES_OUT, OUTER, program
from tests.keeper.seeing import lives, living, others, told, zombies
from tests.leftovers import processes
from tests.probing import compiled, probe, state
from tests.waiting import LATE, wait_until

SOURCES = Path(__file__).parent.parent.parent


@case(26)
def test_a_grandchild_in_a_session_of_its_own_is_found_and_ended(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("escapee"), room)
    (escapee,) = others(job, 1)
    assert escapee["inner"] == told(job, "child")
    assert os.getsid(escapee["pid"]) != job.pid
    job.stop(grace=60)
    assert job.wait_gone()["code"] == 0
    assert [left["pid"] for left in job.one(FactName.LEFT_OVER)["processes"]] == [escapee["pid"]]
    assert not living([escapee])


@case(26)
@pytest.mark.parametrize("hops", [2, 200])
def test_a_chain_of_hops_out_of_sessions_is_ended(bench: Bench, room: Room, hops: int) -> None:
    # 2: it rests for good behind the second; 200: it is on its way when the stop comes.
    job = bench.launch(
        probe("hops", hops, 0.01 if hops > 2 else 0), room, ready="into session" if hops == 2 else "ready"
    )
    job.stop(grace=60)
    assert job.wait_gone()["code"] == 0
    assert hops == 2 or "hopped" not in job.log()
    assert not zombies(bench)


@case(27)
def test_an_escapee_without_a_mark_is_found_when_one_job_only_could_own_it(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("escapee-unmarked"), room)
    (escapee,) = others(job, 1)
    assert Path(f"/proc/{escapee['pid']}/environ").read_bytes() == b""
    # It cannot be that of a job which is younger.
    younger = bench.launch(probe("polite"), room)
    younger.stop(grace=60)
    assert younger.wait_gone()["code"] == 0
    assert not younger.facts(FactName.LEFT_OVER, FactName.UNATTRIBUTED)
    assert lives(escapee)
    job.stop(grace=60)
    assert job.wait_gone()["code"] == 0
    assert [left["pid"] for left in job.one(FactName.LEFT_OVER)["processes"]] == [escapee["pid"]]
    assert not job.facts(FactName.UNATTRIBUTED)
    assert not living([escapee])


@case(27)
@pytest.mark.parametrize("room", [PID1, PLAIN], ids=["pid1", "plain"])
def test_beside_another_job_an_escapee_without_a_mark_is_attributed_by_namespace_or_cgroup(
    bench: Bench, room: Room
) -> None:
    other = bench.launch(probe("polite"), room)
    job = bench.launch(probe("escapee-unmarked"), room)
    (escapee,) = others(job, 1)
    other.stop(grace=60)
    other.wait_gone()
    assert not other.facts(FactName.LEFT_OVER, FactName.UNATTRIBUTED)
    assert lives(escapee)
    job.stop(grace=60)
    job.wait_gone()
    assert [left["pid"] for left in job.one(FactName.LEFT_OVER)["processes"]] == [escapee["pid"]]
    assert not living([escapee])


@case(27)
@pytest.mark.parametrize("room", [TREE], ids=["plain-no-cgroup"])
def test_an_escapee_that_two_jobs_could_own_is_reported_by_both_and_ends_with_the_last(
    bench: Bench, room: Room
) -> None:
    first = bench.launch(probe("polite"), room)
    second = bench.launch(probe("escapee-unmarked"), room)
    younger = bench.launch(probe("polite"), room)
    escapee = told(second, "child")
    first.stop(grace=60)
    assert first.wait_gone()["code"] == 0
    younger.stop(grace=60)
    younger.wait_gone()
    fact = first.one(FactName.UNATTRIBUTED)
    (process,) = fact["processes"]
    assert process["pid"] == escapee
    assert "sleeper" in process["command"]
    assert set(fact["jobs"]) == {first.launch.job, second.launch.job}
    assert lives(process)
    second.stop(grace=60)
    second.wait_gone()
    # The first is gone by now, but that does not make it the second's for sure.
    again = second.one(FactName.UNATTRIBUTED)
    assert (again["jobs"], [seen["pid"] for seen in again["processes"]]) == (fact["jobs"], [escapee])
    assert not any(job.facts(FactName.LEFT_OVER) for job in (first, second, younger))
    assert not younger.facts(FactName.UNATTRIBUTED)
    assert not living([process])


def test_orphans_of_jobs_side_by_side_are_not_mixed_up(bench: Bench, room: Room) -> None:
    jobs = [bench.launch(probe(name), room) for name in ("escapee", "leaves-child", "escapee", "leaves-child")]
    families = [others(job, 1) for job in jobs]
    assert len({seen["pid"] for family in families for seen in family}) == 4
    for number, job in enumerate(jobs):
        job.stop(grace=60)
        assert job.wait_gone()["code"] == 0
        assert [left["pid"] for left in job.one(FactName.LEFT_OVER)["processes"]] == [families[number][0]["pid"]]
        assert not living(families[number])
        assert all(len(living(family)) == 1 for family in families[number + 1 :])
    assert not any(job.facts(FactName.UNATTRIBUTED) for job in jobs)


@case(31)
def test_nothing_survives_a_storm_of_forks(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("storm", 40, 30), room)
    job.stop(grace=60)
    ended = job.wait_gone()
    assert ended["code"] == 0
    assert "hopped" not in job.log()
    assert procfs.children(bench.backend.keeper_pid) == []


@case(31)
@pytest.mark.parametrize("marked", [True, False], ids=["marked", "unmarked"])
def test_nothing_survives_a_chain_that_hops_faster_than_a_tree_is_walked(
    bench: Bench, room: Room, tmp_path: Path, marked: bool
) -> None:
    # A quarter of a million hops take longer than the test may.
    command = compiled("hopper.c", tmp_path, 250_000, 0)
    job = bench.launch(command if marked else ["env", "-i", *command], room)
    job.stop(grace=60)
    ended = job.wait_gone()
    assert ended["code"] == 0
    assert "hopped" not in job.log()
    assert procfs.children(bench.backend.keeper_pid) == []


def test_a_neighbour_that_makes_orphans_without_end_delays_nobody(bench: Bench, room: Room) -> None:
    mill = bench.launch(program(MILL), room)
    deaf = bench.launch(probe("deaf"), room)
    polite = bench.launch(probe("leaves-child"), room)
    deaf.stop(grace=0.3)
    polite.stop(grace=60)
    assert polite.wait_gone()["code"] == 0
    deaf.wait_gone()
    for job in (deaf, polite):
        assert job.one(FactName.GONE)["t"] - job.one(FactName.ENDED)["t"] < LATE * 1e9
    assert 0.3 <= deaf.seconds_to_kill() < 0.3 + LATE
    assert not mill.facts(FactName.ENDED)
    mill.stop(grace=60)
    assert mill.wait_gone()["code"] == 0
    wait_until(lambda: not zombies(bench), within=5, saying=lambda: f"zombies stay: {zombies(bench)}")


@pytest.mark.parametrize("room", [PLAIN], ids=["plain"])
def test_an_escapee_that_left_its_cgroup_too_is_ended(bench: Bench, room: Room) -> None:
    job = bench.prepare(["true"], room)
    bench.do(bench.backend.launch(job.launch))
    job.wait_gone()
    group = job.one(FactName.LAUNCH)["cgroup"]
    if group is None:
        pytest.skip("no cgroups can be made on this machine")
    job = bench.launch(program(MOVES_OUT, group), room)
    moved = told(job, "moved")
    start = procfs.read_stat(moved).start
    job.stop(grace=60)
    assert job.wait_gone()["code"] == 0
    assert not lives({"pid": moved, "start": start})


@pytest.mark.parametrize("inner", ["plain", "pid1"])
def test_a_keeper_inside_a_job_ends_with_it_and_leaves_nothing(
    make_bench: MakeBench, room: Room, inner: str, tmp_path: Path
) -> None:
    bench = make_bench(room)
    # With a neighbour nothing is attributed for want of another owner.
    neighbour = bench.launch(probe("polite"), room)
    job = bench.launch(program(OUTER, SOURCES, tmp_path / "inner", inner, *probe("escapee")), room)
    # The keeper, its job, and that job's escapee.
    inside = others(job, 3)
    job.stop(grace=0.3)
    assert job.wait_gone()["signal"] == "SIGKILL"
    assert not living(inside)
    assert not job.facts(FactName.UNATTRIBUTED)
    neighbour.stop(grace=60)
    assert neighbour.wait_gone()["code"] == 0
    assert not neighbour.facts(FactName.LEFT_OVER, FactName.UNATTRIBUTED)


@pytest.mark.parametrize("room", [TREE], ids=["plain-no-cgroup"])
def test_what_a_keeper_inside_a_job_leaves_is_known_by_mark(make_bench: MakeBench, room: Room, tmp_path: Path) -> None:
    bench = make_bench(room)
    neighbour = bench.launch(probe("polite"), room)
    job = bench.launch(program(OUTER, SOURCES, tmp_path / "inner", "plain", *probe("escapee")), room)
    # First the inner keeper dies, then the main process, and nobody has looked: the mark alone tells whose the rest is.
    keeper = told(job, "keeper")
    os.kill(keeper, signal.SIGKILL)
    wait_until(lambda: state(keeper) == "", within=5, saying="the inner keeper lives")
    os.kill(job.pid, signal.SIGKILL)
    assert job.wait_gone()["killer"] == "other"
    assert not job.facts(FactName.UNATTRIBUTED, FactName.LOOK)
    assert [*processes(tmp_path / "inner")] == []
    neighbour.stop(grace=60)
    neighbour.wait_gone()
    assert not neighbour.facts(FactName.LEFT_OVER, FactName.UNATTRIBUTED)


@pytest.mark.parametrize("room", [PID1], ids=["pid1"])
def test_a_process_that_entered_a_namespace_from_outside_ends_with_it(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("polite"), room)
    command = ["nsenter", "--target", str(job.pid), "--pid", "--mount", *probe("deaf")]
    try:
        guest = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    except FileNotFoundError:
        pytest.skip("no nsenter on this machine")
    with guest:
        assert guest.stdout is not None
        if not guest.stdout.readline().startswith("ready"):
            pytest.skip("this user may not enter the namespace")
        job.stop(grace=60)
        assert job.wait_gone()["code"] == 0
        # nsenter itself stays outside; it ends as its child did.
        assert guest.wait(timeout=10) in (-signal.SIGKILL, 128 + signal.SIGKILL)
