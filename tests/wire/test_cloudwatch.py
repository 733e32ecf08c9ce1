"""CloudWatch Logs over the jobs' output: what clients trip over, one by one."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.backends import base
from runner.jobs.compilation import LOG_GROUP as COMPILATIONS
from runner.jobs.training import LOG_GROUP as TRAININGS
from runner.supervisor import streams
from tests.supervisor.stage import TRAINING
from tests.wire.reading_logs import (
    INVALID_TOKEN,
    MISSING_GROUP,
    MISSING_STREAM,
    MS,
    START,
    Answer,
    Logs,
    compiled,
    numbered,
    perform,
    running,
    texts,
    trained,
)

# --- groups


def test_groups_are_there_once_a_job_has_run(tmp_path: Path) -> None:
    async def scenario(logs: Logs) -> None:
        assert await logs.groups() == {"logGroups": []}
        await logs.stage.train("good")
        await running(logs, "job")
        await compiled(logs)
        found = (await logs.groups())["logGroups"]
        assert [group["logGroupName"] for group in found] == [COMPILATIONS, TRAININGS]
        assert found[1]["arn"] == f"arn:aws:logs:us-east-1:123456789012:log-group:{TRAININGS}:*"
        assert found[1]["logGroupArn"] == found[1]["arn"].removesuffix(":*")
        assert found[1]["creationTime"] == START

        async def names(**request: Any) -> list[str]:
            return [group["logGroupName"] for group in (await logs.groups(**request))["logGroups"]]

        assert await names(logGroupNamePrefix="/aws/sagemaker/T") == [TRAININGS]
        assert await names(logGroupNamePattern="ilation") == [COMPILATIONS]
        assert (await logs.groups(logGroupNamePattern="ilation"))["logGroups"][0].keys() == {
            "arn", "creationTime", "logGroupName"
        }  # fmt: skip
        assert await names(logGroupIdentifiers=[TRAININGS]) == [TRAININGS]
        assert await names(logGroupIdentifiers=[found[0]["logGroupArn"]]) == [COMPILATIONS]
        assert await names(logGroupClass="STANDARD") == [COMPILATIONS, TRAININGS]
        assert await names(logGroupClass="INFREQUENT_ACCESS") == []
        assert await names(includeLinkedAccounts=True, accountIdentifiers=["123456789012"]) == [COMPILATIONS, TRAININGS]
        first = await logs.groups(limit=1)
        second = await logs.groups(limit=1, nextToken=first["nextToken"])
        assert [page["logGroups"][0]["logGroupName"] for page in (first, second)] == [COMPILATIONS, TRAININGS]
        assert "nextToken" not in second
        assert "nextToken" not in await logs.groups(limit=2)
        assert await logs.fault("DescribeLogGroups", nextToken="elsewhere") == INVALID_TOKEN
        code, _ = await logs.fault("DescribeLogGroups", logGroupNamePrefix="a", logGroupNamePattern="b")
        assert code == "InvalidParameterException"
        code, _ = await logs.fault("DescribeLogGroups", logGroupNamePrefix="a", logGroupIdentifiers=["b"])
        assert code == "InvalidParameterException"

    perform(tmp_path, scenario)


@pytest.mark.parametrize("operation", ["DescribeLogStreams", "GetLogEvents", "FilterLogEvents"])
def test_a_group_that_is_not_there(tmp_path: Path, operation: str) -> None:
    """Clients wait for the first line: SageMaker's SDKs take this very code for "not yet"."""

    async def scenario(logs: Logs) -> None:
        more = {"logStreamName": "job/algo-1-1"} if operation == "GetLogEvents" else {}
        assert await logs.fault(operation, logGroupName=TRAININGS, **more) == MISSING_GROUP
        await trained(logs, (0, b"a\n"))
        assert await logs.fault(operation, logGroupName="/aws/elsewhere", **more) == MISSING_GROUP
        assert await logs.fault(operation, logGroupName=COMPILATIONS, **more) == MISSING_GROUP
        elsewhere = f"arn:aws:logs:eu-west-1:123456789012:log-group:{TRAININGS}"
        assert await logs.fault(operation, logGroupIdentifier=elsewhere, **more) == MISSING_GROUP
        for group in (
            {},
            {"logGroupName": TRAININGS, "logGroupIdentifier": TRAININGS},
            {"logGroupIdentifier": "arn:x"},
        ):
            code, _ = await logs.fault(operation, **group, **more)
            assert code == "InvalidParameterException"

    perform(tmp_path, scenario)


