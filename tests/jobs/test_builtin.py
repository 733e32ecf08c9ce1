"""SageMaker's own algorithms: a search by one of them may leave the definition of its objective to SageMaker."""

from __future__ import annotations

from typing import Any

import pytest

from runner.errors import InvalidRequest
from runner.jobs import children
from runner.jobs.base import Defaults
from runner.jobs.reading import KnownFault
from runner.jobs.training import TRAINING
from runner.jobs.tuning import TUNING
from runner.tuning.objective import last_value
from tests.jobs.requests import Request, tuning

XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
KMEANS = "382416733822.dkr.ecr.us-east-1.amazonaws.com/kmeans"
CHINA = "387376663083.dkr.ecr.cn-north-1.amazonaws.com.cn/linear-learner@sha256:00"


def search(metric: str = "validation:rmse", **algorithm: Any) -> Request:
    """A search without definitions."""

    def change(request: Request) -> None:
        request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["MetricName"] = metric
        request["TrainingJobDefinition"]["AlgorithmSpecification"] = {"TrainingInputMode": "File", **algorithm}

    return tuning(change)


def definitions(request: Request) -> list[dict[str, str]]:
    """Those that a training of the search has."""
    TUNING.parse(request, Defaults())
    child = children.training_request(request, 1, "0" * 8, {"rate": "0.05", "depth": "7", "loss": "log"})
    TRAINING.parse(child, Defaults())
    found: list[dict[str, str]] = child["AlgorithmSpecification"].get("MetricDefinitions", [])
    return found


@pytest.mark.parametrize(
    ("metric", "lines", "value"),
    [
        ("validation:rmse", ["[0]\ttrain-rmse:7\tvalidation-rmse:8.5", "[1]\ttrain-rmse:6\tvalidation-rmse:7.5"], 7.5),
        ("train:rmse", ["[12]#011train-rmse:7.1#011validation-rmse:8.5"], 7.1),
        ("validation:ndcg@5", ["[0]\tvalidation-ndcg@5:1e-3"], 1e-3),
        ("test:msd", ["[07/09/2024 INFO 1] #quality_metric: host=algo-1, test msd <loss>=0.25"], 0.25),
        ("train:loss", ["#quality_metric: host=algo-1, epoch=0, batch=5 train loss <loss>=10.6"], 10.6),
        ("validation:mAP", ["#quality_metric: host=algo-1, epoch=3, validation mAP <score>=(0.5)"], 0.5),
        ("validation:mse", ["#quality_metric: host=algo-1, validation mse_other <loss>=1", "validation-mse:1"], None),
    ],
)
@pytest.mark.parametrize("algorithm", [{"TrainingImage": XGBOOST}, {"TrainingImage": KMEANS}, {"AlgorithmName": "own"}])
def test_the_objective_is_read_as_they_print_it(
    algorithm: Request, metric: str, lines: list[str], value: float | None
) -> None:
    (found,) = definitions(search(metric, **algorithm))
    assert found["Name"] == metric
    assert last_value(found["Regex"], lines) == value


def test_a_metric_of_another_name_is_left_alone() -> None:
    assert definitions(search("anything", TrainingImage=CHINA)) == []


def test_a_definition_that_is_given_counts() -> None:
    given = [{"Name": "validation:rmse", "Regex": "rmse=(.*)"}]
    assert definitions(search(TrainingImage=XGBOOST, MetricDefinitions=given)) == given
    other = [{"Name": "other", "Regex": "other=(.*)"}]
    assert [one["Name"] for one in definitions(search(TrainingImage=XGBOOST, MetricDefinitions=other))] == [
        "other",
        "validation:rmse",
    ]


@pytest.mark.parametrize(
    "algorithm",
    [
        {"TrainingImage": "sagemaker-xgboost:1.7-1"},
        {"TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1"},
        {"TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1"},
        {"TrainingImage": f"{XGBOOST}\n"},
        {},
    ],
)
def test_everybody_else_has_to_define_it(algorithm: Request) -> None:
    with pytest.raises(KnownFault, match="must have the metric of the objective"):
        TUNING.parse(search(**algorithm), Defaults())


def test_an_image_is_text() -> None:
    with pytest.raises(InvalidRequest) as refused:
        TUNING.parse(search(TrainingImage=7), Defaults())
    assert refused.value.field == "TrainingJobDefinition.AlgorithmSpecification.TrainingImage"
