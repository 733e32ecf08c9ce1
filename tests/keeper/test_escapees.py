"""Cases 26, 27 and 31: processes that leave their session, their mark, their parent, or all at once; and whose they are."""

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
from tests.probing import compiled, probe
from tests.waiting import wait_until

SOURCES = Path(__file__).parent.parent.parent


@case(26)
def test_a_grandchild_in_a_session_of_its_own_is_found_and_ended(bench: Bench, room: Room, _case: None) -> None:
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
def test_a_chain_of_hops_out_of_sessions_is_ended(bench: Bench, room: Room, _case: None, hops: int) -> None:
    # 2: it rests for good behind the second; 200: it is on its way when the stop comes.
    job = bench.launch(probe("hops", hops, 0.01 if hops > 2 else 0), room, ready="into session" if hops == 2 else "ready")
    job.stop(grace=60)
    assert job.wait_gone()["code"] == 0
    assert hops == 2 or "hopped" not in job.log()
    assert not zombies(bench)


@case(27)
def test_an_escapee_without_a_mark_is_found_when_one_job_only_could_own_it(
    bench: Bench, room: Room, _case: None
) -> None:
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
def test_beside_another_job_an_escapee_without_a_mark_is_attributed_by_namespace_or_cgroup(
    bench: Bench, room: Room, _case: None
) -> None:
    if room is TREE:
        pytest.skip("the next test is about it")
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
