"""Tuning jobs: the trainings that they launch, and what Describe counts of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from runner.jobs import children
from runner.jobs.base import Defaults, Kind, View
from runner.jobs.training import TRAINING
from runner.jobs.tuning import TUNING
from runner.lifecycle.phases import Phase
from runner.lifecycle.transitions import State
from tests.jobs.requests import Request, tag, tuning

ARN = "arn:aws:sagemaker:us-east-1:123456789012:hyper-parameter-tuning-job/search-1"
START = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
CHOSEN = {"rate": "0.05", "depth": "7", "loss": "log"}


@pytest.mark.parametrize(("limit", "runtime"), [({}, None), ({"MaxRuntimeInSeconds": 120}, 120.0)])
def test_what_a_request_asks_for(limit: dict[str, int], runtime: float | None) -> None:
    spec = TUNING.parse(
        tuning(lambda r: r["HyperParameterTuningJobConfig"]["ResourceLimits"].update(limit)), Defaults()
    )
    assert (spec.name, spec.max_runtime) == ("search-1", runtime)
    assert (list(spec.command), list(spec.uploads)) == ([], [])


def test_a_grid_needs_no_number_of_trainings() -> None:
    def change(request: Request) -> None:
        request["HyperParameterTuningJobConfig"] |= {
            "Strategy": "Grid",
            "ResourceLimits": {"MaxParallelTrainingJobs": 1},
            "ParameterRanges": {"CategoricalParameterRanges": [{"Name": "x", "Values": ["a", "b"]}]},
        }

    assert TUNING.parse(tuning(change), Defaults()).name == "search-1"


def test_the_request_for_a_training() -> None:
    request = tuning(Tags=[*tag("runner:grace-seconds", "3"), *tag("team", "vision")])
    child = children.training_request(request, 7, "0e830ada", CHOSEN)
    assert child["TrainingJobName"] == "search-1-007-0e830ada"
    assert child["HyperParameters"] == {"epochs": "3", **CHOSEN, "_tuning_objective_metric": "accuracy"}
    assert child["Tags"] == request["Tags"]
    spec = TRAINING.parse(child, Defaults(images={"digits": ["python", "digits.py"]}))
    assert (list(spec.command), spec.grace, spec.max_runtime) == (["python", "digits.py"], 3.0, 600.0)
    assert spec.uploads[0].uri == "s3://bucket/out/search-1-007-0e830ada/output/model.tar.gz"


@pytest.mark.parametrize(
    ("algorithm", "advice"),
    [
        ({"TrainingImage": "digits"}, 'add [images."digits"] command = [...] to runner.toml.'),
        (
            {"AlgorithmName": "own"},
            "add AlgorithmSpecification.TrainingImage NAME to the request, "
            'and [images."NAME"] command = [...] to runner.toml.',
        ),
    ],
)
def test_a_training_without_a_command_advises_what_a_search_may_have(algorithm: Request, advice: str) -> None:
    """The model has no ContainerEntrypoint for it."""
    request = tuning()
    metrics = request["TrainingJobDefinition"]["AlgorithmSpecification"]["MetricDefinitions"]
    request["TrainingJobDefinition"]["AlgorithmSpecification"] = {"MetricDefinitions": metrics, **algorithm}
    child = children.training_request(request, 1, "0e830ada", CHOSEN)
    assert TRAINING.parse(child, Defaults()).no_command.endswith(f": {advice}")
    del child["HyperParameters"]
    alone = TRAINING.parse(child, Defaults()).no_command
    assert "add AlgorithmSpecification.ContainerEntrypoint to the request" in alone


def test_the_longest_name_leaves_room_for_its_trainings() -> None:
    child = children.training_request(tuning(HyperParameterTuningJobName="a" * 32), 1000, "0" * 8, CHOSEN)
    assert TRAINING.parse(child, Defaults()).name == f"{'a' * 32}-1000-{'0' * 8}"


@pytest.mark.parametrize(
    "resources",
    [
        {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5, "AllocationStrategy": "Prioritized"},
        {"InstanceConfigs": [{"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5}]},
    ],
)
def test_clients_find_the_resources_of_a_training(resources: Request) -> None:
    def change(request: Request) -> None:
        del request["TrainingJobDefinition"]["ResourceConfig"]
        request["TrainingJobDefinition"]["HyperParameterTuningResourceConfig"] = resources

    child = children.training_request(tuning(change), 1, "0" * 8, CHOSEN)
    assert child["ResourceConfig"] == {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5}


def child(status: str, objective: float | None = None, **members: Any) -> dict[str, Any]:
    return {"name": "t", "status": status, "hyperparameters": CHOSEN, "objective": objective, **members}


def describe(launched: list[dict[str, Any]], phase: Phase = Phase.RUNNING, **members: Any) -> dict[str, Any]:
    request = members.pop("request", tuning())
    view = View(Kind.TUNING, "search-1", request, State(phase), START, START, results={"children": launched}, **members)
    return TUNING.describe(view, ARN)


LAUNCHED = [
    child("Completed", 0.8, name="a"),
    child("Completed", 0.9, name="b", started=START, ended=START),
    child("Completed", name="c"),
    child("InProgress", 0.99),
    child("Stopping"),
    child("Stopped", 0.95),
    child("Stopped"),
    child("Failed", failure="AlgorithmError: , exit code: 1"),
    child("Failed", failure="InternalServerError: x"),
]


def test_counters() -> None:
    answer = describe(LAUNCHED)
    assert answer["TrainingJobStatusCounters"] == {
        "Completed": 3,
        "InProgress": 2,
        "RetryableError": 1,
        "NonRetryableError": 1,
        "Stopped": 2,
    }
    assert answer["ObjectiveStatusCounters"] == {"Succeeded": 3, "Pending": 2, "Failed": 4}


def test_the_best_training_is_the_completed_one_with_the_best_objective() -> None:
    best = describe(LAUNCHED)["BestTrainingJob"]
    assert (best["TrainingJobName"], best["ObjectiveStatus"]) == ("b", "Succeeded")
    assert best["TrainingJobArn"] == "arn:aws:sagemaker:us-east-1:123456789012:training-job/b"
    assert best["FinalHyperParameterTuningJobObjectiveMetric"] == {
        "Type": "Maximize",
        "MetricName": "accuracy",
        "Value": 0.9,
    }
    assert best["TunedHyperParameters"] == CHOSEN


def test_the_best_of_a_minimum() -> None:
    def change(request: Request) -> None:
        request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["Type"] = "Minimize"

    launched = [child("Completed", float("nan"), name="n"), *LAUNCHED]
    assert describe(launched, request=tuning(change))["BestTrainingJob"]["TrainingJobName"] == "a"


def test_without_a_result_there_is_no_best() -> None:
    answer = describe([child("InProgress", 0.5)])
    assert {"BestTrainingJob", "OverallBestTrainingJob", "FailureReason"} & set(answer) == set()


def test_a_warm_start_has_an_overall_best() -> None:
    warm = {"WarmStartType": "IdenticalDataAndAlgorithm", "ParentHyperParameterTuningJobs": []}
    answer = describe(LAUNCHED, request=tuning(WarmStartConfig=warm))
    assert answer["OverallBestTrainingJob"] == answer["BestTrainingJob"] | {"TuningJobName": "search-1"}
    assert answer["WarmStartConfig"] == warm


def test_describe_shows_the_definition_as_aws_does() -> None:
    answer = describe([], Phase.FAILED, failure="No training job succeeded", started=START, ended=START)
    assert answer["HyperParameterTuningJobStatus"] == "Failed"
    assert answer["TrainingJobDefinition"]["StaticHyperParameters"] == {
        "epochs": "3",
        "_tuning_objective_metric": "accuracy",
    }
    assert answer["FailureReason"] == "No training job succeeded"
    assert answer["HyperParameterTuningEndTime"] == START
    assert answer["HyperParameterTuningJobConfig"]["Strategy"] == "Random"


def test_it_has_no_program() -> None:
    assert TUNING.log_stream("search-1", START) is None
