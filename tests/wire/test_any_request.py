"""Each operation, with valid and with broken requests made from the model: an answer or a 4xx, never a mistake of ours.

The backend is the fake one and the store is a folder: no generated command, path or bucket is ever used.
"""

from __future__ import annotations

import asyncio
import functools
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from runner.jobs.base import Defaults
from runner.jobs.compilation import LOG_GROUP as COMPILATIONS
from runner.jobs.training import LOG_GROUP as TRAININGS
from runner.supervisor.options import Options, Policy
from runner.testing.fake import FakeBackend
from runner.testing.programs import Output, Program
from runner.wire import model
from runner.wire.answers import CONTENT_TYPE
from runner.wire.app import OPERATIONS
from tests.clients import requests as requests_
from tests.supervisor.stage import PROGRAMS, Stage, play
from tests.wire.asking import Asking
from tests.wire.generated import CHOSEN, Chosen, broken, creation, valid

JOBS = {"TrainingJob": "job", "CompilationJob": "trees", "HyperParameterTuningJob": "search"}
"""Those that have ended when a request comes; `-2` are two others, which go on."""
ARN = "arn:aws:sagemaker:us-east-1:123456789012:"
GROUPS = st.sampled_from([*[TRAININGS] * 6, COMPILATIONS, "nobody"])
ENDED_STREAM = "job/algo-1-1800000000"  # when virtual time begins
STREAMS = st.sampled_from([*[ENDED_STREAM] * 3, "nobody"])
TIMES = st.sampled_from([0, 1_800_000_000_000, 1_800_000_001_500, 2_000_000_000_000])
TOKENS = {
    "DescribeLogGroups": COMPILATIONS,
    "DescribeLogStreams": "n/a",
    "GetLogEvents": "f/1.1800000000000000000/0",
    "FilterLogEvents": f"f/1800000001000/0/1.1800000000000000000/{ENDED_STREAM}",
}
SOME: Chosen = {
    **CHOSEN,
    "ResourceArn": st.sampled_from(
        [f"{ARN}training-job/job", f"{ARN}hyper-parameter-tuning-job/search-2", f"{ARN}training-job/nobody"]
    ),
    "logGroupName": GROUPS,
    "logGroupIdentifier": GROUPS,
    "logStreamName": STREAMS,
    "logStreamNames": st.lists(STREAMS, min_size=1, max_size=2),
    "logStreamNamePrefix": st.sampled_from(["job", "job/", "x"]),
    "startTime": TIMES,
    "endTime": TIMES,
    "filterPattern": st.sampled_from(["", "epoch", "-1", "%[0-9]%"]),
}
PRINTED = [Output(1.0, "epoch 1 accuracy=0.5"), Output(2.0, "epoch 2 accuracy=0.75")]
FAKES = {**PROGRAMS, "ends": Program(lasts=3.0, output=PRINTED), "goes-on": Program(output=PRINTED)}
OPTIONS = Options(
    policy=Policy.SERVE,
    defaults=Defaults(
        images={"ends": ["ends"], "goes-on": ["goes-on"]}, compilers={"XGBOOST": ["ends"], "ONNX": ["goes-on"]}
    ),
)
RIVALS = (
    ("logGroupName", "logGroupIdentifier"),
    ("logStreamNames", "logStreamNamePrefix", "orderBy"),
    ("logGroupNamePrefix", "logGroupNamePattern", "logGroupIdentifiers"),
    ("logGroupClass", "logGroupIdentifiers"),
)
EVERY = [(service, name) for service, operations in OPERATIONS.items() for name in operations]
anything = settings(
    max_examples=20,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@functools.cache  # making it takes longer than drawing from it
def some_requests(service: str, name: str) -> st.SearchStrategy[list[tuple[bool, Any]]]:
    """Requests, the first of them valid; and of each whether the model has nothing against it."""
    shape = model.operation(name, service).input_shape
    assert shape is not None
    chosen = {**SOME, **{f"{kind}Name": _names(name, job) for kind, job in JOBS.items()}}
    if name in TOKENS:
        chosen["nextToken"] = st.sampled_from([*[TOKENS[name]] * 3, "x"])
    right = valid(shape, chosen)
    if name.startswith("Create"):
        right |= creation(name.removeprefix("Create"), shape)
    elif service == "logs":
        right |= right.map(lambda request: _sensible(request, "logGroupName" in shape.members))
    ours = st.tuples(st.just(True), right)
    more = st.lists(ours | st.tuples(st.just(False), broken(shape, chosen)), max_size=2)
    return st.builds(lambda first, others: [first, *others], ours, more)


def _names(operation: str, job: str) -> st.SearchStrategy[str]:
    """Most often that of a job with which something can be done."""
    likely, other = (job, f"{job}-2") if operation.startswith("Delete") else (f"{job}-2", job)
    return st.sampled_from([likely, likely, likely, other, "nobody"])


def _sensible(request: dict[str, Any], in_group: bool) -> dict[str, Any]:
    """It names a group, and nothing stands beside what it cannot stand beside."""
    if in_group:
        request = {"logGroupName": TRAININGS, **request}
    for rivals in RIVALS:
        later = [name for name in rivals if name in request][1:]
        request = {name: value for name, value in request.items() if name not in later}
    return request


@pytest.mark.parametrize(("service", "name"), EVERY)
def test_an_answer_or_a_fault_of_the_callers(
    tmp_path_factory: pytest.TempPathFactory, ended: Path, service: str, name: str
) -> None:
    statuses: list[int] = []
    concerned = [kind for kind in JOBS if kind in name] or ["TrainingJob", "HyperParameterTuningJob"]

    @anything
    @given(some_requests(service, name))
    def each(requests: list[tuple[bool, Any]]) -> None:
        async def scenario(stage: Stage) -> None:
            asking = Asking(stage)
            for kind in concerned:
                await _create(asking, kind, "-2", "goes-on", "ONNX")
            for is_valid, request in requests:
                answer = await asking.answer(name, request, service)
                assert answer.status == 200 or 400 <= answer.status < 500, (answer.status, answer.body)
                assert answer.status == 200 or answer.message
                if is_valid:
                    statuses.append(answer.status)
            if name.startswith("Create"):
                await _all_can_be_shown(asking)

        data_dir = shutil.copytree(ended, _folder(tmp_path_factory))
        play(data_dir, scenario, backend=FakeBackend(FAKES), options=OPTIONS)

    each()
    # What only ever leads to refusals shows little. From a quarter of them on, and mostly half, are accepted in truth.
    assert statuses.count(200) >= len(statuses) // 20, statuses


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a job of each type that has ended: made once, because it takes longer than a request."""
    data_dir = tmp_path_factory.mktemp("ended") / "data"
    bucket = data_dir / "objects" / "bucket"
    bucket.mkdir(parents=True)
    (bucket / "model.tar.gz").touch()

    async def scenario(stage: Stage) -> None:
        asking = Asking(stage)
        for kind in JOBS:
            await _create(asking, kind, "", "ends", "XGBOOST")
        await asyncio.sleep(10)
        of_one = {"logGroupName": TRAININGS, "logStreamName": ENDED_STREAM}
        for operation, token in TOKENS.items():
            request = of_one if operation == "GetLogEvents" else {"logGroupName": TRAININGS}
            found = await asking(operation, "logs", **request, nextToken=token)
            assert any(found.values()), f"{operation} would meet nothing"

    play(data_dir, scenario, backend=FakeBackend(FAKES), options=OPTIONS)
    return data_dir


async def _create(asking: Asking, kind: str, suffix: str, image: str, framework: str) -> None:
    name = f"{JOBS[kind]}{suffix}"
    if kind == "TrainingJob":
        request = requests_.training(name)
        request["AlgorithmSpecification"]["TrainingImage"] = image
    elif kind == "CompilationJob":
        request = requests_.compilation(name)
        request["InputConfig"]["Framework"] = framework
    else:
        request = requests_.tuning(name, most=1, parallel=1)
        request["TrainingJobDefinition"]["AlgorithmSpecification"]["TrainingImage"] = image
    await asking(f"Create{kind}", **request)


async def _all_can_be_shown(asking: Asking) -> None:
    """Whatever has been created is described and listed."""
    for kind, listed in (
        ("TrainingJob", "TrainingJobSummaries"),
        ("CompilationJob", "CompilationJobSummaries"),
        ("HyperParameterTuningJob", "HyperParameterTuningJobSummaries"),
    ):
        for job in (await asking(f"List{kind}s", MaxResults=100))[listed]:
            await asking(f"Describe{kind}", **{f"{kind}Name": job[f"{kind}Name"]})


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
