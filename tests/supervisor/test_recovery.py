"""A supervisor that was killed: the next one goes on from the records and the journals."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from runner.backends import base
from runner.lifecycle.facts import FactName, KillReason
from runner.supervisor.options import Policy
from tests.supervisor.stage import TRAINING, TUNING, Hesitant, Stage, play


def test_case_43_a_job_goes_on_and_can_be_stopped(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("busy")
        await stage.phase("job", "running")
        await stage.crash()
        await asyncio.sleep(5)
        await stage.restart()
        assert (await stage.service.summary(TRAINING, "job"))["status"] == "InProgress"
        await stage.service.stop(TRAINING, "job")
        assert (await stage.service.wait(TRAINING, "job"))["exit_code"] == 7
        assert len(await stage.facts("job", FactName.LAUNCH)) == 1

    play(tmp_path, scenario)


@pytest.mark.parametrize(("program", "status", "code"), [("quick", "Completed", 0), ("failing", "Failed", 1)])
def test_case_43_how_a_job_ended_meanwhile_is_known(tmp_path: Path, program: str, status: str, code: int) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train(program)
        await stage.phase("job", "running")
        await stage.crash()
        await asyncio.sleep(60)
        await stage.restart()
        summary = await stage.service.wait(TRAINING, "job")
        assert (summary["status"], summary["exit_code"]) == (status, code)

    play(tmp_path, scenario)


def test_case_44_the_original_deadline_holds(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("deaf", grace=30)
        await stage.phase("job", "running")
        await stage.service.stop(TRAINING, "job")
        await asyncio.sleep(10)
        await stage.crash()
        await asyncio.sleep(10)
        await stage.restart()
        assert (await stage.service.summary(TRAINING, "job"))["status"] == "Stopping"
        await stage.service.wait(TRAINING, "job")
        (signal,) = await stage.facts("job", FactName.SIGNAL)
        (kill,) = await stage.facts("job", FactName.KILL)
        assert kill["t"] - signal["t"] == pytest.approx(30e9, abs=1e7)

    play(tmp_path, scenario)


@pytest.mark.parametrize("held", ["launch", "stop", "forget"])
def test_an_order_that_was_on_record_and_not_given_is_given_by_the_next(tmp_path: Path, held: str) -> None:
    backend = Hesitant()

    async def scenario(stage: Stage) -> None:
        backend.held = {held}
        await stage.train("good")
        if held != "launch":
            await stage.phase("job", "running")
            await stage.service.stop(TRAINING, "job")
        await asyncio.sleep(10)
        assert backend.heard(held) == []
        await stage.crash()
        backend.held = set()
        await stage.restart()
        if held == "launch":
            await stage.phase("job", "running")
            await stage.service.stop(TRAINING, "job")
        assert (await stage.service.wait(TRAINING, "job"))["status"] == "Stopped"
        assert len(await stage.facts("job", FactName.LAUNCH)) == len(await stage.facts("job", FactName.SIGNAL)) == 1

    play(tmp_path, scenario, backend=backend)


def test_a_stop_that_came_before_a_lost_launch_still_ends_stopped(tmp_path: Path) -> None:
    backend = Hesitant()

    async def scenario(stage: Stage) -> None:
        backend.held = {"launch"}
        await stage.train("good")
        await stage.phase("job", "launching")
        await stage.service.stop(TRAINING, "job")
        await stage.crash()
        backend.held = set()
        await stage.restart()
        assert (await stage.service.wait(TRAINING, "job"))["status"] == "Stopped"

    play(tmp_path, scenario, backend=backend)


def test_a_kill_that_was_ordered_is_repeated(tmp_path: Path) -> None:
    backend = Hesitant()

    async def scenario(stage: Stage) -> None:
        await stage.train("deaf", grace=1000)
        await stage.phase("job", "running")
        backend.held = {"stop"}
        await stage.service.stop(TRAINING, "job", now=True)
        await stage.crash()
        backend.held = set()
        await stage.restart()
        await stage.service.wait(TRAINING, "job", timeout=1)
        (kill,) = await stage.facts("job", FactName.KILL)
        assert kill["why"] == KillReason.NOW.value

    play(tmp_path, scenario, backend=backend)


def test_what_was_uploaded_is_not_uploaded_again_from_cleared_folders(tmp_path: Path) -> None:
    backend = Hesitant()

    async def scenario(stage: Stage) -> None:
        backend.held = {"forget"}
        await stage.train("quick")
        await stage.phase("job", "running")
        (tmp_path / "jobs/training/job/ml/model/weights").write_text("7" * 1000)
        await asyncio.sleep(60)
        model = tmp_path / "objects/bucket/out/job/output/model.tar.gz"
        sent = model.read_bytes()
        assert not (tmp_path / "jobs/training/job/ml").exists()
        await stage.crash()
        backend.held = set()
        await stage.restart()
        assert (await stage.service.wait(TRAINING, "job"))["status"] == "Completed"
        assert model.read_bytes() == sent

    play(tmp_path, scenario, backend=backend)


def test_a_time_limit_goes_on_counting(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("good", StoppingCondition={"MaxRuntimeInSeconds": 60})
        await stage.phase("job", "running")
        await asyncio.sleep(20)
        await stage.crash()
        await asyncio.sleep(20)
        await stage.restart()
        await stage.service.wait(TRAINING, "job")
        (executed,) = await stage.facts("job", FactName.EXECUTED)
        (stop,) = await stage.facts("job", FactName.STOP)
        assert stop["t"] - executed["t"] == pytest.approx(60e9, abs=1e7)

    play(tmp_path, scenario)


@pytest.mark.parametrize("where", ["while the supervisor runs", "while there is none"])
def test_case_46_a_job_whose_keeper_died_has_failed(tmp_path: Path, where: str) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("good")
        await stage.phase("job", "running")
        if where == "while there is none":
            await stage.crash()
            stage.backend.die()
            await stage.restart()
        else:
            stage.backend.die()
        summary = await stage.service.wait(TRAINING, "job")
        assert summary["status"] == "Failed"
        assert summary["failure"].startswith("InternalServerError: ")
        assert len(await stage.facts("job", FactName.LOST)) == 1
        await stage.train("quick", "next")
        assert (await stage.service.wait(TRAINING, "next"))["status"] == "Completed"

    play(tmp_path, scenario)


def test_a_job_whose_keeper_died_during_its_stop_is_stopped(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("deaf")
        await stage.phase("job", "running")
        await stage.service.stop(TRAINING, "job")
        await asyncio.sleep(1)
        stage.backend.die()
        assert (await stage.service.wait(TRAINING, "job"))["status"] == "Stopped"

    play(tmp_path, scenario)


def test_an_exit_that_was_seen_before_the_keeper_died_is_kept(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("failing")
        await stage.phase("job", "running")
        await stage.crash()
        await asyncio.sleep(60)
        stage.backend.die()
        journal = base.journal(tmp_path / "jobs/training/job")
        *before, gone = journal.read_bytes().splitlines(keepends=True)
        assert json.loads(gone)["fact"] == FactName.GONE.value
        journal.write_bytes(b"".join(before) + gone[:20])
        await stage.restart()
        summary = await stage.service.wait(TRAINING, "job")
        assert (summary["status"], summary["exit_code"]) == ("Failed", 1)

    play(tmp_path, scenario)


def test_half_a_fact_waits_for_its_other_half(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("good")
        await stage.phase("job", "running")
        journal = base.journal(tmp_path / "jobs/training/job")
        template = json.loads(journal.read_bytes().splitlines()[-1])
        ended = {**template, "n": template["n"] + 1, "fact": "ended", "code": 0, "signal": None}
        gone = {**template, "n": template["n"] + 2, "fact": "gone", "log": 0}
        text = b"".join(json.dumps(fact).encode() + b"\n" for fact in (ended, gone))
        for piece in (text[:-5], text[-5:]):
            assert (await stage.service.summary(TRAINING, "job"))["phase"] == "running"
            with journal.open("ab") as file:
                file.write(piece)
            stage.service._core.engine.grown("training/job")
            await asyncio.sleep(0.1)
        assert (await stage.service.wait(TRAINING, "job"))["status"] == "Completed"

    play(tmp_path, scenario)


def test_a_wake_up_for_nothing_changes_nothing(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("good")
        await stage.phase("job", "running")
        before = await stage.service.summary(TRAINING, "job")
        for key in ("training/job", "training/unknown"):
            stage.service._core.engine.grown(key)
        await asyncio.sleep(1)
        assert await stage.service.summary(TRAINING, "job") == before

    play(tmp_path, scenario)


@pytest.mark.parametrize("policy", [Policy.NAMED, Policy.SERVE])
def test_case_55_the_jobs_of_a_named_directory_get_their_stop_and_those_of_a_server_go_on(
    tmp_path: Path, policy: Policy
) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.crash()
        stage.options = stage.options.__class__(policy=policy)
        await stage.restart()
        await stage.train("good")
        await stage.tune("good")
        await stage.phase("job", "running")
        await stage.phase("search", "running", kind=TUNING)
        await asyncio.sleep(1)
        await stage.crash()
        if policy is Policy.NAMED:
            stage.backend.owner_gone()
        await stage.restart()
        if policy is Policy.NAMED:
            for kind, name in ((TRAINING, "job"), (TUNING, "search")):
                assert (await stage.service.wait(kind, name))["status"] == "Stopped"
        await asyncio.sleep(60)
        statuses = {summary["status"] for summary in await stage.service.list()}
        assert statuses == ({"Stopped"} if policy is Policy.NAMED else {"InProgress"})
        assert len(stage.backend.heard("launch")) == len({launch.job for launch in stage.backend.heard("launch")}) == 3

    play(tmp_path, scenario)


def test_case_50_all_jobs_are_listed_after_a_restart(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        names = [await stage.train("good", f"job-{number}") for number in range(100)]
        for name in names:
            await stage.phase(name, "running")
        await stage.crash()
        await stage.restart()
        listed = await stage.service.list(TRAINING)
        assert [summary["name"] for summary in listed] == names
        assert {summary["status"] for summary in listed} == {"InProgress"}

    play(tmp_path, scenario)
