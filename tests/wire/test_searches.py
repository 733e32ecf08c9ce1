"""FilterLogEvents: events of many streams, in the order of time, page by page."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.jobs.compilation import LOG_GROUP as COMPILATIONS
from runner.jobs.training import LOG_GROUP as TRAININGS
from runner.supervisor import streams
from runner.testing.fake import FakeBackend
from runner.testing.programs import Output, Program
from tests.supervisor.stage import COMPILATION, PROGRAMS, Stage, compiling, play
from tests.wire.reading_logs import (
    INVALID_TOKEN,
    MISSING_STREAM,
    START,
    Answer,
    Logs,
    compiled,
    numbered,
    perform,
    texts,
    trained,
)


def test_streams_are_interleaved_in_the_order_of_time(tmp_path: Path) -> None:
    async def scenario(logs: Logs) -> None:
        a = await trained(logs, (1, b"a1\n"), (5, b"a5\n"), (5, b"a5 again\n"), name="a")
        b = await trained(logs, (0, b"b0\n"), (5, b"b5\n"), (9, b"b9\n"), name="b")
        page = await logs.filter(interleaved=True, unmask=False)
        assert texts(page) == ["b0", "a1", "a5", "a5 again", "b5", "b9"]
        assert page["searchedLogStreams"] == []
        assert "nextToken" not in page
        event = page["events"][0]
        assert (event["logStreamName"], event["timestamp"], event["ingestionTime"]) == (b, START, START)
        assert texts(await logs.filter(logStreamNames=[a])) == ["a1", "a5", "a5 again"]
        assert texts(await logs.filter(logStreamNamePrefix="b/")) == ["b0", "b5", "b9"]
        assert texts(await logs.filter(logStreamNamePrefix="c")) == []
        assert texts(await logs.filter(logStreamNames=[b, a, b])) == texts(page)
        # Both times are inclusive, other than those of GetLogEvents.
        assert texts(await logs.filter(startTime=START + 5, endTime=START + 5)) == ["a5", "a5 again", "b5"]
        assert texts(await logs.filter(startTime=START + 10)) == []
        assert texts(await logs.filter(endTime=START)) == ["b0"]
        assert texts(await logs.filter(startTime=0, endTime=2**62)) == texts(page)
        latest = await logs.filter(startFromHead=False, startTime=START)
        assert texts(latest) == texts(page)[::-1]

    perform(tmp_path, scenario)


@pytest.mark.parametrize("from_head", [True, False])
def test_a_search_goes_on_in_another_job_of_the_same_name(tmp_path: Path, from_head: bool) -> None:
    """Its stream has the same name, if it is a compilation's or began within the same second, and another log."""

    async def scenario(logs: Logs) -> None:
        async def page(**token: str) -> Answer:
            return await logs.filter(logGroupName=COMPILATIONS, limit=1, startFromHead=from_head, **token)

        await compiled(logs)
        logs.write((0, b"long, long ago\n"), (0, b"long ago\n"), name="trees", kind="compilation")
        first = await page()
        await logs.stage.service.stop(COMPILATION, "trees")
        await logs.stage.phase("trees", "stopped", kind=COMPILATION)
        await logs.stage.service.delete(COMPILATION, "trees")
        await logs.stage.service.create(COMPILATION, compiling("trees"))
        await logs.stage.phase("trees", "running", kind=COMPILATION)
        logs.write((100_000, b"one\n"), (100_000, b"two and much more than before\n"), name="trees", kind="compilation")
        second = await page(nextToken=first["nextToken"])
        # What came later comes later, and is whole; backwards it has no place behind what has been told.
        assert texts(second) == (["one"] if from_head else [])

    perform(tmp_path, scenario)


def test_what_cannot_be_searched(tmp_path: Path) -> None:
    async def scenario(logs: Logs) -> None:
        name = await trained(logs, (0, b"a\n"))

        async def fault(**request: Any) -> tuple[str, str]:
            return await logs.fault("FilterLogEvents", logGroupName=TRAININGS, **request)

        assert await fault(logStreamNames=[name, "other"]) == MISSING_STREAM
        code, _ = await fault(logStreamNames=[name], logStreamNamePrefix="job")
        assert code == "InvalidParameterException"
        code, message = await fault(filterPattern='{ $.level = "error" }')
        assert (code, "JSON" in message) == ("InvalidParameterException", True)
        code, _ = await fault(startFromHead=False, startTime=1_000)
        assert code == "InvalidParameterException"
        for token in ("f/1/2", "elsewhere", "f/1/2/job/algo", "x/1/2/1.2/job/algo"):
            assert await fault(nextToken=token) == INVALID_TOKEN

    perform(tmp_path, scenario)


