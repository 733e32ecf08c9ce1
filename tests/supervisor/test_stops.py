"""Stops as they are on record: once, durable before anyone hears of them, and the job's own from then on."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from runner.backends.base import Stop
from runner.errors import InvalidRequest, JobEnded, NoSuchJob, RunnerClosed, WaitTimeout
from runner.lifecycle.facts import FactName, KillReason
from runner.lifecycle.stops import Isolation
from runner.testing.fake import FakeBackend
from tests.supervisor.stage import PROGRAMS, TRAINING, Hesitant, Stage, play


def on_record(data_dir: Path, name: str = "job") -> str:
    """The job's phase as another process reads it."""
    with closing(sqlite3.connect(data_dir / "records.sqlite")) as records:
        (phase,) = records.execute("SELECT phase FROM jobs WHERE name = ?", (name,)).fetchone()
    return str(phase)


def test_case_35_stopping_is_durable_before_the_backend_hears_of_it(tmp_path: Path) -> None:
    seen: list[str] = []

    class Watching(FakeBackend):
        async def stop(self, stops: Sequence[Stop]) -> None:
            seen.append(on_record(tmp_path))
            await super().stop(stops)

    async def scenario(stage: Stage) -> None:
        await stage.train("good")
        await stage.phase("job", "running")
        await stage.service.stop(TRAINING, "job")
        assert on_record(tmp_path) == "stopping"
        assert seen == []
        await stage.service.wait(TRAINING, "job")
        assert seen == ["stopping"]
        (gone,) = await stage.facts("job", FactName.GONE)
        assert (await stage.service.summary(TRAINING, "job"))["ended"] >= gone["w"] / 1e9

    play(tmp_path, scenario, backend=Watching(PROGRAMS))


