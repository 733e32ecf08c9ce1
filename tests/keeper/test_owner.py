"""The owner is killed, or the keeper is: who acts then, and that nothing is left. Section 3 of the design."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from runner.backends.local import Policy
from runner.errors import KeeperFailed
from runner.lifecycle.facts import FactName
from tests.keeper.bench import PID1, Attempt, Bench, Room
from tests.keeper.conftest import MakeBench
from tests.keeper.owner import Owner, words
from tests.probing import probe, state
from tests.waiting import LATE, wait_until

WITHIN = 2.0
"""Seconds after the death of an owner until nothing is left of a private directory."""


def ended(pid: int) -> bool:
    return state(pid) in {"", "Z"}


def test_a_private_directory_goes_with_its_owner(room: Room, nothing_left: Path) -> None:
    with Owner(nothing_left / "data", room, "private", probe("leaves-child", 2)) as owner:
        owner.kill()
        wait_until(lambda: not owner.data_dir.exists(), within=WITHIN, saying="the data directory is there")
        wait_until(lambda: ended(owner.keeper), within=WITHIN, saying="the keeper lives")
        assert ended(owner.pid)


def test_a_private_directory_with_something_unsent_is_kept(room: Room, nothing_left: Path) -> None:
    with Owner(nothing_left / "data", room, "private", probe("deaf")) as owner:
        (owner.data_dir / "unsent").mkdir()
        (owner.data_dir / "unsent" / "model.tar.gz").touch()
        owner.kill()
        wait_until(lambda: ended(owner.keeper), within=WITHIN, saying="the keeper lives")
        facts = owner.facts()
        assert words(facts)[-4:] == ["owner-gone", "kill", "ended", "gone"]
        assert facts[-3]["why"] == "owner-gone"
        assert facts[-2]["killer"] == "runner"
        assert (owner.data_dir / "unsent" / "model.tar.gz").exists()


def test_the_jobs_of_a_named_directory_get_their_stop(room: Room, nothing_left: Path) -> None:
    with Owner(nothing_left / "data", room, "named", probe("slow", 0.05, 7)) as owner:
        owner.kill()
        wait_until(lambda: ended(owner.keeper), within=WITHIN, saying="the keeper lives")
        facts = {fact["fact"]: fact for fact in owner.facts()}
        assert "signal" in facts, owner.story()
        assert facts["signal"]["outcome"] == "sent"
        assert facts["ended"]["code"] == 7
        assert "kill" not in facts
        assert words(owner.facts())[-1] == "gone"
        assert not (owner.data_dir / "keeper.sock").exists()


def test_the_stop_of_a_named_directory_keeps_its_deadline(room: Room, nothing_left: Path) -> None:
    with Owner(nothing_left / "data", room, "named", probe("deaf")) as owner:
        owner.kill()
        wait_until(lambda: ended(owner.keeper), within=WITHIN, saying="the keeper lives")
        facts = {fact["fact"]: fact for fact in owner.facts()}
        assert 0.3 <= (facts["kill"]["t"] - facts["signal"]["t"]) / 1e9 < 0.3 + LATE
        assert facts["stop"]["grace"] == 0.3


def test_a_stop_that_has_begun_is_finished_without_the_supervisor(room: Room, nothing_left: Path) -> None:
    with Owner(nothing_left / "data", room, "serve", probe("deaf"), grace=0.8) as owner:
        owner.kill()
        assert not ended(owner.pid)
        wait_until(lambda: ended(owner.keeper), within=WITHIN, saying="the keeper stays without a job")
        facts = {fact["fact"]: fact for fact in owner.facts()}
        assert 0.8 <= (facts["kill"]["t"] - facts["signal"]["t"]) / 1e9 < 1.3
        assert facts["kill"]["why"] == "deadline"
        assert words(owner.facts())[-1] == "gone"


def test_the_jobs_of_a_served_directory_go_on_for_the_next_supervisor(
    room: Room, nothing_left: Path, make_bench: MakeBench
) -> None:
    with Owner(nothing_left / "data-0", room, "serve", probe("exits", 5)) as owner:
        owner.kill()
        wait_until(lambda: "owner-gone" in words(owner.facts()), within=WITHIN, saying=owner.story)
        bench = make_bench(room, policy=Policy.SERVE)
        assert bench.backend.keeper_pid == owner.keeper
        # A repeated order launches nothing: it is how the next supervisor knows its jobs.
        job = bench.prepare(["true"], room)
        bench.begin_launch(job).result(20)
        assert not ended(job.pid)
        job.stop(grace=30)
        assert job.wait_gone()["code"] == 5
        assert len(job.facts(FactName.LAUNCH)) == 1


def kill_keeper(bench: Bench) -> None:
    os.kill(bench.backend.keeper_pid, signal.SIGKILL)
    wait_until(lambda: bench.broken, within=5, saying="nobody hears that the keeper has gone")


def lost(job: Attempt) -> list[int]:
    """The pids in the fact that ends the journal of a job whose keeper was killed."""
    facts = job.facts()
    assert words(facts)[-1] == "lost"
    assert [fact["n"] for fact in facts] == list(range(1, len(facts) + 1))
    return [seen["pid"] for seen in facts[-1]["processes"]]


def test_the_main_process_dies_with_its_keeper(make_bench: MakeBench, room: Room) -> None:
    bench = make_bench(room)
    jobs = [bench.launch(probe("deaf"), room) for _ in range(3)]
    kill_keeper(bench)
    wait_until(lambda: all(ended(job.pid) for job in jobs), within=WITHIN, saying="a main process lives")
    for job in jobs:
        bench.bury(job)
        assert lost(job) == []


def test_what_outlives_its_keeper_is_buried(make_bench: MakeBench, room: Room) -> None:
    bench = make_bench(room)
    job = bench.launch(probe("leaves-child", 2), room)
    other = bench.launch(probe("leaves-child", 1), room)
    children = [seen["pid"] for seen in job.see() if seen["pid"] != job.pid]
    spared = [seen["pid"] for seen in other.see() if seen["pid"] != other.pid]
    kill_keeper(bench)
    wait_until(lambda: ended(job.pid) and ended(other.pid), within=WITHIN, saying="a main process lives")
    if room.is_pid1:
        # The kernel ends a PID namespace with its PID 1.
        wait_until(lambda: all(map(ended, children)), within=WITHIN, saying="a child lives")
    else:
        assert not any(map(ended, children))
    bench.bury(job)
    assert sorted(lost(job)) == ([] if room.is_pid1 else sorted(children))
    wait_until(lambda: all(map(ended, children)), within=WITHIN, saying="a child lives")
    if not room.is_pid1:
        assert not any(map(ended, spared))
    bench.bury(other)
    # Repeated, it changes nothing.
    facts = job.facts()
    bench.bury(job)
    assert job.facts() == facts


def test_a_job_that_has_ended_is_not_buried(make_bench: MakeBench, room: Room) -> None:
    bench = make_bench(room)
    job = bench.launch(probe("exit", 0), room)
    job.wait_gone()
    kill_keeper(bench)
    bench.bury(job)
    assert words(job.facts())[-1] == "gone"


def test_a_job_of_another_boot_is_buried_without_a_kill(make_bench: MakeBench, room: Room) -> None:
    bench = make_bench(room)
    stranger = bench.launch(probe("polite"), room)
    boot = stranger.one(FactName.LAUNCH)["boot"]
    # As it is found after a restart of the machine: the same pid and mark, and somebody else who has them.
    old = bench.prepare(["true"], room)
    (old.launch.folder / "journal.jsonl").write_text(stranger.journal().replace(boot, "another-boot"))
    bench.bury(old)
    assert lost(old) == []
    assert not ended(stranger.pid)


def test_a_keeper_that_is_killed_before_the_program_was_executed(make_bench: MakeBench) -> None:
    bench = make_bench()
    proof = bench.data_dir / "proof"
    # Thousands of mounts before the exec: the keeper dies while they are made, before its child can ask the kernel to
    # be killed with it.
    job = bench.prepare(["touch", str(proof)], PID1)
    job = bench.changed(job, mounts=list(job.launch.mounts) * 4000)
    bench.begin_launch(job)
    pid = job.pid
    assert not job.facts(FactName.EXECUTED)
    kill_keeper(bench)
    wait_until(lambda: ended(pid), within=10, saying="the child lives")
    assert not proof.exists()
    bench.bury(job)


@pytest.mark.parametrize("policy", [Policy.PRIVATE, Policy.NAMED, Policy.SERVE])
def test_orders_after_the_keeper_was_killed_go_to_a_new_one(make_bench: MakeBench, room: Room, policy: Policy) -> None:
    bench = make_bench(room, policy=policy)
    bench.launch(probe("polite"), room)
    first = bench.backend.keeper_pid
    kill_keeper(bench)
    job = bench.launch(probe("polite"), room)
    assert bench.backend.keeper_pid != first
    job.stop(grace=30)
    assert job.wait_gone()["code"] == 0
    bench.bury(bench.attempts[0])


def test_an_order_that_the_keeper_does_not_live_to_answer_fails(make_bench: MakeBench, room: Room) -> None:
    bench = make_bench(room)
    job = bench.launch(probe("polite"), room)
    keeper = bench.backend.keeper_pid
    os.kill(keeper, signal.SIGSTOP)
    stop = bench.begin_stop([job], grace=30)
    os.kill(keeper, signal.SIGKILL)
    with pytest.raises(KeeperFailed, match="the keeper has gone"):
        stop.result(20)
    bench.bury(job)
