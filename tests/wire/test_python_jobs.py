"""Jobs that were begun from Python: AWS clients see them as they see their own."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from runner.api import requests
from runner.api.requests import Objective, Training
from runner.jobs.base import Kind
from runner.wire import model
from runner.wire.validation import checked
from tests.supervisor.stage import Stage, play
from tests.wire.asking import Asking

OBJECTIVE = Objective("accuracy", "accuracy=([0-9.]+)")
PLAIN = Training(["good"], None, None, {}, None)
FULL = Training(["good", "x"], {"A": "b"}, {"rate": 0.1}, {"train": "s3://bucket/data"}, 60)
STILL = FULL._replace(hyperparameters=None)
SEARCH = requests.search({"rate": (0.1, 0.5), "loss": ["a", "b"], "n": (1, 3)}, OBJECTIVE, 3, 1, "Random")
WISHES = requests.tags(5, "plain", {"team": "a"})
REQUESTS: list[tuple[str, Kind, dict[str, Any]]] = [
    ("TrainingJob", Kind.TRAINING, requests.training("a", PLAIN, [])),
    ("TrainingJob", Kind.TRAINING, requests.training("a", FULL, WISHES, "s3://bucket/checkpoints")),
    ("CompilationJob", Kind.COMPILATION, requests.compilation("a", "s3://b2c/model.tar.gz", "xgboost", "ml_c5", 900)),
    ("HyperParameterTuningJob", Kind.TUNING, requests.tuning("a", SEARCH, PLAIN, OBJECTIVE, [])),
    (
        "HyperParameterTuningJob",
        Kind.TUNING,
        requests.tuning("a", SEARCH, FULL._replace(hyperparameters=None), OBJECTIVE, WISHES),
    ),
]


@pytest.mark.parametrize(("name", "kind", "request_"), REQUESTS)
def test_they_are_what_the_model_allows(tmp_path: Path, name: str, kind: Kind, request_: dict[str, Any]) -> None:
    expected = copy.deepcopy(request_)
    if kind is Kind.TUNING:
        # Ours: SageMaker's tuning jobs have images only.
        del expected["TrainingJobDefinition"]["AlgorithmSpecification"]["ContainerEntrypoint"]
    assert checked(model.operation(f"Create{name}").input_shape, request_) == expected

    async def scenario(stage: Stage) -> None:
        await stage.service.create(kind, request_)
        asking = Asking(stage)
        await asking(f"Describe{name}", **{f"{name}Name": "a"})
        (listed,) = (await asking(f"List{name}s"))[f"{name}Summaries"]
        assert listed[f"{name}Name"] == "a"

    play(tmp_path / "data", scenario)
