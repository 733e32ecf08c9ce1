"""The supervisor is killed: what it knew, what it owed, and what it finds when it comes back."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from runner import Job, Runner
from runner.lifecycle.facts import FactName
from runner.lifecycle.stops import Isolation
from tests.keeper.cases import case
from tests.probing import living, probe
from tests.runs.seeing import PATIENCE, Trail, rows, statuses, trainer
from tests.runs.serving import Served, keepers
from tests.waiting import wait_until


def exits_when(file: Path, code: int) -> list[str]:
    """A program that ends when the file is there."""
    return ["sh", "-c", f"echo ready; while [ ! -e {file} ]; do sleep 0.02; done; exit {code}"]


@case(43)
def test_jobs_are_known_again_and_stoppable(served: Served, isolation: Isolation, home: Path) -> None:
    train = trainer(served.start(), isolation)
    train(probe("exits", 4), name="runs", grace=5)
    for name, code in (("fails", 3), ("completes", 0)):
        train(exits_when(home / "now", code), name=name)
    served.kill()
    (home / "now").touch()
    for name in ("fails", "completes"):
        Trail(served.data_dir, f"training/{name}").wait_for(FactName.GONE)
    runner = served.start()
    assert [job["name"] for job in runner.list()] == ["runs", "fails", "completes"]
    fails, completes, runs = (runner.job(name) for name in ("fails", "completes", "runs"))
    assert (fails.wait(PATIENCE), fails.summary()["exit_code"]) == ("Failed", 3)
    assert fails.describe()["FailureReason"] == "AlgorithmError: , exit code: 3"
    assert (completes.wait(PATIENCE), completes.summary()["exit_code"]) == ("Completed", 0)
    assert runs.status == "InProgress"
    report = runs.stop()
    assert (runs.status, report.exit.code, report.verdict.value) == ("Stopped", 4, "graceful")
    trail = Trail(runner, runs)
    assert [trail.one(name)["a"] for name in (FactName.LAUNCH, FactName.STARTED, FactName.STOP)] == [1, 1, 1]


@case(43)
def test_the_end_of_a_job_is_when_it_ended(served: Served, isolation: Isolation, home: Path) -> None:
    trainer(served.start(), isolation)(exits_when(home / "now", 0), name="ended")
    served.kill()
    (home / "now").touch()
    trail = Trail(served.data_dir, "training/ended")
    gone = trail.wait_for(FactName.GONE)
    job = served.start().job("ended")
    assert job.wait(PATIENCE) == "Completed"
    (training, uploading) = [entry for entry in job.detail()["transitions"] if entry["status"] != "Completed"][-2:]
    assert training["end"] == uploading["start"] == pytest.approx(gone["w"] / 1e9, abs=1e-3)


GRACE = 1.5
"""Seconds; a supervisor starts in half a second on a quiet machine, so it is back before the deadline."""


@case(44)
def test_a_stop_ends_at_its_deadline_while_no_supervisor_lives(served: Served, isolation: Isolation) -> None:
    trail = stopped_and_abandoned(served, isolation)
    kill = trail.wait_for(FactName.KILL)
    trail.wait_for(FactName.GONE)
    assert kill["why"] == "deadline"
    assert_at_the_deadline(trail)
    job = served.start().job("deaf")
    assert (job.wait(PATIENCE), job.summary()["exit_signal"]) == ("Stopped", "SIGKILL")
    assert statuses(job)[-3:] == ["Stopping", "Uploading", "Stopped"]


@case(44)
def test_a_supervisor_that_comes_back_keeps_the_deadline(served: Served, isolation: Isolation) -> None:
    trail = stopped_and_abandoned(served, isolation)
    job = served.start().job("deaf")
    job.stop(grace=0.1)
    assert job.status == "Stopped"
    assert_at_the_deadline(trail)


@case(44)
def test_a_supervisor_that_is_killed_again_and_again_keeps_it_too(served: Served, isolation: Isolation) -> None:
    trail = stopped_and_abandoned(served, isolation)
    for _ in range(2):
        served.restart()
    assert served.connect().job("deaf").wait(PATIENCE) == "Stopped"
    assert_at_the_deadline(trail)


def stopped_and_abandoned(served: Served, isolation: Isolation) -> Trail:
    runner = served.start()
    job = trainer(runner, isolation)(probe("deaf"), name="deaf", grace=GRACE)
    job.stop(wait=False)
    trail = Trail(runner, job)
    trail.wait_for(FactName.SIGNAL)
    served.kill()
    return trail


def assert_at_the_deadline(trail: Trail) -> None:
    sent = trail.one(FactName.SIGNAL)
    assert sent["deadline"] - sent["t"] == GRACE * 1e9
    assert GRACE <= trail.seconds_to_kill() < GRACE + 0.25
    assert trail.one(FactName.STOP)["a"] == 1


def test_a_stop_whose_order_was_never_given_is_given_now(served: Served, isolation: Isolation) -> None:
    """Killed between the commit and the order: the records say Stopping, and nobody has told the keeper."""
    runner = served.start()
    job = trainer(runner, isolation)(probe("polite"), name="owed", grace=5)
    served.kill()
    with closing(sqlite3.connect(served.data_dir / "records.sqlite")) as connection, connection:
        connection.execute("UPDATE jobs SET phase = 'stopping', cause = 'requested'")
    again = served.start().job("owed")
    assert again.wait(PATIENCE) == "Stopped"
    assert Trail(runner, job).one(FactName.STOP)["cause"] == "requested"
    assert again.report().verdict.value == "graceful"


@case(43)
def test_jobs_of_a_keeper_that_is_killed_with_its_supervisor_have_failed(served: Served, isolation: Isolation) -> None:
    job = trainer(served.start(), isolation)(probe("polite"), name="lost", grace=5)
    trail = Trail(served.data_dir, f"training/{job.name}")
    kill_everything(served)
    lost = served.start().job("lost")
    assert lost.wait(PATIENCE) == "Failed"
    assert lost.describe()["FailureReason"].startswith("InternalServerError: ")
    assert trail.facts(FactName.LOST)
    assert trail.pid not in living()


def kill_everything(served: Served) -> None:
    """SIGKILL to supervisor and keeper: what a power loss leaves of them."""
    served.kill()
    for keeper in keepers(served.data_dir):
        os.kill(keeper, signal.SIGKILL)
    wait_until(lambda: not list(keepers(served.data_dir)), within=PATIENCE, saying="the keeper lives on")


@case(46)
@pytest.mark.parametrize("phase", ["running", "stopping"])
def test_a_job_that_ran_when_the_machine_went_down_is_no_success(
    served: Served, isolation: Isolation, phase: str
) -> None:
    job = trainer(served.start(), isolation)(probe("deaf"), name="rebooted", grace=60)
    trail = Trail(served.data_dir, f"training/{job.name}")
    if phase == "stopping":
        job.stop(wait=False)
        trail.wait_for(FactName.SIGNAL)
    kill_everything(served)
    bystander = psutil.Popen(["sleep", "60"])
    try:
        another_boot(trail, bystander)
        rebooted = served.start().job("rebooted")
        assert rebooted.wait(PATIENCE) == ("Failed" if phase == "running" else "Stopped")
        assert (rebooted.summary()["exit_code"], rebooted.summary()["exit_signal"]) == (None, None)
        assert rebooted.report().verdict.value != "graceful"
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def another_boot(trail: Trail, bystander: psutil.Process) -> None:
    """Rewrite the journal: another boot, in which a stranger of today's had the main process's pid."""
    boot, start = trail.one(FactName.LAUNCH)["boot"], trail.one(FactName.STARTED)
    ticks = Path(f"/proc/{bystander.pid}/stat").read_text().rpartition(")")[2].split()[19]
    journal = trail.folder / "journal.jsonl"
    text = journal.read_text().replace(boot, "00000000-0000-4000-8000-000000000000")
    text = text.replace(f'"pid":{start["pid"]}', f'"pid":{bystander.pid}')
    text = text.replace(f'"start":{start["start"]}', f'"start":{ticks}')
    assert text.count(f'"pid":{bystander.pid}') >= 1
    assert boot not in text
    journal.write_text(text)


@case(47)
@pytest.mark.parametrize("bytes_lost", [1, 40])
def test_a_torn_journal_is_read_as_far_as_it_goes(served: Served, isolation: Isolation, bytes_lost: int) -> None:
    job = trainer(served.start(), isolation)(probe("polite"), name="torn", grace=5)
    trail = Trail(served.data_dir, f"training/{job.name}")
    kill_everything(served)
    journal = trail.folder / "journal.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(whole[:-bytes_lost])
    runner = served.start()
    torn = runner.job("torn")
    assert torn.wait(PATIENCE) == "Failed"
    assert torn.describe()["FailureReason"].startswith("InternalServerError: ")
    assert [fact["fact"] for fact in torn.facts()][-1] == "lost"
    assert journal.read_bytes().startswith(whole[:-bytes_lost])
    assert trainer(runner, isolation)(probe("polite"), grace=5).stop().verdict.value == "graceful"


@case(47)
@pytest.mark.parametrize("kept", [0.0, 0.4, 0.8, 0.999])
def test_records_that_lost_their_last_writes_are_used_as_they_are(served: Served, kept: float) -> None:
    first = finished(served.start(), "first")
    with closing(sqlite3.connect(served.data_dir / "records.sqlite")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finished(served.connect(), "second")
    kill_everything(served)
    wal = served.data_dir / "records.sqlite-wal"
    os.truncate(wal, int(wal.stat().st_size * kept))
    (served.data_dir / "records.sqlite-shm").unlink(missing_ok=True)
    runner = served.start()
    assert runner.job(first.name).status == "Completed"
    known = [job["name"] for job in runner.list()]
    assert known in (["first"], ["first", "second"])
    if known == ["first"]:
        finished(runner, "second")
    assert runner.wait("second", PATIENCE) == "Completed"
    assert rows(served.data_dir, "PRAGMA integrity_check") == [{"integrity_check": "ok"}]


def finished(runner: Runner, name: str) -> Job:
    job = runner.train(["true"], name=name)
    assert job.wait(PATIENCE) == "Completed"
    return job


@case(47)
@pytest.mark.parametrize("stopping", [False, True])
@pytest.mark.parametrize("facts_kept", [0, 2])
def test_a_journal_that_lost_what_is_on_record_ends_its_job(
    served: Served, isolation: Isolation, facts_kept: int, stopping: bool
) -> None:
    job = trainer(served.start(), isolation)(probe("deaf"), name="lost", grace=60)
    trail = Trail(served.data_dir, f"training/{job.name}")
    if stopping:
        job.stop(wait=False)
        trail.wait_for(FactName.SIGNAL)
    kill_everything(served)
    journal = trail.folder / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    shutil.rmtree(trail.folder)
    if facts_kept:
        trail.folder.mkdir()
        journal.write_bytes(b"".join(lines[:facts_kept]))
    lost = served.start().job("lost")
    assert lost.wait(PATIENCE) == ("Stopped" if stopping else "Failed")
    assert lost.summary()["exit_code"] is None
    assert [fact["fact"] for fact in lost.facts()] == [*["launch", "started"][:facts_kept], "lost"]


@case(50)
def test_a_hundred_jobs_survive_and_are_listed(served: Served, isolation: Isolation) -> None:
    runner = served.start()
    names = [runner.train(["sleep", "1000"], isolation=isolation, name=f"job-{n}", grace=0).name for n in range(100)]
    wait_until(
        lambda: all(Trail(runner, f"training/{name}").facts(FactName.EXECUTED) for name in names),
        within=PATIENCE,
        saying=lambda: str([job["phase"] for job in runner.list()]),
    )
    runner = served.restart()
    assert [(job["name"], job["status"]) for job in runner.list()] == [(name, "InProgress") for name in names]
    for name in names:
        runner.job(name).stop(wait=False)
    assert {runner.wait(name, PATIENCE) for name in names} == {"Stopped"}
    assert all(len(Trail(runner, f"training/{name}").facts(FactName.LAUNCH)) == 1 for name in names)