def test_a_group_by_its_name_or_arn_as_identifier(tmp_path: Path) -> None:
    async def scenario(logs: Logs) -> None:
        name = await trained(logs, (0, b"a\n"))
        arn = f"arn:aws:logs:us-east-1:123456789012:log-group:{TRAININGS}"
        for identifier in (TRAININGS, arn, f"{arn}:*"):
            (stream,) = (await logs.streams(logGroupIdentifier=identifier))["logStreams"]
            assert stream["arn"] == f"{arn}:log-stream:{name}"
            request = {"logGroupIdentifier": identifier, "logStreamName": name}
            assert texts(await logs.call("GetLogEvents", **request)) == ["a"]
            assert texts(await logs.call("FilterLogEvents", logGroupIdentifier=identifier)) == ["a"]

    perform(tmp_path, scenario)


# --- streams


def test_a_stream_is_there_from_its_first_event_on(tmp_path: Path) -> None:
    async def scenario(logs: Logs) -> None:
        name = await trained(logs)
        assert await logs.streams(logStreamNamePrefix="job/") == {"logStreams": []}
        assert await logs.fault("GetLogEvents", logGroupName=TRAININGS, logStreamName=name) == MISSING_STREAM
        assert await logs.fault("FilterLogEvents", logGroupName=TRAININGS, logStreamNames=[name]) == MISSING_STREAM
        assert await logs.filter(logStreamNamePrefix=name) == {"events": [], "searchedLogStreams": []}
        logs.write((5, b"\n"), (7, b"first\n"), (9, b"last\n"), (9, b"half"))
        (stream,) = (await logs.streams(logStreamNamePrefix="job/"))["logStreams"]
        assert name == stream["logStreamName"] == f"job/algo-1-{START // 1000}"
        times = [stream[member] for member in ("creationTime", "firstEventTimestamp", "lastEventTimestamp")]
        assert times == [START, START + 7, START + 9]
        assert stream["storedBytes"] == 0
        assert texts(await logs.get(name)) == ["first", "last"]
        for other in ("job", "job/algo-2", "jo", "other/algo-1-1"):
            assert await logs.fault("GetLogEvents", logGroupName=TRAININGS, logStreamName=other) == MISSING_STREAM

    perform(tmp_path, scenario)


def test_the_stream_of_a_compilation_has_the_name_of_the_job(tmp_path: Path) -> None:
    async def scenario(logs: Logs) -> None:
        await compiled(logs)
        logs.write((1, b"compiling\n"), name="trees", kind="compilation")
        assert await logs.names(logGroupName=COMPILATIONS, logStreamNamePrefix="trees") == ["trees"]
        assert await logs.names(logGroupName=COMPILATIONS, logStreamNamePrefix="trees/") == []
        assert texts(await logs.get("trees", logGroupName=COMPILATIONS)) == ["compiling"]
        assert texts(await logs.filter(logGroupName=COMPILATIONS, logStreamNames=["trees"])) == ["compiling"]

    perform(tmp_path, scenario)


def test_one_stream_for_each_attempt(tmp_path: Path) -> None:
    async def scenario(logs: Logs) -> None:
        first = await trained(logs, (1, b"one\n"), (2, b"cut off"))
        journal = base.journal(logs.folder())
        size = base.log(logs.folder()).stat().st_size
        number = len(journal.read_text().splitlines())
        facts = [
            {"n": number + 1, "a": 1, "w": (START + 10) * MS, "fact": "gone", "log": size},
            {"n": number + 2, "a": 2, "w": (START + 3_000) * MS, "fact": "executed"},
        ]
        logs.stage.service._core.database.execute("UPDATE jobs SET attempt = 2")
        with journal.open("a") as file:
            file.write(json.dumps(facts[0] | {"t": 0}) + "\n")
            # The second attempt's program is not known to have begun: nothing of it belongs to the first one.
            file.flush()
            logs.write((2_999, b"two\n"))
            assert await logs.names() == [first]
            file.write(json.dumps(facts[1] | {"t": 0}) + "\n")
        second = f"job/algo-1-{START // 1000 + 3}"
        assert await logs.names(logStreamNamePrefix="job/") == [first, second]
        assert texts(await logs.get(first)) == ["one", "cut off"]
        page = await logs.get(second)
        assert texts(page) == ["two"]
        # A stream has no event from before it was there.
        assert page["events"][0]["timestamp"] == START + 3_000
        assert texts(await logs.filter()) == ["one", "cut off", "two"]

    perform(tmp_path, scenario)


