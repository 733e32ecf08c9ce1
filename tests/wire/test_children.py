"""ListTrainingJobsForHyperParameterTuningJob: pages while trainings are launched, and tokens that are none."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.supervisor.stage import TUNING, Stage, play
from tests.wire.asking import Asking

LIST = "ListTrainingJobsForHyperParameterTuningJob"
SEARCH = {"HyperParameterTuningJobName": "search"}


@pytest.mark.parametrize("sort", ["Name", "CreationTime"])
@pytest.mark.parametrize("order", ["Ascending", "Descending"])
def test_pages_go_on_where_they_were_whatever_is_launched_meanwhile(tmp_path: Path, sort: str, order: str) -> None:
    async def scenario(stage: Stage) -> None:
        asking = Asking(stage)
        await stage.tune("measured", jobs=8, parallel=2)
        await stage.service.trainings("search", at_least=4)
        query: dict[str, Any] = {**SEARCH, "SortBy": sort, "SortOrder": order, "MaxResults": 2}
        page = await asking(LIST, **query)
        names = [job["TrainingJobName"] for job in page["TrainingJobSummaries"]]
        await stage.service.wait(TUNING, "search")
        while "NextToken" in page:
            page = await asking(LIST, **query | {"NextToken": page["NextToken"]})
            names += [job["TrainingJobName"] for job in page["TrainingJobSummaries"]]
        assert names == sorted(set(names), reverse=order == "Descending")
        assert len(names) == (8 if order == "Ascending" else 4)

    play(tmp_path, scenario)


def test_by_objective(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        asking = Asking(stage)
        await stage.tune("measured", jobs=3, parallel=2)
        await stage.service.wait(TUNING, "search")
        query: dict[str, Any] = {**SEARCH, "SortBy": "FinalObjectiveMetricValue", "MaxResults": 1}
        names: list[str] = []
        while True:
            page = await asking(LIST, **query)
            names += [job["TrainingJobName"] for job in page["TrainingJobSummaries"]]
            if "NextToken" not in page:
                break
            query["NextToken"] = page["NextToken"]
        assert len(names) == len(set(names)) == 3

    play(tmp_path, scenario)


@pytest.mark.parametrize("after", [7, [], [1, 2], ["a"], {"a": 1}, "ab", [None, None]])
def test_a_token_that_we_did_not_make(tmp_path: Path, after: Any) -> None:
    async def scenario(stage: Stage) -> None:
        asking = Asking(stage)
        await stage.tune("good", jobs=2)
        await stage.service.trainings("search", at_least=2)
        given = (await asking(LIST, **SEARCH, MaxResults=1))["NextToken"]
        digest, _ = json.loads(base64.urlsafe_b64decode(given))
        forged = base64.urlsafe_b64encode(json.dumps([digest, after]).encode()).decode()
        answer = await asking.answer(LIST, {**SEARCH, "NextToken": forged})
        assert answer.status == 200 or "at 'nextToken'" in answer.message

    play(tmp_path, scenario)
