"""The stop as a user of `Runner` sees it."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from runner import Job, Runner
from runner.errors import JobEnded, NoSuchJob, WaitTimeout
from runner.jobs.base import Kind
from runner.lifecycle.facts import FactName
from runner.lifecycle.stops import Isolation
from tests.keeper.cases import case
from tests.probing import living, probe
from tests.runs.seeing import PATIENCE, Jobs, Trail, statuses
from tests.waiting import LATE, wait_until


def test_a_graceful_stop(runner: Runner, train: Jobs, isolation: Isolation) -> None:
    job = train(probe("polite"), grace=5)
    report = job.stop()
    assert (report.verdict.value, report.exit.code, report.escalated) == ("graceful", 0, False)
    assert report.isolation == isolation.value
    assert statuses(job)[-3:] == ["Stopping", "Uploading", "Stopped"]
    assert Trail(runner, job).facts(FactName.KILL) == []


@case(7)
def test_a_second_stop_changes_nothing(runner: Runner, train: Jobs) -> None:
    job, grace = train(probe("tells", 30), grace=0.6), 0.6
    trail = Trail(runner, job)
    job.stop(wait=False)
    trail.wait_for_log("got SIGTERM")
    job.stop(wait=False)
    report = job.stop()
    assert report.escalated
    assert trail.log().count("got SIGTERM") == 1
    assert trail.one(FactName.STOP)["grace"] == grace
    assert trail.one(FactName.KILL)["t"] >= trail.one(FactName.SIGNAL)["deadline"]
    assert grace <= trail.seconds_to_kill() < grace + 0.25
    assert statuses(job).count("Stopping") == 1


@case(8)
@pytest.mark.parametrize("other", [0.0, 0.1, 60.0])
def test_a_second_stop_with_another_grace_moves_no_deadline(runner: Runner, train: Jobs, other: float) -> None:
    job = train(probe("deaf"), grace=0.5)
    trail = Trail(runner, job)
    job.stop(wait=False)
    trail.wait_for(FactName.SIGNAL)
    job.stop(grace=other)
    assert trail.one(FactName.KILL)["why"] == "deadline"
    assert 0.5 <= trail.seconds_to_kill() < 0.5 + LATE
    assert job.summary()["grace"] == 0.5


@case(8)
def test_now_is_an_order_of_its_own(runner: Runner, train: Jobs) -> None:
    job = train(probe("deaf"), grace=60)
    trail = Trail(runner, job)
    job.stop(wait=False)
    trail.wait_for(FactName.SIGNAL)
    report = job.stop(now=True)
    assert trail.one(FactName.KILL)["why"] == "now"
    assert trail.seconds_to_kill() < PATIENCE
    assert (job.status, report.cut_short) == ("Stopped", True)


def test_the_grace_of_a_stop_takes_the_place_of_the_jobs_own(runner: Runner, train: Jobs) -> None:
    job = train(probe("deaf"), grace=60)
    job.stop(grace=0.3)
    assert 0.3 <= Trail(runner, job).seconds_to_kill() < 0.3 + LATE


@case(10)
def test_a_job_that_has_ended_is_not_signalled(runner: Runner, train: Jobs) -> None:
    job = train(probe("exit", 0), ready=None)
    assert job.wait(PATIENCE) == "Completed"
    before = Trail(runner, job).facts()
    report = job.stop()
    assert [finding.code for finding in report.findings][:1] == ["ended-before-stop"]
    assert (report.verdict.value, report.seconds_to_exit) == ("undecided", None)
    with pytest.raises(JobEnded, match="Completed"):  # what the wire answers with ValidationException
        runner.call(runner.verbs.stop(Kind.TRAINING, job.name))
    assert Trail(runner, job).facts() == before
    assert job.status == "Completed"


@case(11)
def test_a_job_that_is_not_known(runner: Runner) -> None:
    with pytest.raises(NoSuchJob, match="no-such-job"):
        runner.stop("no-such-job")
    for kind in Kind:
        with pytest.raises(NoSuchJob, match="no-such-job"):
            runner.call(runner.verbs.stop(kind, "no-such-job"))


_ASKS_THE_RECORDS = """
import os, select, signal, sqlite3, sys

def leave(number, frame):
    records = sqlite3.connect("file:" + sys.argv[1] + "/records.sqlite?mode=ro", uri=True)
    (row,) = records.execute("SELECT phase, ended FROM jobs").fetchall()
    print("on record:", *row, flush=True)
    os._exit(0)

signal.signal(signal.SIGTERM, leave)
print("ready", flush=True)
while True:
    select.select([], [], [], 0.05)
"""


@case(35)
def test_stopping_is_on_record_before_the_program_can_see_the_signal(runner: Runner, train: Jobs) -> None:
    job = train([sys.executable, "-c", _ASKS_THE_RECORDS, str(runner.data_dir)], grace=5)
    job.stop()
    assert "on record: stopping None\n" in Trail(runner, job).log()


_ASKS_THE_SUPERVISOR = """
import os, select, signal, sys
from runner import Runner