async def five(logs: Logs) -> list[str]:
    """Streams of five jobs, in the order of their names; their last events come in another order."""
    names = ["a", "a-b", "ab", "b", "c"]
    found = [
        await trained(logs, (10 * len(names) - number % 3, b"x\n"), name=name) for number, name in enumerate(names)
    ]
    assert sorted(found) != found  # "a-b/" comes before "a/"
    return sorted(found)


def test_streams_in_pages_and_without_a_token_when_these_are_all(tmp_path: Path) -> None:
    """SageMaker's SDK v2 asks again without the token, as long as there is one: for ever, if there were always one."""

    async def scenario(logs: Logs) -> None:
        names = await five(logs)
        assert await logs.names() == names
        for limit in (5, 50):
            assert "nextToken" not in await logs.streams(limit=limit)
        assert await logs.names(logStreamNamePrefix="a") == names[:3]
        assert await logs.names(logStreamNamePrefix="a/") == [names[1]]
        assert await logs.names(logStreamNamePrefix="a/algo-2") == []
        for more in ({}, {"descending": True}, {"orderBy": "LastEventTime"}):
            whole = await logs.names(**more)
            found: list[str] = []
            token: dict[str, Any] = {}
            for _ in range(3):
                page = await logs.streams(limit=2, **more, **token)
                found += [stream["logStreamName"] for stream in page["logStreams"]]
                token = {name: page[name] for name in ("nextToken",) if name in page}
            assert (found, token) == (whole, {})
        assert await logs.names(descending=True) == names[::-1]
        page = await logs.streams(limit=2)
        order = {"orderBy": "LastEventTime"}
        fault = await logs.fault("DescribeLogStreams", logGroupName=TRAININGS, nextToken=page["nextToken"], **order)
        assert fault == INVALID_TOKEN

    perform(tmp_path, scenario)


def test_streams_by_the_time_of_their_last_event(tmp_path: Path) -> None:
    async def scenario(logs: Logs) -> None:
        await five(logs)
        page = await logs.streams(orderBy="LastEventTime", descending=True)
        times = [stream["lastEventTimestamp"] for stream in page["logStreams"]]
        assert times == sorted(times, reverse=True)
        assert len(set(times)) == 3
        request = {"logGroupName": TRAININGS, "orderBy": "LastEventTime", "logStreamNamePrefix": "a"}
        code, _ = await logs.fault("DescribeLogStreams", **request)
        assert code == "InvalidParameterException"

    perform(tmp_path, scenario)


# --- events of one stream


def test_the_latest_events_or_with_start_from_head_the_first(tmp_path: Path) -> None:
    async def scenario(logs: Logs) -> None:
        name = await trained(logs, *numbered(5))
        assert texts(await logs.get(name, limit=2)) == ["3", "4"]
        assert texts(await logs.get(name, limit=2, startFromHead=True)) == ["0", "1"]
        assert texts(await logs.get(name, unmask=True)) == list("01234")
        page = await logs.get(name)
        assert page["events"][0] == {"timestamp": START, "message": "0", "ingestionTime": START}

    perform(tmp_path, scenario)


def test_tokens_are_always_there_and_at_the_end_repeat_themselves_until_more_arrives(tmp_path: Path) -> None:
    """SDK v2 stops at the first empty page; SDK v3 keeps the token from one poll to the next."""

    async def scenario(logs: Logs) -> None:
        name = await trained(logs, *numbered(3))
        page = await logs.get(name, startFromHead=True)
        assert texts(page) == list("012")
        end = page
        for _ in range(2):
            end = await logs.get(name, startFromHead=True, nextToken=end["nextForwardToken"])
            assert (end["events"], end["nextForwardToken"]) == ([], page["nextForwardToken"])
            head = await logs.get(name, nextToken=page["nextBackwardToken"])
            assert (head["events"], head["nextBackwardToken"]) == ([], page["nextBackwardToken"])
        logs.write((5, b"3\n"))
        more = await logs.get(name, startFromHead=True, nextToken=end["nextForwardToken"])
        assert texts(more) == ["3"]
        assert more["nextForwardToken"] != end["nextForwardToken"]
        assert texts(await logs.get(name, nextToken=more["nextBackwardToken"])) == list("012")
        # The token says in which direction, whatever startFromHead is.
        assert texts(await logs.get(name, startFromHead=False, nextToken=page["nextForwardToken"])) == ["3"]

    perform(tmp_path, scenario)


