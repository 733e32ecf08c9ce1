"""Tuning jobs: launches, results, and stops that take every training along."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from runner.lifecycle.facts import FactName
from runner.records import notes
from tests.supervisor.stage import TRAINING, TUNING, Hesitant, Stage, play, search, several


async def running(stage: Stage, count: int, name: str = "search") -> list[str]:
    """Names of the trainings, once so many of them run."""
    for _ in range(1000):
        trainings = await stage.service.trainings(name)
        if [training["phase"] for training in trainings].count("running") == count:
            return [training["name"] for training in trainings]
        await asyncio.sleep(0.1)
    raise AssertionError(await stage.service.trainings(name))


async def described(stage: Stage) -> dict[str, Any]:
    return await stage.service.describe(TUNING, "search")


def test_a_search_that_completes(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.tune("measured", jobs=5, parallel=2)
        assert (await stage.service.wait(TUNING, "search"))["status"] == "Completed"
        answer = await described(stage)
        assert answer["TrainingJobStatusCounters"]["Completed"] == 5
        assert answer["ObjectiveStatusCounters"]["Succeeded"] == 5
        # The last value of the log counts.
        assert answer["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == 0.75
        assert set(answer["BestTrainingJob"]["TunedHyperParameters"]) == {"rate", "depth", "loss"}

    play(tmp_path, scenario)


def test_never_more_trainings_than_allowed_run_at_once(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.tune("measured", jobs=7, parallel=3)
        most = 0
        while not (await stage.service.summary(TUNING, "search"))["terminal"]:
            phases = [training["terminal"] for training in await stage.service.trainings("search")]
            most = max(most, phases.count(False))
            await asyncio.sleep(0.5)
        assert most == 3
        assert len(await stage.service.trainings("search")) == 7

    play(tmp_path, scenario)


def test_a_search_in_which_nothing_succeeds_fails(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.tune("failing", jobs=20, parallel=2)
        summary = await stage.service.wait(TUNING, "search")
        assert summary["status"] == "Failed"
        assert "No training job succeeded after" in (await described(stage))["FailureReason"]
        assert len(await stage.service.trainings("search")) < 20

    play(tmp_path, scenario)


def test_each_training_knows_its_tuning_job_and_its_hyperparameters(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.tune("good", jobs=2, parallel=2, grace=7)
        first, second = await running(stage, 2)
        assert first.startswith("search-001-")
        assert second.startswith("search-002-")
        answers = [await stage.service.describe(TRAINING, name) for name in (first, second)]
        assert answers[0]["HyperParameters"]["rate"] != answers[1]["HyperParameters"]["rate"]
        assert answers[0]["TuningJobArn"].endswith(":hyper-parameter-tuning-job/search")
        assert {training["grace"] for training in await stage.service.trainings("search")} == {7}

    play(tmp_path, scenario)


def test_case_51_52_a_stop_takes_all_trainings_at_once_and_launches_no_more(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.tune("good", jobs=50, parallel=10)
        names = await running(stage, 10)
        await stage.service.stop(TUNING, "search")
        assert (await stage.service.summary(TUNING, "search"))["status"] == "Stopping"
        assert (await stage.service.wait(TUNING, "search"))["status"] == "Stopped"
        (stops,) = stage.backend.heard("stop")
        assert len(stops) == 10
        stop = [(await stage.facts(name, FactName.STOP))[0]["t"] for name in names]
        ended = [(await stage.facts(name, FactName.ENDED))[0]["t"] for name in names]
        assert max(stop) - min(stop) < 20e6
        assert max(stop) < min(ended)
        assert [training["name"] for training in await stage.service.trainings("search")] == names

    play(tmp_path, scenario)


def test_case_53_the_tuning_job_is_stopped_when_its_last_training_is(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.tune("deaf", jobs=2, parallel=2, grace=40)
        names = await running(stage, 2)
        await stage.service.stop(TRAINING, names[0], grace=1)
        await stage.service.stop(TUNING, "search")
        await stage.service.wait(TRAINING, names[0], timeout=5)
        assert (await stage.service.summary(TUNING, "search"))["status"] == "Stopping"
        tuning = await stage.service.wait(TUNING, "search")
        last = await stage.service.summary(TRAINING, names[1])
        assert last["ended"] - last["started"] >= 40
        assert tuning["ended"] >= last["ended"]
        assert (await described(stage))["TrainingJobStatusCounters"]["Stopped"] == 2

    play(tmp_path, scenario)


def test_case_54_a_training_that_is_stopped_alone_leaves_the_others_running(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.tune("good", jobs=3, parallel=2)
        first, _ = await running(stage, 2)
        await stage.service.stop(TRAINING, first)
        await stage.service.wait(TRAINING, first)
        names = await running(stage, 2)
        assert len(names) == 3
        assert (await stage.service.summary(TUNING, "search"))["status"] == "InProgress"

    play(tmp_path, scenario)


@pytest.mark.parametrize("after", [0.0, 5.0, 15.0, 25.0])
def test_case_55_no_training_is_launched_twice_by_the_next_supervisor(tmp_path: Path, after: float) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.tune("measured", jobs=6, parallel=2)
        await asyncio.sleep(after)
        await stage.crash()
        await asyncio.sleep(30)
        await stage.restart()
        assert (await stage.service.wait(TUNING, "search"))["status"] == "Completed"
        trainings = await stage.service.trainings("search")
        assert [training["name"][:10] for training in trainings] == [f"search-00{n}" for n in range(1, 7)]
        jobs = [launch.job for launch in stage.backend.heard("launch")]
        assert len(jobs) == len(set(jobs)) == 6
        rates = {(await stage.service.describe(TRAINING, t["name"]))["HyperParameters"]["rate"] for t in trainings}
        assert len(rates) == 6

    play(tmp_path, scenario)


def test_a_stop_goes_on_under_the_next_supervisor(tmp_path: Path) -> None:
    backend = Hesitant()

    async def scenario(stage: Stage) -> None:
        await stage.tune("good", jobs=6, parallel=3)
        await running(stage, 3)
        backend.held = {"stop"}
        await stage.service.stop(TUNING, "search")
        await asyncio.sleep(1)
        await stage.crash()
        backend.held = set()
        await stage.restart()
        assert (await stage.service.wait(TUNING, "search"))["status"] == "Stopped"
        assert {training["status"] for training in await stage.service.trainings("search")} == {"Stopped"}

    play(tmp_path, scenario, backend=backend)


def test_the_time_limit_of_a_tuning_job_stops_it(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        request = search("good", "search", 4, 2)
        request["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxRuntimeInSeconds"] = 120
        await stage.service.create(TUNING, request)
        summary = await stage.service.wait(TUNING, "search")
        assert (summary["status"], summary["cause"]) == ("Stopped", "runtime-exceeded")
        assert {training["status"] for training in await stage.service.trainings("search")} == {"Stopped"}

    play(tmp_path, scenario)


def test_the_time_limit_of_a_tuning_job_holds_across_a_boot(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        request = search("measured", "search", 400, 2)
        request["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxRuntimeInSeconds"] = 120
        await stage.service.create(TUNING, request)
        await asyncio.sleep(60)
        notes.write(stage.service._core.database, "boot", "another")
        await stage.crash()
        stage.backend.die()
        stage.clock.advance(-500)
        stage.clock.set_wall_back(-500)
        await stage.restart()
        summary = await stage.service.wait(TUNING, "search")
        assert summary["cause"] == "runtime-exceeded"
        assert summary["ended"] - summary["started"] == pytest.approx(120, abs=11)

    play(tmp_path, scenario)


def test_children_are_what_the_list_of_a_tuning_jobs_trainings_shows(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        request = search("measured", "search", 2, 1)
        request["TrainingJobDefinition"]["DefinitionName"] = "digits"
        await stage.service.create(TUNING, request)
        await stage.service.trainings("search", at_least=2, timeout=60)
        first, second = json.loads(json.dumps(await stage.service.children("search")))
        summaries = await stage.service.trainings("search")
        assert [child["name"] for child in (first, second)] == [summary["name"] for summary in summaries]
        assert (first["status"], first["objective"], first["objective_status"]) == ("Completed", 0.75, "Succeeded")
        assert (second["status"], second["objective"], second["objective_status"]) == ("InProgress", None, "Pending")
        assert (first["definition"], first["failure"], second["ended"]) == ("digits", None, None)
        assert first["created"] <= first["started"] < first["ended"] <= second["created"]
        assert set(first["hyperparameters"]) == {"rate", "depth", "loss"}
        described = await stage.service.describe(TRAINING, first["name"])
        assert described["TrainingJobArn"] == first["arn"]

    play(tmp_path, scenario)


def test_a_training_that_is_being_deleted_counts_as_what_it_was(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.tune("measured", jobs=1, parallel=1)
        await stage.service.wait(TUNING, "search")
        (child,) = await stage.service.children("search")
        database = stage.service._core.database
        database.execute("UPDATE jobs SET phase = 'deleting' WHERE name = ?", (child["name"],))
        assert (await described(stage))["TrainingJobStatusCounters"]["Completed"] == 1
        assert (await stage.service.children("search"))[0]["status"] == "Completed"

    play(tmp_path, scenario)


COUNTERS = ("TrainingJobStatusCounters", "ObjectiveStatusCounters")


@pytest.mark.parametrize("program", ["measured", "failing"])
def test_trainings_that_are_deleted_are_counted_all_the_same(tmp_path: Path, program: str) -> None:
    """The counters add up to the trainings launched: in Describe and in lists, after a restart too."""

    async def scenario(stage: Stage) -> None:
        await stage.tune(program, jobs=4, parallel=2)
        await stage.service.trainings("search", at_least=3, timeout=60)
        first, *_ = await stage.service.trainings("search")
        await stage.service.wait(TRAINING, first["name"])
        await stage.service.delete(TRAINING, first["name"])
        await stage.service.wait(TUNING, "search")
        before = {name: (await described(stage))[name] for name in COUNTERS}
        assert [sum(counters.values()) for counters in before.values()] == [4, 4]
        for training in await stage.service.trainings("search"):
            await stage.service.delete(TRAINING, training["name"])
            assert {name: (await described(stage))[name] for name in COUNTERS} == before
        await stage.crash()
        await stage.restart()
        (listed,) = (await stage.service.page(TUNING, {}))["jobs"]
        assert {name: listed[name] for name in COUNTERS} == before
        assert "BestTrainingJob" not in await described(stage)

    play(tmp_path, scenario)


def test_a_stopped_training_that_is_deleted_counts_as_stopped(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.tune("good", jobs=2, parallel=2)
        first, _ = await running(stage, 2)
        await stage.service.stop(TUNING, "search")
        await stage.service.wait(TUNING, "search")
        await stage.service.delete(TRAINING, first)
        assert (await described(stage))["TrainingJobStatusCounters"]["Stopped"] == 2

    play(tmp_path, scenario)


def test_a_training_outlives_its_tuning_job(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.tune("measured", jobs=1, parallel=1)
        await stage.service.wait(TUNING, "search")
        await stage.service.delete(TUNING, "search")
        (training,) = await stage.service.list()
        await stage.service.delete(TRAINING, training["name"])
        assert await stage.service.list() == []

    play(tmp_path, scenario)


def test_a_name_that_is_used_again_has_none_of_the_old_trainings(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        for _ in range(2):
            await stage.tune("measured", jobs=2, parallel=2)
            await stage.service.wait(TUNING, "search")
            assert (await described(stage))["TrainingJobStatusCounters"]["Completed"] == 2
            assert len(await stage.service.children("search")) == 2
            await stage.service.delete(TUNING, "search")

    play(tmp_path, scenario)


@pytest.mark.parametrize(("phase", "shown"), [("uploading-failed", None), ("failed", "why"), ("deleting", "why")])
def test_a_training_has_a_failure_reason_once_it_has_failed(tmp_path: Path, phase: str, shown: str | None) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.tune("measured", jobs=1, parallel=1)
        await stage.service.wait(TUNING, "search")
        stage.service._core.database.execute(
            "UPDATE jobs SET phase = ?, failure = 'why' WHERE kind = 'training'", (phase,)
        )
        (child,) = await stage.service.children("search")
        assert child["failure"] == shown
        assert (await stage.service.trainings("search"))[0]["failure"] == "why"

    play(tmp_path, scenario)


def test_several_definitions_are_launched_in_turn(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        tuning = several(6)
        tuning["HyperParameterTuningJobConfig"]["Strategy"] = "Grid"
        await stage.service.create(TUNING, tuning)
        await stage.service.trainings("search", at_least=2, timeout=60)
        await stage.crash()
        await stage.restart()
        assert (await stage.service.wait(TUNING, "search"))["status"] == "Completed"
        children = await stage.service.children("search")
        assert [child["definition"] for child in children] == ["a", "b", "c", "a", "b", "a"]
        assert [child["hyperparameters"] for child in children] == [
            *({"a": "1"}, {"b": "4"}, {"c": "7"}, {"a": "2"}, {"b": "5"}, {"a": "3"})
        ]
        second = await stage.service.describe(TRAINING, children[1]["name"])
        assert second["HyperParameters"] == {"of": "b", "b": "4", "_tuning_objective_metric": "loss"}
        assert second["StoppingCondition"] == {"MaxRuntimeInSeconds": 70}
        answer = await described(stage)
        assert "TrainingJobDefinition" not in answer
        static = [one["StaticHyperParameters"] for one in answer["TrainingJobDefinitions"]]
        assert [one["_tuning_objective_metric"] for one in static] == ["accuracy", "loss", "accuracy"]
        assert answer["ObjectiveStatusCounters"]["Succeeded"] == 6
        best = answer["BestTrainingJob"]
        assert best["TrainingJobDefinitionName"] == "a"
        assert best["FinalHyperParameterTuningJobObjectiveMetric"]["MetricName"] == "accuracy"

    play(tmp_path, scenario)


def test_the_grids_of_all_definitions_are_one_limit(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        tuning = several(6, parallel=4)
        config = tuning["HyperParameterTuningJobConfig"]
        config["Strategy"] = "Grid"
        del config["ResourceLimits"]["MaxNumberOfTrainingJobs"]
        await stage.service.create(TUNING, tuning)
        assert (await stage.service.wait(TUNING, "search"))["status"] == "Completed"
        assert len(await stage.service.trainings("search")) == 7

    play(tmp_path, scenario)


def test_resources_of_a_tuning_job_are_those_that_its_trainings_show(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        tuning = search("measured", "search", 1, 1)
        definition = tuning["TrainingJobDefinition"]
        resources = definition.pop("ResourceConfig")
        definition["HyperParameterTuningResourceConfig"] = {"InstanceConfigs": [resources]}
        await stage.service.create(TUNING, tuning)
        (training,) = await stage.service.trainings("search", at_least=1, timeout=60)
        answer = await stage.service.describe(TRAINING, training["name"])
        assert answer["ResourceConfig"] == resources
        assert answer["TuningJobArn"] == (await described(stage))["HyperParameterTuningJobArn"]

    play(tmp_path, scenario)


def test_autotune_tries_the_hints_as_they_are(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        tuning = search("measured", "search", 2, 1)
        hints = [{"Name": "rate", "ValueHint": "0.1"}]
        tuning["HyperParameterTuningJobConfig"]["ParameterRanges"] = {"AutoParameters": hints}
        await stage.service.create(TUNING, tuning | {"Autotune": {"Mode": "Enabled"}})
        assert (await stage.service.wait(TUNING, "search"))["status"] == "Completed"
        for training in await stage.service.trainings("search"):
            answer = await stage.service.describe(TRAINING, training["name"])
            assert answer["HyperParameters"]["rate"] == "0.1"

    play(tmp_path, scenario)


def test_stop_now_kills_all_trainings(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.tune("deaf", jobs=2, parallel=2)
        await running(stage, 2)
        await stage.service.stop(TUNING, "search", now=True)
        await stage.service.wait(TUNING, "search", timeout=1)

    play(tmp_path, scenario)


def test_a_deleted_tuning_job_leaves_its_trainings(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.tune("measured", jobs=2, parallel=2)
        await stage.service.wait(TUNING, "search")
        await stage.service.delete(TUNING, "search")
        assert {summary["kind"] for summary in await stage.service.list()} == {"training"}

    play(tmp_path, scenario)
