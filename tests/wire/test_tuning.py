"""What DescribeHyperParameterTuningJob adds to what it was told."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

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
