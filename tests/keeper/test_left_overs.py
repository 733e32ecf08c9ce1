"""Cases 56 and 57: what else the job has running, and what it leaves."""

from __future__ import annotations

from runner.lifecycle.facts import FactName
from tests.keeper.bench import Bench, Room
from tests.keeper.cases import case
from tests.probing import probe, script, state
from tests.waiting import LATE, wait_until


@case(56)
def test_a_left_over_that_holds_stdout_does_not_delay_the_end(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("holds-stdout"), room)
    job.stop(grace=60)
    ended = job.wait_gone()
    assert ended["code"] == 0
    (left,) = job.one(FactName.LEFT_OVER)["processes"]
    assert left["sigterm"] == "ignored"
    assert state(left["pid"]) == ""
    assert job.one(FactName.GONE)["t"] - ended["t"] < LATE * 1e9


@case(57)
def test_the_processes_are_listed_before_the_signal_and_until_the_end(bench: Bench, room: Room) -> None:
    # Its child is killed by the trap, so the list would lack it if it were made after the signal.
    job = bench.launch(script("trap-and-wait.sh", 1000, shell="bash"), room)
    wait_until(lambda: [seen["name"] for seen in job.see()] == ["bash", "sleep"], within=5, saying="no child")
    job.stop(grace=60)
    assert job.wait_gone()["code"] == 42
    assert [seen["name"] for seen in job.look("before")] == ["bash", "sleep"]
    child = job.look("before")[1]
    order = [fact["fact"] for fact in job.facts()]
    first_look = next(n for n, fact in enumerate(job.facts()) if fact.get("moment") == "before")
    assert first_look < order.index("signal")
    (ended,) = job.facts(FactName.PROCESS_ENDED)
    assert (ended["pid"], ended["inner"], ended["name"]) == (child["pid"], child["inner"], "sleep")


@case(57)
def test_a_process_that_is_made_during_the_grace_is_listed_too(bench: Bench, room: Room) -> None:
    script = "trap 'sleep 0.1; sleep 1000' TERM; echo ready; while true; do sleep 0.01; done"
    job = bench.launch(["bash", "-c", script], room)
    job.stop(grace=0.4)
    job.wait_gone()
    # In the first look after the signal already, should that come late.
    looks = [fact["processes"] for fact in job.facts(FactName.LOOK) if fact["moment"] in ("after", "change")]
    assert any(seen["command"] == ["sleep", "1000"] for processes in looks for seen in processes)
    assert any(seen["command"] == ["sleep", "1000"] for seen in job.look("deadline"))


def test_closing_kills_left_overs_too(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("leaves-child", 3), room)
    pids = [seen["pid"] for seen in job.see()]
    keeper = bench.backend.keeper_pid
    bench.close()
    assert job.one(FactName.KILL)["why"] == "closed"
    assert job.facts()[-1]["fact"] == "gone"
    assert [state(pid) for pid in pids] == [""] * 4
    wait_until(lambda: state(keeper) in {"", "Z"}, within=5, saying="the keeper stays")
