"""Output: lines with times, and waiting for one."""

from __future__ import annotations

import asyncio
import struct
from pathlib import Path

import pytest

from runner.backends import base
from runner.errors import InvalidRequest, JobEnded, WaitTimeout
from runner.supervisor import logs
from tests.supervisor.stage import TRAINING, Stage, play


def write(folder: Path, text: bytes, *marks: tuple[int, int]) -> None:
    base.log(folder).write_bytes(text)
    base.marks(folder).write_bytes(b"".join(struct.pack("<qq", *mark) for mark in marks))


def texts(page: logs.Page) -> list[str]:
    return [line.text for line in page.lines]


def test_a_lines_time_is_that_of_the_mark_at_or_behind_its_end(tmp_path: Path) -> None:
    write(tmp_path, b"a\nb\nc\nd\n", (10, 2), (30, 6), (40, 8))
    assert [tuple(line) for line in logs.read(tmp_path).lines] == [(10, "a"), (30, "b"), (30, "c"), (40, "d")]


def test_marks_that_are_late_or_torn_are_made_do_with(tmp_path: Path) -> None:
    write(tmp_path, b"a\nb\n", (10, 2))
    with base.marks(tmp_path).open("ab") as marks:
        marks.write(b"half")
    first, second = logs.read(tmp_path).lines
    assert first.wall == 10
    assert second.wall == base.log(tmp_path).stat().st_mtime_ns


def test_a_line_without_its_end_waits_until_the_job_has_ended(tmp_path: Path) -> None:
    write(tmp_path, b"a\nhal")
    assert texts(logs.read(tmp_path)) == ["a"]
    assert texts(logs.read(tmp_path, ended=True)) == ["a", "hal"]


def test_reading_goes_on_where_it_ended(tmp_path: Path) -> None:
    write(tmp_path, b"a\nb\n")
    page = logs.read(tmp_path)
    assert logs.read(tmp_path, page.next) == logs.Page([], page.next)
    with base.log(tmp_path).open("ab") as log:
        log.write(b"c\n")
    assert texts(logs.read(tmp_path, page.next)) == ["c"]


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"10%\r20%\r100%\n", ["10%\r20%\r100%"]),
        (b"dos\r\n", ["dos"]),
        (b"\xff\n", ["�"]),
        (b"\n\n", ["", ""]),
        (b"a\x85b\x0cc\n", ["a�b\x0cc"]),
    ],
)
def test_only_line_feeds_end_lines(tmp_path: Path, data: bytes, shown: list[str]) -> None:
    write(tmp_path, data)
    assert texts(logs.read(tmp_path)) == shown


def test_a_large_log_is_read_in_pages_and_whole(tmp_path: Path) -> None:
    write(tmp_path, b"".join(b"%07d\n" % number for number in range(400_000)))
    found: list[str] = []
    page = logs.read(tmp_path, ended=True)
    while page.lines:
        assert len(page.lines) * 8 <= 1 << 20
        found += texts(page)
        page = logs.read(tmp_path, page.next, ended=True)
    assert found == [f"{number:07}" for number in range(400_000)]
    assert [line.text for line in logs.tail(tmp_path, 2)] == ["0399998", "0399999"]


def test_a_line_without_an_end_is_cut(tmp_path: Path) -> None:
    write(tmp_path, b"x" * 3_000_000)
    page = logs.read(tmp_path)
    assert [len(line.text) for line in page.lines] == [logs.LONGEST_LINE]


def test_a_line_is_waited_for_and_comes_with_its_time(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("talkative")
        wall, text = await stage.service.wait_for_log(TRAINING, "job", r"epoch [23]", timeout=10)
        launched = (await stage.service.summary(TRAINING, "job"))["started"]
        assert text == "epoch 2"
        assert wall / 1e9 - launched == pytest.approx(2)
        assert [on for _, on in stage.backend.heard("follow")] == [True, False]
        assert (await stage.service.wait_for_log(TRAINING, "job", "epoch 1", timeout=0.001))[1] == "epoch 1"

    play(tmp_path, scenario)


def test_two_wait_for_lines_of_one_job(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("talkative")
        waiting = [stage.service.wait_for_log(TRAINING, "job", f"epoch {number}") for number in (1, 3)]
        assert [text for _, text in await asyncio.gather(*waiting)] == ["epoch 1", "epoch 3"]

    play(tmp_path, scenario)


def test_a_line_that_does_not_come_in_time(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("talkative")
        with pytest.raises(WaitTimeout, match=r"(?s)'epoch 3' within 5 s.*epoch 2"):
            await stage.service.wait_for_log(TRAINING, "job", "epoch 3", timeout=5)

    play(tmp_path, scenario)


def test_a_job_that_ends_without_the_line_says_so_with_its_last_lines(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("measured")
        with pytest.raises(JobEnded, match=r"(?s)\(Completed\).*accuracy=0.75") as ended:
            await stage.service.wait_for_log(TRAINING, "job", "nothing of the kind")
        assert ended.value.status == "Completed"
        with pytest.raises(JobEnded):
            await stage.service.wait_for_log(TRAINING, "job", "nothing of the kind")

    play(tmp_path, scenario)


def test_a_pattern_that_is_none_is_refused(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("good")
        with pytest.raises(InvalidRequest) as refused:
            await stage.service.wait_for_log(TRAINING, "job", "(")
        assert refused.value.field == "pattern"

    play(tmp_path, scenario)


def test_following_a_log_to_its_end(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("measured")
        pages, after = [], 0
        while (page := await stage.service.more_logs(TRAINING, "job", after))["lines"]:
            pages.append([text for _, text in page["lines"]])
            after = page["next"]
        assert pages == [["accuracy=0.25"], ["accuracy=0.75"]]
        assert (await stage.service.summary(TRAINING, "job"))["terminal"]

    play(tmp_path, scenario)


@pytest.mark.parametrize(
    ("data", "last"),
    [
        (b"", None),
        (b"\n \n", None),
        (b"one\ntwo\n\n", "two"),
        (b"one\nhalf a li", "half a li"),
        (b"10%\r20%\r", "20%"),
        (b"\xff\n", "�"),
        (b"x" * 100_000, "x" * (1 << 13)),
    ],
)
def test_the_last_line_is_what_was_written_last(tmp_path: Path, data: bytes, last: str | None) -> None:
    write(tmp_path, data)
    assert logs.last(tmp_path) == last


def test_no_log_has_no_last_line(tmp_path: Path) -> None:
    assert logs.last(tmp_path) is None