def test_case_05_an_exit_code_is_kept_apart_from_the_status(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("busy")
        await stage.phase("job", "running")
        await stage.service.stop(TRAINING, "job")
        summary = await stage.service.wait(TRAINING, "job")
        assert (summary["status"], summary["exit_code"], summary["exit_signal"]) == ("Stopped", 7, None)

    play(tmp_path, scenario)


@pytest.mark.parametrize("second", [None, 1.0, 500.0])
def test_case_07_08_a_second_stop_neither_signals_nor_moves_the_deadline(tmp_path: Path, second: float | None) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("deaf", grace=30)
        await stage.phase("job", "running")
        await stage.service.stop(TRAINING, "job")
        await asyncio.sleep(10)
        await stage.service.stop(TRAINING, "job", grace=second)
        await stage.service.wait(TRAINING, "job")
        (signal,) = await stage.facts("job", FactName.SIGNAL)
        (kill,) = await stage.facts("job", FactName.KILL)
        assert kill["t"] - signal["t"] == pytest.approx(30e9, abs=1e7)
        assert (await stage.service.summary(TRAINING, "job"))["grace"] == 30
        assert len(stage.backend.heard("stop")) == 1

    play(tmp_path, scenario)


def test_a_grace_of_the_stop_takes_the_place_of_the_jobs_own(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("deaf", grace=30)
        await stage.phase("job", "running")
        await stage.service.stop(TRAINING, "job", grace=4)
        await stage.service.wait(TRAINING, "job")
        (stop,) = await stage.facts("job", FactName.STOP)
        assert stop["grace"] == 4

    play(tmp_path, scenario)


@pytest.mark.parametrize("grace", [-1, float("nan"), float("inf"), 86_401, True, "5"])
def test_a_grace_that_cannot_be_kept_is_refused_and_nothing_is_stopped(tmp_path: Path, grace: Any) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("good")
        await stage.phase("job", "running")
        with pytest.raises(InvalidRequest) as refused:
            await stage.service.stop(TRAINING, "job", grace=grace)
        assert refused.value.field == "grace"
        assert on_record(tmp_path) == "running"

    play(tmp_path, scenario)


@pytest.mark.parametrize("first", ["stopping already", "running"])
def test_stop_now_does_not_wait_for_the_deadline_and_the_journal_says_why(tmp_path: Path, first: str) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("deaf", grace=1000)
        await stage.phase("job", "running")
        if first != "running":
            await stage.service.stop(TRAINING, "job")
            await asyncio.sleep(5)
        await stage.service.stop(TRAINING, "job", now=True)
        await stage.service.wait(TRAINING, "job", timeout=1)
        (signal,) = await stage.facts("job", FactName.SIGNAL)
        (kill,) = await stage.facts("job", FactName.KILL)
        assert kill["why"] == KillReason.NOW.value
        assert kill["n"] > signal["n"]

    play(tmp_path, scenario)


def test_case_09_a_client_that_gives_up_stops_nothing_of_the_stop(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("deaf", grace=5)
        await stage.phase("job", "running")
        asking = asyncio.create_task(stage.service.stop(TRAINING, "job"))
        await asyncio.sleep(0)
        asking.cancel()
        summary = await stage.service.wait(TRAINING, "job", timeout=10)
        assert summary["status"] == "Stopped"

    play(tmp_path, scenario)


def test_case_10_a_stop_of_a_job_that_has_ended_is_refused_with_its_status(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("quick")
        await stage.service.wait(TRAINING, "job")
        before = (await stage.service.report(TRAINING, "job"))["facts"]
        with pytest.raises(JobEnded) as refused:
            await stage.service.stop(TRAINING, "job")
        assert refused.value.status == "Completed"
        assert (await stage.service.report(TRAINING, "job"))["facts"] == before
        assert on_record(tmp_path) == "completed"
        assert stage.backend.heard("stop") == []

    play(tmp_path, scenario)


def test_case_11_a_job_that_is_not_there(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        for ask in (stage.service.stop, stage.service.describe, stage.service.wait, stage.service.delete):
            with pytest.raises(NoSuchJob, match="nothing"):
                await ask(TRAINING, "nothing")

    play(tmp_path, scenario)


def test_case_13_a_stop_in_the_instant_of_a_natural_end(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("quick")
        await stage.phase("job", "running")
        # Read here as the keeper wrote it, but not yet applied: the stop is accepted first.
        (executed,) = await stage.facts("job", FactName.EXECUTED)
        loop = asyncio.get_running_loop()
        await asyncio.sleep(executed["t"] / 1e9 + 5.0 - loop.time())
        await stage.service.stop(TRAINING, "job")
        summary = await stage.service.wait(TRAINING, "job")
        assert summary["status"] == "Stopped"
        assert (summary["exit_code"], summary["failure"]) == (0, None)

    play(tmp_path, scenario)


def test_case_41_everyone_who_waits_gets_the_same(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("busy")
        await stage.phase("job", "running")
        early = [asyncio.create_task(stage.service.wait(TRAINING, "job")) for _ in range(2)]
        given_up = asyncio.create_task(stage.service.wait(TRAINING, "job"))
        await asyncio.sleep(1)
        given_up.cancel()
        await stage.service.stop(TRAINING, "job")
        answers = await asyncio.gather(*early)
        late = await stage.service.wait(TRAINING, "job")
        assert answers == [late, late]
        assert late["status"] == "Stopped"

    play(tmp_path, scenario)


def test_who_gives_up_waiting_leaves_nothing_behind(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("good")
        for _ in range(3):
            with pytest.raises(WaitTimeout):
                await stage.service.wait(TRAINING, "job", timeout=1)
        assert [*stage.service._core.waiters._ends.values()] == [[]]

    play(tmp_path, scenario)


def test_a_stop_that_comes_after_a_failure_and_before_its_end_ends_stopped_without_a_reason(tmp_path: Path) -> None:
    backend = Hesitant()

    async def scenario(stage: Stage) -> None:
        backend.held = {"forget"}
        await stage.train("failing")
        await stage.phase("job", "uploading-failed")
        assert (await stage.service.summary(TRAINING, "job"))["failure"]
        await stage.service.stop(TRAINING, "job")
        await stage.crash()
        backend.held = set()
        await stage.restart()
        summary = await stage.service.wait(TRAINING, "job")
        assert (summary["status"], summary["exit_code"], summary["failure"]) == ("Stopped", 1, None)

    play(tmp_path, scenario, backend=backend)


def test_a_wait_that_is_over_says_how_the_job_is(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("good")
        with pytest.raises(WaitTimeout, match="7 s: it is InProgress"):
            await stage.service.wait(TRAINING, "job", timeout=7)

    play(tmp_path, scenario)


def test_many_stops_at_once_are_one_order(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        names = [await stage.train("good", f"job-{number}") for number in range(50)]
        for name in names:
            await stage.phase(name, "running")
        await asyncio.gather(*(stage.service.stop(TRAINING, name) for name in names))
        await asyncio.gather(*(stage.service.wait(TRAINING, name) for name in names))
        (stops,) = stage.backend.heard("stop")
        assert len(stops) == 50

    play(tmp_path, scenario)


def test_finishing_stops_every_job_with_its_own_grace_and_takes_no_more(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("deaf", "short", grace=2)
        await stage.train("deaf", "long", grace=20)
        await stage.tune("good")
        await stage.phase("long", "running")
        await stage.service.finish()
        summaries = await stage.service.list()
        assert {summary["status"] for summary in summaries} == {"Stopped"}
        took = {summary["name"]: summary["ended"] - summary["started"] for summary in summaries}
        assert took["long"] - took["short"] == pytest.approx(18, abs=0.5)

    play(tmp_path, scenario)


def test_a_second_signal_kills_what_finishing_waits_for(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("deaf", grace=1000)
        await stage.phase("job", "running")
        finishing = asyncio.create_task(stage.service.finish())
        await asyncio.sleep(1)
        await stage.service.hurry()
        await asyncio.wait_for(finishing, 1)
        (kill,) = await stage.facts("job", FactName.KILL)
        assert kill["why"] == KillReason.NOW.value

    play(tmp_path, scenario)


def test_a_stop_in_the_same_turn_as_the_create_is_of_the_same_job(tmp_path: Path) -> None:
    """Two clients at once: whoever stops it first finds the job that the other one has just created."""

    async def scenario(stage: Stage) -> None:
        for _ in range(2):  # what the backend would remember of the first would be taken for the second
            await asyncio.gather(stage.train("good"), stage.service.stop(TRAINING, "job"))
            assert (await stage.service.wait(TRAINING, "job"))["status"] == "Stopped"
            assert await stage.path("job") == ["Starting", "Stopping", "Stopped"]
            assert stage.backend.heard("launch") == []
            await stage.service.delete(TRAINING, "job")
        await stage.train("good")
        await stage.phase("job", "running")

    play(tmp_path, scenario)


def test_a_stop_in_the_turn_in_which_the_job_is_deleted(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("quick")
        await stage.service.wait(TRAINING, "job")
        deleted, stopped = await asyncio.gather(
            stage.service.delete(TRAINING, "job"), stage.service.stop(TRAINING, "job"), return_exceptions=True
        )
        assert deleted is None
        assert isinstance(stopped, JobEnded)
        assert stopped.status == "Deleting"

    play(tmp_path, scenario)


class Pondering(FakeBackend):
    """Takes its time to say in which isolation a job will run."""

    async def isolation(self, wanted: Isolation | None) -> Isolation:
        await asyncio.sleep(10)
        return await super().isolation(wanted)


def test_no_job_begins_behind_the_end(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        creating = asyncio.create_task(stage.train("good"))
        await asyncio.sleep(1)
        await stage.service.finish()
        with pytest.raises(RunnerClosed):
            await creating
        assert await stage.service.list() == []

    play(tmp_path, scenario, backend=Pondering(PROGRAMS))