def leave(number, frame):
    print("status:", runner.job(sys.argv[2]).status, flush=True)
    os._exit(0)

runner = Runner.connect(sys.argv[1])
signal.signal(signal.SIGTERM, leave)
print("ready", flush=True)
while True:
    select.select([], [], [], 0.05)
"""


@case(35)
def test_the_program_itself_is_told_stopping(home: Path, isolation: Isolation) -> None:
    with Runner(home / "data") as runner:
        program = [sys.executable, "-c", _ASKS_THE_SUPERVISOR, str(runner.data_dir), "asks"]
        here = str(Path(__file__).parents[2])
        job = runner.train(program, name="asks", grace=5, isolation=isolation, cwd=here)
        job.wait_for_log("ready", timeout=PATIENCE)
        job.stop()
        assert "status: Stopping\n" in Trail(runner, job).log()


@case(35)
def test_stopped_comes_after_the_last_process(runner: Runner, train: Jobs) -> None:
    job = train(probe("leaves-child", 3), grace=5)
    trail = Trail(runner, job)
    job.look()
    (look,) = trail.facts(FactName.LOOK)
    pids = {process["pid"] for process in look["processes"]}
    assert len(pids) == 4
    job.stop(wait=False)
    job.wait(PATIENCE)
    assert not pids & set(living())
    gone = trail.one(FactName.GONE)
    assert all(fact["n"] < gone["n"] for fact in trail.facts(FactName.ENDED, FactName.PROCESS_ENDED))
    assert len(trail.facts(FactName.PROCESS_ENDED)) == 3
    last = job.detail()["transitions"][-1]
    assert last["status"] == "Stopped"
    assert last["start"] * 1e9 >= gone["w"] - 1e3  # seconds as a float hold microseconds


@case(41)
def test_all_who_wait_get_the_same(runner: Runner, train: Jobs) -> None:
    job = train(probe("slow", 0.2, 3), grace=5)
    begun = threading.Barrier(4)

    def wait(_: int) -> dict[str, object]:
        begun.wait(PATIENCE)
        return runner.call(runner.verbs.wait(Kind.TRAINING, job.name, PATIENCE))

    with ThreadPoolExecutor(3) as pool:
        early = pool.map(wait, range(3))
        begun.wait(PATIENCE)
        job.stop(wait=False)
        results = list(early)
    late = wait_late(runner, job)
    assert results == [late] * 3
    assert (late["status"], late["exit_code"]) == ("Stopped", 3)


def wait_late(runner: Runner, job: Job) -> dict[str, object]:
    return runner.call(runner.verbs.wait(Kind.TRAINING, job.name, 0.0))


@case(41)
def test_a_waiter_that_gives_up_takes_nothing_from_the_others(train: Jobs) -> None:
    job = train(probe("polite"), grace=5)
    with pytest.raises(WaitTimeout, match=r"0\.05 s: it is InProgress"):
        job.wait(0.05)
    with pytest.raises(WaitTimeout, match="never-printed"):
        job.wait_for_log("never-printed", timeout=0.05)
    assert job.stop().verdict.value == "graceful"


def test_a_wait_for_a_line_ends_with_the_job(train: Jobs) -> None:
    job = train(probe("polite"), grace=5)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(job.wait_for_log, "never-printed", PATIENCE)
        job.stop()
        with pytest.raises(JobEnded, match="got SIGTERM"):
            waiting.result(PATIENCE)


def test_output_can_be_followed_to_the_end(train: Jobs) -> None:
    job = train(probe("slow", 0.1), grace=5)
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(lambda: [line.text for line in job.follow()])
        job.stop()
        lines = following.result(PATIENCE)
    assert lines[1:] == ["got SIGTERM", "saved"]
    assert [line.text for line in job.logs()] == lines


def test_a_deleted_job_leaves_its_name(runner: Runner, train: Jobs) -> None:
    job = train(probe("polite"), name="again", grace=5)
    job.stop()
    job.delete()
    assert not Trail(runner, job).folder.exists()
    with pytest.raises(NoSuchJob):
        job.describe()
    assert runner.list() == []
    assert train(probe("polite"), name="again").stop().verdict.value == "graceful"


def test_what_is_closed_kills_its_private_jobs_at_once(home: Path, isolation: Isolation) -> None:
    with Runner() as runner:
        job = runner.train(probe("deaf"), grace=60, isolation=isolation)
        job.wait_for_log("ready", timeout=PATIENCE)
        pid, folder = Trail(runner, job).pid, runner.data_dir
    wait_until(lambda: pid not in living(), within=2, saying="the job lives on")
    assert not folder.exists()