def test_a_token_of_something_else_is_refused(tmp_path: Path) -> None:
    async def scenario(logs: Logs) -> None:
        name = await trained(logs, *numbered(3))
        other = await trained(logs, *numbered(3), name="other")
        token = (await logs.get(other))["nextForwardToken"]
        for wrong in (token, "f/1", "x", "f//1", token[:-1] + "x", f"{token}{'9' * 30}"):
            request = {"logGroupName": TRAININGS, "logStreamName": name, "nextToken": wrong}
            assert await logs.fault("GetLogEvents", **request) == INVALID_TOKEN
        # A token that leads behind everything is no error: that is where it leads when a page was the last.
        far = token.replace(token.rpartition("/")[2], str(10**17))
        assert (await logs.get(other, nextToken=far))["events"] == []

    perform(tmp_path, scenario)


def test_a_token_belongs_to_its_operation(tmp_path: Path) -> None:
    async def scenario(logs: Logs) -> None:
        await compiled(logs)
        logs.write((1, b"x\n"), name="trees", kind="compilation")
        name = (await five(logs))[0]
        requests: dict[str, Answer] = {
            "DescribeLogGroups": {"limit": 1},
            "DescribeLogStreams": {"logGroupName": TRAININGS, "limit": 1},
            "GetLogEvents": {"logGroupName": TRAININGS, "logStreamName": name, "limit": 1},
            "FilterLogEvents": {"logGroupName": TRAININGS, "limit": 1},
        }
        for own, request in requests.items():
            page = await logs.call(own, **request)
            token = page["nextForwardToken" if own == "GetLogEvents" else "nextToken"]
            await logs.call(own, **request, nextToken=token)
            for other in requests.keys() - {own}:
                assert await logs.fault(other, **requests[other], nextToken=token) == INVALID_TOKEN, (own, other)

    perform(tmp_path, scenario)


def test_a_token_ends_with_its_job(tmp_path: Path) -> None:
    async def scenario(logs: Logs) -> None:
        token = (await logs.get(await trained(logs, *numbered(3))))["nextForwardToken"]
        await logs.stage.service.stop(TRAINING, "job")
        await logs.stage.phase("job", "stopped")
        await logs.stage.service.delete(TRAINING, "job")
        name = await trained(logs, *numbered(5))
        request = {"logGroupName": TRAININGS, "logStreamName": name, "nextToken": token}
        assert await logs.fault("GetLogEvents", **request) == INVALID_TOKEN

    perform(tmp_path, scenario)


def test_start_time_is_inclusive_and_end_time_exclusive(tmp_path: Path) -> None:
    async def scenario(logs: Logs) -> None:
        name = await trained(logs, (10, b"a\n"), (20, b"b\n"), (20, b"c\n"), (30, b"d\n"))

        async def between(start: int, end: int, **more: Any) -> list[str]:
            return texts(await logs.get(name, startTime=START + start, endTime=START + end, **more))

        for head in (True, False):
            assert await between(20, 30, startFromHead=head) == ["b", "c"]
            assert await between(20, 31, startFromHead=head) == ["b", "c", "d"]
            assert await between(10, 20, startFromHead=head) == ["a"]
            assert await between(31, 99, startFromHead=head) == []
            assert await between(30, 10, startFromHead=head) == []
        assert texts(await logs.get(name, startTime=START + 20)) == ["b", "c", "d"]
        assert texts(await logs.get(name, endTime=START + 20)) == ["a"]
        assert texts(await logs.get(name, startTime=0, endTime=2**62)) == list("abcd")
        # The range goes with the tokens.
        page = await logs.get(name, startTime=START + 20, startFromHead=True, limit=1)
        token = page["nextBackwardToken"]
        assert (await logs.get(name, startTime=START + 20, nextToken=token))["events"] == []

    perform(tmp_path, scenario)