def test_events_have_ids_by_which_a_client_knows_what_it_has_seen(tmp_path: Path) -> None:
    """`aws logs tail --follow` asks from the latest time that it saw on, and leaves out the ids that it knows."""

    async def scenario(logs: Logs) -> None:
        await trained(logs, (5, b"same\nsame\n"), name="a")
        await trained(logs, (5, b"same\n"), name="b")
        first = await logs.filtered()
        ids = [event["eventId"] for event in first]
        assert len(set(ids)) == 3
        assert [len(one) for one in ids] == [56] * 3
        logs.write((5, b"late\n"), (7, b"same\n"), name="a")
        again = await logs.filtered(startTime=START + 5)
        new = [event["message"] for event in again if event["eventId"] not in ids]
        assert (len(again), new) == (5, ["late", "same"])
        # `late` is behind what was told before of its stream, and all ids are as they were.
        of_a = [event["message"] for event in again if event["logStreamName"].startswith("a/")]
        assert of_a == ["same", "same", "late", "same"]
        assert [event["eventId"] for event in again if event["eventId"] in ids] == ids

    perform(tmp_path, scenario)


def test_a_search_that_looks_at_much_comes_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MOST_SEARCHED", 1_000)

    async def scenario(logs: Logs) -> None:
        await trained(logs, *numbered(200), (1, b"needle\n"))
        page = await logs.filter(filterPattern="needle")
        assert page["events"] == []
        assert "nextToken" in page
        assert [event["message"] for event in await logs.filtered(filterPattern="needle")] == ["needle"]

    perform(tmp_path, scenario)


def test_more_jobs_than_files_that_may_be_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []
    most = 0
    really_open, really_close = os.open, os.close

    def counted(path: Any, *more: Any, **named: Any) -> int:
        nonlocal most
        found = really_open(path, *more, **named)
        if Path(os.fsdecode(path)).name in ("log", "marks"):
            opened.append(found)
            most = max(most, len(opened))
        return found

    def close(descriptor: int) -> None:
        if descriptor in opened:
            opened.remove(descriptor)
        really_close(descriptor)

    async def scenario(logs: Logs) -> None:
        for number in range(20):
            await trained(logs, *numbered(20, ms=number), name=f"job-{number}")
        monkeypatch.setattr(os, "open", counted)
        monkeypatch.setattr(os, "close", close)
        assert len(await logs.filtered()) == 400

    perform(tmp_path, scenario)
    assert (most, opened) == (2, [])


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.lists(st.tuples(st.integers(0, 5), st.sampled_from("ab")), max_size=8), min_size=1, max_size=4),
    st.integers(1, 7),
    st.booleans(),
    st.sampled_from(["", "a", "?a ?b", "-a"]),
)
def test_pages_of_a_search_have_every_event_once_and_in_order(
    written: Sequence[Sequence[tuple[int, str]]], limit: int, from_head: bool, pattern: str
) -> None:
    matches: dict[str, Callable[[str], bool]] = {
        "": lambda text: True,
        "a": lambda text: "a" in text,
        "?a ?b": lambda text: True,
        "-a": lambda text: "a" not in text,
    }

    async def scenario(logs: Logs) -> None:
        expected: list[tuple[int, str, str]] = []
        for number, of_job in enumerate(written):
            told = [(ms, f"{letter}{index}") for index, (ms, letter) in enumerate(sorted(of_job))]
            name = await trained(logs, *((ms, f"{text}\n".encode()) for ms, text in told), name=f"job-{number}")
            expected += [(ms, name, text) for ms, text in told if matches[pattern](text)]
        expected.sort(key=lambda event: (event[0], event[1]))
        found = [
            (event["timestamp"] - START, event["logStreamName"], event["message"])
            for event in await logs.filtered(limit=limit, startFromHead=from_head, filterPattern=pattern)
        ]
        assert found == (expected if from_head else expected[::-1])

    with tempfile.TemporaryDirectory() as folder:
        perform(Path(folder), scenario)


def test_the_fake_programs_output_with_its_times(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        logs = Logs(stage)
        await stage.train("talkative")
        await asyncio.sleep(2.5)
        page = await logs.filter()
        assert [(event["timestamp"] - START, event["message"]) for event in page["events"]] == [
            (1_000, "epoch 1"), (2_000, "epoch 2"),
        ]  # fmt: skip
        (stream,) = (await logs.streams())["logStreams"]
        token = (await logs.get(stream["logStreamName"]))["nextForwardToken"]
        await asyncio.sleep(30)
        assert texts(await logs.get(stream["logStreamName"], nextToken=token)) == ["epoch 3"]

    programs = {**PROGRAMS, "chatty": Program(output=[Output(1.0, "x")])}
    play(tmp_path, scenario, backend=FakeBackend(programs))
