"""Clients that do things to one job at the same time: whoever comes second hears what the fault table says of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from runner.jobs.base import Kind
from runner.settings import Settings
from tests.clients import requests
from tests.supervisor.stage import Stage, play
from tests.wire.asking import Answer, Asking

CREATE = {
    Kind.TRAINING: ("TrainingJob", requests.training("job", "good")),
    Kind.COMPILATION: ("CompilationJob", requests.compilation("job")),
    Kind.TUNING: ("HyperParameterTuningJob", requests.tuning("job")),
}


@pytest.mark.parametrize("kind", CREATE)
def test_a_name_is_in_use_until_the_job_is_gone(tmp_path: Path, kind: Kind) -> None:
    """Even where Describe does not find it any more."""
    word, request = CREATE[kind]

    async def scenario(stage: Stage) -> None:
        asking = Asking(stage)
        arn = (await asking(f"Create{word}", **request))[f"{word}Arn"]
        await asking(f"Stop{word}", **{f"{word}Name": "job"})
        await stage.service.wait(kind, "job")
        deleting = asyncio.create_task(asking(f"Delete{word}", **{f"{word}Name": "job"}))
        refused: list[Answer] = []
        while (answer := await asking.answer(f"Create{word}", request)).status != 200:
            refused.append(answer)
        await deleting
        assert refused
        assert {answer.code for answer in refused} == {"ResourceInUse"}
        assert kind is not Kind.TRAINING or all(arn in answer.message for answer in refused)

    play(tmp_path, scenario)


@pytest.mark.parametrize("kind", CREATE)
def test_a_deletion_that_comes_too_early_is_refused_with_the_status_of_that_moment(tmp_path: Path, kind: Kind) -> None:
    word, request = CREATE[kind]

    async def scenario(stage: Stage) -> None:
        asking = Asking(stage)
        await asking(f"Create{word}", **request)
        name = {f"{word}Name": "job"}
        early, _ = await asyncio.gather(asking.answer(f"Delete{word}", name), asking.answer(f"Stop{word}", name))
        assert early.status == 400
        assert "is in status " in early.message
        assert not early.message.lower().endswith(("stopped.", "stopping."))

    play(tmp_path, scenario)


@pytest.mark.parametrize("kind", CREATE)
def test_of_stops_at_once_one_is_the_first_where_a_second_is_a_fault(tmp_path: Path, kind: Kind) -> None:
    word, request = CREATE[kind]
    refusal = {"code": "ResourceInUse", "message": "{name} is in status {status}"}

    async def scenario(stage: Stage) -> None:
        asking = Asking(stage, Settings(faults={f"{kind.value}.stopping": refusal}))
        await asking(f"Create{word}", **request)
        name = {f"{word}Name": "job"}
        answers = await asyncio.gather(*(asking.answer(f"Stop{word}", name) for _ in range(5)))
        assert sorted(answer.status for answer in answers) == [200, 400, 400, 400, 400]
        (said,) = {(answer.code, answer.message.lower()) for answer in answers if answer.status == 400}
        assert said == ("ResourceInUse", "job is in status stopping")
        await stage.service.wait(kind, "job")
        assert (await asking.answer(f"Stop{word}", name)).code == "ValidationException"

    play(tmp_path, scenario)


@pytest.mark.parametrize("kind", CREATE)
def test_of_stops_at_once_all_are_answered_alike_where_it_is_none(tmp_path: Path, kind: Kind) -> None:
    word, request = CREATE[kind]

    async def scenario(stage: Stage) -> None:
        asking = Asking(stage)
        await asking(f"Create{word}", **request)
        answers = await asyncio.gather(*(asking.answer(f"Stop{word}", {f"{word}Name": "job"}) for _ in range(5)))
        assert {(answer.status, answer.body) for answer in answers} == {(200, b"")}

    play(tmp_path, scenario)