def test_a_client_that_remembers_only_the_last_time_and_how_many_it_saw_then(tmp_path: Path) -> None:
    """SDK v2: startTime is the time of the last event, and of those at that time it skips as many as it has seen."""

    async def scenario(logs: Logs) -> None:
        name = await trained(logs)
        seen: list[str] = []
        last, skip = 0, 0
        for ms, lines in ((5, b"0\n1\n"), (5, b"2\n"), (5, b""), (6, b"3\nhal"), (6, b"f\n4\n"), (9, b"5\n")):
            logs.write((ms, lines))
            page = await logs.get(name, startTime=last, startFromHead=True)
            for event in page["events"][skip:]:
                seen.append(event["message"])
                skip = skip + 1 if event["timestamp"] == last else 1
                last = event["timestamp"]
            assert last >= START
        assert seen == ["0", "1", "2", "3", "half", "4", "5"]

    perform(tmp_path, scenario)


def test_a_page_has_at_most_a_megabyte_and_ten_thousand_events(tmp_path: Path) -> None:
    async def scenario(logs: Logs) -> None:
        name = await trained(logs, (0, b"".join(b"%d\n" % number for number in range(10_001))))
        assert len((await logs.get(name))["events"]) == 10_000
        large = await trained(logs, (0, (b"x" * 99_999 + b"\n") * 30), name="large")
        assert len((await logs.get(large))["events"]) == 10
        assert len((await logs.get(large, startFromHead=True))["events"]) == 10
        assert len((await logs.filter(logStreamNamePrefix="large"))["events"]) == 10
        assert len(await logs.filtered(logStreamNamePrefix="large")) == 30

    perform(tmp_path, scenario)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (b"a\n\n\r\nb\n", ["a", "b"]),
        (b"\xff\x00\x1b[31m\n", ["�\x00\x1b[31m"]),
        (b"\xed\xa0\x80\n", ["���"]),
        (b"10%\r20%\r\n", ["10%\r20%"]),
        ("ä €\n".encode(), ["ä €"]),
        (b" \n", [" "]),
    ],
)
def test_whatever_a_program_writes_can_be_told(tmp_path: Path, written: bytes, told: list[str]) -> None:
    """A message has at least one character, so that empty lines are none; what is no UTF-8 is shown as such."""

    async def scenario(logs: Logs) -> None:
        name = await trained(logs, (0, written))
        assert texts(await logs.get(name)) == texts(await logs.filter()) == told

    perform(tmp_path, scenario)


def test_a_last_line_without_its_end_is_told_when_the_job_has_ended(tmp_path: Path) -> None:
    async def scenario(logs: Logs) -> None:
        name = await trained(logs, (0, b"a\n"), (1, b"half"))
        token = (await logs.get(name))["nextForwardToken"]
        assert (await logs.get(name, nextToken=token))["events"] == []
        await logs.stage.service.stop(TRAINING, "job")
        await logs.stage.phase("job", "stopped")
        assert texts(await logs.get(name, nextToken=token)) == ["half"]

    perform(tmp_path, scenario)


lines = st.lists(
    st.one_of(st.binary(max_size=20).map(lambda text: text.replace(b"\n", b"")), st.just(b"x" * 60)), max_size=30
)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines, st.integers(1, 9), st.booleans(), st.data())
def test_pages_have_every_line_once_and_in_order(
    written: list[bytes], limit: int, forwards: bool, data: st.DataObject
) -> None:
    expected = [text for line in written if (text := line.rstrip(b"\r").decode(errors="replace"))]
    times = sorted(data.draw(st.lists(st.integers(0, 9), min_size=len(written), max_size=len(written))))

    async def scenario(logs: Logs) -> None:
        name = await trained(logs, *((ms, line + b"\n") for ms, line in zip(times, written, strict=True)))
        if not expected:
            assert await logs.fault("GetLogEvents", logGroupName=TRAININGS, logStreamName=name) == MISSING_STREAM
            return
        member = "nextForwardToken" if forwards else "nextBackwardToken"
        found: list[str] = []
        seen_times: list[int] = []
        token: dict[str, Any] = {"startFromHead": forwards}
        while True:
            page = await logs.get(name, limit=limit, **token)
            assert len(page["events"]) <= limit
            found = [*found, *texts(page)] if forwards else [*texts(page), *found]
            here = [event["timestamp"] for event in page["events"]]
            seen_times = [*seen_times, *here] if forwards else [*here, *seen_times]
            if page[member] == token.get("nextToken"):
                break
            token = {"nextToken": page[member], "startFromHead": forwards}
        assert page["events"] == []
        assert found == expected
        assert seen_times == sorted(seen_times)

    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "LARGEST_PAGE", data.draw(st.sampled_from([60, 200, 1 << 20])))
        perform(Path(folder), scenario)
