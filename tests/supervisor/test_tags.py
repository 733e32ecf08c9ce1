"""Tags: those of the request until they are changed; a tuning job's go to what it launches afterwards."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from runner.errors import InvalidRequest, IsolationUnavailable, NoSuchJob, NoSupervisor
from runner.jobs.shared import GRACE_TAG, ISOLATION_TAG
from runner.lifecycle.stops import Isolation
from runner.supervisor.offline import Offline
from runner.testing.fake import FakeBackend
from tests.jobs.requests import tag
from tests.supervisor.stage import COMPILATION, PROGRAMS, TRAINING, TUNING, Stage, compiling, play, request, search


def test_tags_of_a_request_are_changed_in_their_order(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        tags = [*tag("team", "vision"), *tag("cost", "7")]
        await stage.service.create(TRAINING, request("quick") | {"Tags": tags})
        assert list((await stage.service.tags(TRAINING, "job")).items()) == [("team", "vision"), ("cost", "7")]
        await stage.service.tag(TRAINING, "job", {"new": "", "team": "speech"})
        expected = [("team", "speech"), ("cost", "7"), ("new", "")]
        assert list((await stage.service.tags(TRAINING, "job")).items()) == expected
        await stage.service.untag(TRAINING, "job", ["cost", "not there"])
        await stage.service.wait(TRAINING, "job")
        await stage.crash()
        await stage.restart()
        assert await stage.service.tags(TRAINING, "job") == {"team": "speech", "new": ""}
        await stage.service.untag(TRAINING, "job", ["team", "new"])
        assert await stage.service.tags(TRAINING, "job") == {}

    play(tmp_path, scenario)


def test_changes_in_one_instant_are_all_kept(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.service.create(COMPILATION, compiling())
        changes = [stage.service.tag(COMPILATION, "job", {str(number): "x"}) for number in range(20)]
        await asyncio.gather(*changes, stage.service.untag(COMPILATION, "job", ["3"]))
        assert set(await stage.service.tags(COMPILATION, "job")) == {str(n) for n in range(20)} - {"3"}

    play(tmp_path, scenario)


@pytest.mark.parametrize(
    ("tags", "field"),
    [
        ({"runner:grace": "5"}, "Tags[0].Key"),
        ({GRACE_TAG: "soon"}, f"Tags.{GRACE_TAG}"),
        ({ISOLATION_TAG: "chroot"}, f"Tags.{ISOLATION_TAG}"),
        ({"a": 7}, "Tags[0].Value"),
        ({"a": "\ud800"}, "Tags[0].Value"),
        ([], "Tags"),
        ({str(number): "" for number in range(51)}, "Tags"),
    ],
)
def test_tags_that_a_request_could_not_have_are_refused(tmp_path: Path, tags: Any, field: str) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("quick")
        with pytest.raises(InvalidRequest) as refused:
            await stage.service.tag(TRAINING, "job", tags)
        assert refused.value.field == field
        assert await stage.service.tags(TRAINING, "job") == {}

    play(tmp_path, scenario)


def test_a_job_has_at_most_50(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.service.create(TRAINING, request("quick") | {"Tags": tag("first", "x")})
        await stage.service.tag(TRAINING, "job", {str(number): "x" for number in range(49)})
        with pytest.raises(InvalidRequest, match="at most 50 in all, not 51"):
            await stage.service.tag(TRAINING, "job", {"one more": "x"})
        await stage.service.tag(TRAINING, "job", {"7": "another value"})
        with pytest.raises(InvalidRequest, match="TagKeys"):
            await stage.service.untag(TRAINING, "job", "7")
        assert len(await stage.service.tags(TRAINING, "job")) == 50

    play(tmp_path, scenario)


def test_tags_go_with_their_job(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("quick")
        await stage.service.wait(TRAINING, "job")
        await stage.service.tag(TRAINING, "job", {"a": "b"})
        await stage.service.delete(TRAINING, "job")
        for verb in (stage.service.tags(TRAINING, "job"), stage.service.tag(TRAINING, "job", {"a": "b"})):
            with pytest.raises(NoSuchJob):
                await verb
        await stage.train("quick")
        assert await stage.service.tags(TRAINING, "job") == {}

    play(tmp_path, scenario)


def test_tags_of_a_job_that_exists_change_nothing_about_it(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("good", grace=20)
        await stage.phase("job", "running")
        await stage.service.tag(TRAINING, "job", {GRACE_TAG: "1", ISOLATION_TAG: "plain"})
        summary = await stage.service.summary(TRAINING, "job")
        assert (summary["grace"], summary["isolation"]) == (20, "pid1")
        assert (await stage.service.tags(TRAINING, "job"))[GRACE_TAG] == "1"

    play(tmp_path, scenario)


async def launched(stage: Stage, count: int) -> list[dict[str, Any]]:
    return await stage.service.trainings("search", at_least=count, timeout=60)


def test_a_tuning_jobs_tags_go_to_the_trainings_that_it_launches_afterwards(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.service.create(TUNING, search("measured", "search", 3, 1, grace=7))
        (first,) = await launched(stage, 1)
        await stage.service.tag(TUNING, "search", {GRACE_TAG: "2.5", "team": "vision", ISOLATION_TAG: "plain"})
        _, second = await launched(stage, 2)
        await stage.service.untag(TUNING, "search", [ISOLATION_TAG, GRACE_TAG])
        await stage.crash()
        await stage.restart()
        *_, third = await launched(stage, 3)
        found = [(job["grace"], job["isolation"]) for job in (first, second, third)]
        assert found == [(7, "pid1"), (2.5, "plain"), (120, "pid1")]
        tags = [await stage.service.tags(TRAINING, job["name"]) for job in (first, second, third)]
        assert tags == [
            {GRACE_TAG: "7"},
            {GRACE_TAG: "2.5", "team": "vision", ISOLATION_TAG: "plain"},
            {"team": "vision"},
        ]

    play(tmp_path, scenario)


def test_an_isolation_that_trainings_could_not_have_is_refused(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.tune("measured")
        with pytest.raises(IsolationUnavailable):
            await stage.service.tag(TUNING, "search", {ISOLATION_TAG: "pid1"})
        assert await stage.service.tags(TUNING, "search") == {}

    play(tmp_path, scenario, backend=FakeBackend(PROGRAMS, [Isolation.PLAIN]))


def test_where_no_supervisor_runs_tags_are_read_only(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.service.create(TRAINING, request("quick") | {"Tags": tag("team", "vision")})

    play(tmp_path, scenario)

    async def offline() -> None:
        records = Offline(tmp_path)
        await records.open()
        assert await records.tags(TRAINING, "job") == {"team": "vision"}
        for change in (records.tag(TRAINING, "job", {}), records.untag(TRAINING, "job", [])):
            with pytest.raises(NoSupervisor):
                await change
        await records.close()

    asyncio.run(offline())
