"""The List operations of jobs, each beside the plain answer: all the jobs as Describe shows them, those that fit, in
order, cut into pages.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from botocore.model import StructureShape

from runner.jobs.base import Defaults, Kind
from runner.supervisor.options import Options, Policy
from runner.testing.fake import FakeBackend
from runner.testing.programs import Output, Program, Reaction
from runner.wire import model
from tests.clients import requests
from tests.supervisor.stage import COMPILATION, TRAINING, TUNING, Stage, play
from tests.wire.asking import Asking

Job = Mapping[str, Any]
"""`Name`, `CreationTime`, `LastModifiedTime`, `Status`, and `FinalObjectiveMetricValue` if there is one."""
Query = dict[str, Any]

NOUNS = {TRAINING: "TrainingJob", COMPILATION: "CompilationJob", TUNING: "HyperParameterTuningJob"}
CHILDREN = "ListTrainingJobsForHyperParameterTuningJob"
SORTED_BY = {
    "ListTrainingJobs": "CreationTime",
    "ListCompilationJobs": "CreationTime",
    "ListHyperParameterTuningJobs": "Name",
    CHILDREN: "Name",
}
"""Each operation, and its SortBy where the request is silent, as the model has it."""
FITS: Mapping[str, Callable[[Job, Any], bool]] = {
    "NameContains": lambda job, part: part in job["Name"],
    "StatusEquals": lambda job, status: job["Status"] == status,
    "CreationTimeAfter": lambda job, time: job["CreationTime"] > time,
    "CreationTimeBefore": lambda job, time: job["CreationTime"] < time,
    "LastModifiedTimeAfter": lambda job, time: job["LastModifiedTime"] > time,
    "LastModifiedTimeBefore": lambda job, time: job["LastModifiedTime"] < time,
    "WarmPoolStatusEquals": lambda job, status: False,
    "TrainingPlanArnEquals": lambda job, arn: False,
}
OF_PAGES = {"SortBy", "SortOrder", "MaxResults", "NextToken"}

FATES = {
    "goes-on": Program(on_term=Reaction(3.0)),
    "completes": Program(lasts=5.0, output=[Output(1.0, "accuracy=0.5")]),
    "fails": Program(lasts=4.0, code=1),
    "is-stopped": Program(on_term=Reaction(3.0)),
    "is-stopping": Program(on_term=None),
    "scores": Program(lasts=7.0, output=[Output(1.0, "accuracy=0.75")]),
    "scores-less": Program(lasts=9.0, output=[Output(1.0, "accuracy=0.25")]),
}
FRAMEWORKS = dict(zip(("goes-on", "completes", "fails", "is-stopped", "is-stopping"),
                      ("XGBOOST", "ONNX", "SKLEARN", "TFLITE", "KERAS"), strict=True))  # fmt: skip
DEFAULTS = Defaults(
    images={fate: [fate] for fate in FATES},
    compilers={framework: [fate] for fate, framework in FRAMEWORKS.items()},
)
JOBS = 26


def plain(operation: str, jobs: Sequence[Job], query: Query) -> list[list[str]]:
    """The names on each page. `jobs` are in the order in which those stand that are alike."""
    sort = query.get("SortBy", SORTED_BY[operation])
    found = [job for job in jobs if sort in job and all(FITS[m](job, v) for m, v in query.items() if m in FITS)]
    found.sort(key=lambda job: job[sort])
    if query.get("SortOrder") == "Descending":
        found.reverse()
    names = [job["Name"] for job in found]
    size = query.get("MaxResults", 10)
    return [names[at : at + size] for at in range(0, len(names), size)] or [[]]


async def listed(asking: Asking, operation: str, query: Query) -> list[list[str]]:
    """The names on each page, to the last, which has no token."""
    found: list[list[str]] = []
    token: Query = {}
    while True:
        answer = await asking(operation, **query | token)
        (jobs,) = (value for member, value in answer.items() if member != "NextToken")
        found.append([name_of(job) for job in jobs])
        assert len(found) <= 2 * JOBS, "there is no end"
        if "NextToken" not in answer:
            return found
        token = {"NextToken": answer["NextToken"]}


def name_of(job: Job) -> str:
    """A training of a tuning job has the names of both; its own comes first."""
    return next(str(job[f"{noun}Name"]) for noun in NOUNS.values() if f"{noun}Name" in job)


def queries(operation: str, jobs: Sequence[Job]) -> list[Query]:
    """None; each member with each of some values; and many of them at once."""
    dice = random.Random(operation)
    values = {
        name: values_of(name, getattr(member, "enum", ()), jobs) for name, member in shape(operation).members.items()
    }
    values = {name: some for name, some in values.items() if some}
    single = [{name: value} for name, some in values.items() for value in some]
    mixed = [
        {name: dice.choice(values[name]) for name in dice.sample(sorted(values), dice.randint(2, min(5, len(values))))}
        for _ in range(60)
    ]
    return [{}, *single, *mixed]


def shape(operation: str) -> StructureShape:
    found = model.operation(operation).input_shape
    assert found is not None
    return found


def values_of(member: str, enum: Sequence[str], jobs: Sequence[Job]) -> list[Any]:
    if enum:
        return list(enum)
    if member.endswith(("After", "Before")):
        times = sorted({job[member.removesuffix("After").removesuffix("Before")] for job in jobs})
        return [times[0], times[len(times) // 3], times[len(times) // 2] + 0.1, times[-1]]
    others: Mapping[str, list[Any]] = {
        "NameContains": ["red", "blue-1", "-", "7", "RED", "nobody"],
        "MaxResults": [1, 3, 10, 11, 100],
        "TrainingPlanArnEquals": ["arn:aws:sagemaker:us-east-1:123456789012:training-plan/any"],
    }
    return others.get(member, [])


@pytest.mark.parametrize("operation", SORTED_BY)
def test_every_member_is_asked_with(operation: str) -> None:
    job: Job = {"Name": "a", "CreationTime": 1.0, "LastModifiedTime": 2.0, "Status": "Completed"}
    asked = {name for query in queries(operation, [job]) for name in query}
    assert asked | {"NextToken", *shape(operation).required_members} == set(shape(operation).members)
    assert asked <= {*FITS, *OF_PAGES}


@pytest.mark.parametrize("kind", NOUNS)
def test_lists_of_a_job_type(tmp_path: Path, kind: Kind) -> None:
    operation = f"List{NOUNS[kind]}s"

    async def scenario(stage: Stage) -> None:
        await many(stage, kind, JOBS)
        jobs = [await described(stage, kind, job["name"]) for job in await stage.service.list(kind)]
        assert {job["Status"].lower() for job in jobs} == {"inprogress", "completed", "failed", "stopping", "stopped"}
        await compared(stage, operation, jobs)

    perform(tmp_path, scenario)


def test_lists_of_the_trainings_of_a_tuning_job(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await trials(stage)
        names = sorted(training["name"] for training in await stage.service.trainings("search"))
        jobs = [await described(stage, TRAINING, name) for name in names]
        assert [job["CreationTime"] for job in jobs] != sorted(job["CreationTime"] for job in jobs)
        assert {job["Status"] for job in jobs} == {"InProgress", "Completed", "Failed", "Stopping", "Stopped"}
        assert {job.get("FinalObjectiveMetricValue") for job in jobs} == {0.25, 0.5, 0.75, None}
        await compared(stage, CHILDREN, jobs, HyperParameterTuningJobName="search")

    perform(tmp_path, scenario)


async def compared(stage: Stage, operation: str, jobs: Sequence[Job], **always: str) -> None:
    """Every answer is the plain one; and the token of another list is refused."""
    asking = Asking(stage)
    token = (await asking(operation, **always, MaxResults=3))["NextToken"]
    usual = plain(operation, jobs, {})
    for query in queries(operation, jobs):
        expected = plain(operation, jobs, query)
        assert await listed(asking, operation, {**always, **query}) == expected, query
        if expected != usual and query.keys() != {"MaxResults"}:
            answer = await asking.answer(operation, {**always, **query, "NextToken": token})
            assert (answer.status, "at 'nextToken'" in str(answer.json)) == (400, True), query
    rest = {**always, "MaxResults": 100, "NextToken": token}  # of another size it may be
    assert await listed(asking, operation, rest) == [list(itertools.chain(*usual))[3:]]


def test_a_token_belongs_to_its_operation(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        asking = Asking(stage)
        for number, kind in itertools.product(range(2), NOUNS):
            await create(stage, kind, f"search-{number}", "goes-on")
        await stage.service.trainings("search-0", at_least=2)
        query: Query = {"HyperParameterTuningJobName": "search-0", "MaxResults": 1}
        tokens = {operation: (await asking(operation, **query))["NextToken"] for operation in SORTED_BY}
        for (own, token), operation in itertools.product(tokens.items(), SORTED_BY):
            answer = await asking.answer(operation, {**query, "NextToken": token})
            assert answer.status == (200 if own == operation else 400), (own, operation)

    perform(tmp_path, scenario)


# --- jobs in every state


def perform(tmp_path: Path, scenario: Callable[[Stage], Awaitable[None]]) -> None:
    data_dir = tmp_path / "data"
    model_file = data_dir / "objects/bucket/model.tar.gz"
    model_file.parent.mkdir(parents=True)
    model_file.touch()
    options = Options(policy=Policy.SERVE, defaults=DEFAULTS)
    play(data_dir, scenario, backend=FakeBackend(FATES), options=options)


async def create(stage: Stage, kind: Kind, name: str, fate: str) -> None:
    if kind is TRAINING:
        wanted = requests.training(name)
        wanted["AlgorithmSpecification"]["TrainingImage"] = fate
    elif kind is COMPILATION:
        wanted = requests.compilation(name)
        wanted["InputConfig"]["Framework"] = FRAMEWORKS[fate]
    else:
        wanted = requests.tuning(name)
        wanted["TrainingJobDefinition"]["AlgorithmSpecification"]["TrainingImage"] = fate
    await Asking(stage)(f"Create{NOUNS[kind]}", **wanted)


async def many(stage: Stage, kind: Kind, count: int) -> None:
    """Jobs whose names, creations, changes and statuses have nothing to do with each other."""
    dice = random.Random(kind.value)
    fates = {}
    for number in dice.sample(range(count), count):
        name = f"{dice.choice(['red', 'blue'])}-{number:02}"
        fates[name] = dice.choice(sorted(FRAMEWORKS))
        await create(stage, kind, name, fates[name])
        await asyncio.sleep(dice.choice([0, 0.25, 1.5]))
    await asyncio.sleep(60)
    await stop(stage, kind, [name for name in dice.sample(sorted(fates), count) if fates[name].startswith("is-")])


async def stop(stage: Stage, kind: Kind, names: Sequence[str]) -> None:
    for name in names:
        await stage.service.stop(kind, name)
        await asyncio.sleep(0.5)
    await asyncio.sleep(10)


async def trials(stage: Stage) -> None:
    """A tuning job with trainings of every fate; the clock is set back while it launches them."""
    wanted = requests.tuning("search", parallel=15, most=4 * len(FATES))
    definition, config = wanted.pop("TrainingJobDefinition"), wanted["HyperParameterTuningJobConfig"]
    objective = config.pop("HyperParameterTuningJobObjective")
    del config["ParameterRanges"]
    wanted["TrainingJobDefinitions"] = [
        definition
        | {
            "DefinitionName": fate,
            "AlgorithmSpecification": definition["AlgorithmSpecification"] | {"TrainingImage": fate},
            "TuningObjective": objective,
            "HyperParameterRanges": {"CategoricalParameterRanges": [{"Name": "x", "Values": list("1234")}]},
        }
        for fate in FATES
    ]
    await Asking(stage)("CreateHyperParameterTuningJob", **wanted)
    await stage.service.trainings("search", at_least=16)
    stage.clock.set_wall_back(3600)
    await stage.service.trainings("search", at_least=4 * len(FATES))
    await asyncio.sleep(60)
    children = await stage.service.children("search")
    await stop(stage, TRAINING, [job["name"] for job in children if job["definition"].startswith("is-")])


async def described(stage: Stage, kind: Kind, name: str) -> Job:
    found = await Asking(stage)(f"Describe{NOUNS[kind]}", **{f"{NOUNS[kind]}Name": name})
    told = {"Name": name, "Status": found[f"{NOUNS[kind]}Status"]}
    told |= {member: found[member] for member in ("CreationTime", "LastModifiedTime")}
    metrics = found.get("FinalMetricDataList")
    return told | ({"FinalObjectiveMetricValue": metrics[0]["Value"]} if metrics else {})
