"""Each operation, with valid and with broken requests made from the model: an answer or a 4xx, never a mistake of ours.

The backend is the fake one and the store is a folder: no generated command, path or bucket is ever used.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import pytest
from botocore.model import StructureShape
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from runner.wire import model
from runner.wire.answers import CONTENT_TYPE
from runner.wire.app import OPERATIONS
from tests.clients import requests as requests_
from tests.supervisor.stage import Stage, play
from tests.wire.asking import Asking, assert_valid
from tests.wire.generated import CHOSEN, broken, valid

NAMES = st.sampled_from(["job", "search", "trees", "nobody"])
SOME = {
    **CHOSEN,
    "TrainingJobName": NAMES,
    "CompilationJobName": NAMES,
    "HyperParameterTuningJobName": NAMES,
    "ResourceArn": NAMES.map(lambda name: f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{name}"),
}
EVERY = [(service, name) for service, operations in OPERATIONS.items() for name in operations]
anything = settings(
    max_examples=20,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@functools.cache  # making it takes longer than drawing from it
def some_requests(service: str, name: str) -> st.SearchStrategy[list[Any]]:
    shape = model.operation(name, service).input_shape
    assert shape is not None
    return st.lists(valid(shape, SOME) | broken(shape, SOME), min_size=1, max_size=3)


@pytest.mark.parametrize(("service", "name"), EVERY)
@anything
@given(data=st.data())
def test_an_answer_or_a_fault_of_the_callers(
    tmp_path_factory: pytest.TempPathFactory, service: str, name: str, data: st.DataObject
) -> None:
    requests = data.draw(some_requests(service, name))

    async def scenario(stage: Stage) -> None:
        asking = Asking(stage)
        await asking("CreateTrainingJob", **requests_.training("job", "good"))
        await asking("CreateHyperParameterTuningJob", **requests_.tuning("search"))
        for request in requests:
            answer = await asking.answer(name, request, service)
            assert answer.status == 200 or 400 <= answer.status < 500, (answer.status, answer.body)
            shape = model.operation(name, service).output_shape
            if answer.status == 200 and shape is not None:
                assert_valid(shape, answer.json)
            elif answer.status != 200:
                assert set(answer.json) == {"__type", "Message"}
                assert answer.message
        if name.startswith("Create"):
            await _all_can_be_shown(asking)

    play(_folder(tmp_path_factory), scenario)


async def _all_can_be_shown(asking: Asking) -> None:
    """Whatever has been created is described and listed."""
    for kind, listed in (
        ("TrainingJob", "TrainingJobSummaries"),
        ("CompilationJob", "CompilationJobSummaries"),
        ("HyperParameterTuningJob", "HyperParameterTuningJobSummaries"),
    ):
        for job in (await asking(f"List{kind}s", MaxResults=100))[listed]:
            answer = await asking.answer(f"Describe{kind}", {f"{kind}Name": job[f"{kind}Name"]})
            assert answer.status == 200, answer.body
            assert_valid(_described(kind), answer.json)


def _described(kind: str) -> StructureShape:
    shape = model.operation(f"Describe{kind}").output_shape
    assert shape is not None
    return shape


def _folder(factory: pytest.TempPathFactory) -> Path:
    return factory.mktemp("data") / "data"


@anything
@given(body=st.binary(max_size=200) | st.text(max_size=100).map(str.encode), target=st.text(max_size=60))
def test_any_bytes_to_any_target(tmp_path_factory: pytest.TempPathFactory, body: bytes, target: str) -> None:
    async def scenario(stage: Stage) -> None:
        asking = Asking(stage)
        for name in ("SageMaker.CreateTrainingJob", target.encode("latin-1", "replace").decode("latin-1")):
            answer = await asking.send(body, {"content-type": CONTENT_TYPE, "x-amz-target": name})
            assert 400 <= answer.status < 500
            assert set(json.loads(answer.body)) == {"__type", "Message"}

    play(_folder(tmp_path_factory), scenario)
