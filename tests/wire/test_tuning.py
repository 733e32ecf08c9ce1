"""What DescribeHyperParameterTuningJob adds to what it was told."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from runner.jobs.base import Defaults
from runner.settings import Settings
from runner.supervisor.options import Options, Policy
from runner.testing.fake import FakeBackend
from runner.testing.programs import Output, Program
from tests.clients import requests
from tests.supervisor.stage import TUNING, Stage, play, several
from tests.wire.asking import Asking

CONFIG = "HyperParameterTuningJobConfig"
EMPTY: dict[str, Any] = {
    "IntegerParameterRanges": [],
    "ContinuousParameterRanges": [],
    "CategoricalParameterRanges": [],
}


def described(data_dir: Path, request: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}

    async def scenario(stage: Stage) -> None:
        asking = Asking(stage)
        await asking("CreateHyperParameterTuningJob", **request)
        name = "HyperParameterTuningJobName"
        found.update(await asking("DescribeHyperParameterTuningJob", **{name: request[name]}))

    play(data_dir, scenario)
    return found


def test_defaults_and_every_list(tmp_path: Path) -> None:
    request = requests.tuning("search-1")
    config = described(tmp_path / "data", request)[CONFIG]
    assert config["TrainingJobEarlyStoppingType"] == "Off"
    assert config["ParameterRanges"] == {**EMPTY, **request[CONFIG]["ParameterRanges"]}


def test_too_few_combinations_in_awss_words(tmp_path: Path) -> None:
    """As seen in aws/amazon-sagemaker-operator-for-k8s#123."""
    request = requests.tuning("search-1", most=10)
    request[CONFIG] |= {
        "Strategy": "Grid",
        "ParameterRanges": {"CategoricalParameterRanges": [{"Name": "loss", "Values": ["a", "b", "c"]}]},
    }

    async def scenario(stage: Stage) -> None:
        answer = await Asking(stage).answer("CreateHyperParameterTuningJob", request)
        assert (answer.status, answer.code) == (400, "ValidationException")
        assert answer.message == (
            "You don't have enough combinations of hyperparameter ranges. The total number of hyperparameter "
            "combinations for the provided ranges [3.0] must be equal or greater than the value of MaxNumberOfJobs, "
            "[10]. Provide additional ranges."
        )

    play(tmp_path / "data", scenario)


@pytest.mark.parametrize("wanted", ["Off", "Auto"])
def test_what_was_told_stays(tmp_path: Path, wanted: str) -> None:
    request = requests.tuning("search-1")
    request[CONFIG]["TrainingJobEarlyStoppingType"] = wanted
    assert described(tmp_path / "data", request)[CONFIG]["TrainingJobEarlyStoppingType"] == wanted


def test_every_list_of_each_definition(tmp_path: Path) -> None:
    request = requests.tuning("search-1")
    definition = request.pop("TrainingJobDefinition")
    definition |= {
        "DefinitionName": "first",
        "TuningObjective": request[CONFIG].pop("HyperParameterTuningJobObjective"),
        "HyperParameterRanges": request[CONFIG].pop("ParameterRanges"),
    }
    request["TrainingJobDefinitions"] = [copy.deepcopy(definition)]
    answer = described(tmp_path / "data", request)
    (shown,) = answer["TrainingJobDefinitions"]
    assert shown["HyperParameterRanges"] == {**EMPTY, **definition["HyperParameterRanges"]}
    assert "ParameterRanges" not in answer[CONFIG]


def test_a_listed_objective_is_that_of_the_trainings_own_definition(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.service.create(TUNING, several(2))
        await stage.service.wait(TUNING, "search")
        found = await Asking(stage)("ListTrainingJobsForHyperParameterTuningJob", HyperParameterTuningJobName="search")
        assert [job["FinalHyperParameterTuningJobObjectiveMetric"] for job in found["TrainingJobSummaries"]] == [
            {"Type": "Maximize", "MetricName": "accuracy", "Value": 0.75},
            {"Type": "Minimize", "MetricName": "loss", "Value": 0.75},
        ]

    play(tmp_path, scenario)


def of_xgboost(image: str = requests.BUILT_IN) -> dict[str, Any]:
    """A search whose objective the algorithm defines."""
    request = requests.tuning("search-1", most=2)
    request[CONFIG]["HyperParameterTuningJobObjective"] = {"Type": "Minimize", "MetricName": "validation:rmse"}
    request["TrainingJobDefinition"]["AlgorithmSpecification"] = {"TrainingImage": image, "TrainingInputMode": "File"}
    return request


def test_the_objective_of_a_built_in_algorithm(tmp_path: Path) -> None:
    output = [Output(t, f"[{t}]\ttrain-rmse:7.0\tvalidation-rmse:{9.5 - t}") for t in (1, 2)]
    backend = FakeBackend({"boost": Program(lasts=5.0, output=output)})
    options = Options(policy=Policy.SERVE, defaults=Defaults(images={requests.BUILT_IN: ["boost"]}))

    async def scenario(stage: Stage) -> None:
        asking = Asking(stage)
        await asking("CreateHyperParameterTuningJob", **of_xgboost())
        await stage.service.wait(TUNING, "search-1")
        name = {"HyperParameterTuningJobName": "search-1"}
        search = await asking("DescribeHyperParameterTuningJob", **name)
        assert search["HyperParameterTuningJobStatus"] == "Completed"
        assert search["ObjectiveStatusCounters"]["Succeeded"] == 2
        assert search["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == 7.5
        assert "MetricDefinitions" not in search["TrainingJobDefinition"]["AlgorithmSpecification"]
        best = await asking("DescribeTrainingJob", TrainingJobName=search["BestTrainingJob"]["TrainingJobName"])
        assert [one["Name"] for one in best["AlgorithmSpecification"]["MetricDefinitions"]] == ["validation:rmse"]
        assert [one["Value"] for one in best["FinalMetricDataList"]] == [7.5]

    play(tmp_path / "data", scenario, backend=backend, options=options)


def test_an_objective_that_nothing_defines(tmp_path: Path) -> None:
    mine = of_xgboost("123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1")

    async def scenario(stage: Stage) -> None:
        answer = await Asking(stage).answer("CreateHyperParameterTuningJob", mine)
        assert (answer.status, answer.code, answer.message) == (
            400,
            "ValidationException",
            "A metric is required for this hyperparameter tuning job objective. Provide a metric in the metric "
            "definitions.",
        )
        settings = Settings(faults={"tuning.no-metric": {"message": "no {name}"}})
        assert (await Asking(stage, settings).answer("CreateHyperParameterTuningJob", mine)).message == "no search-1"

    play(tmp_path / "data", scenario)
