"""A client's regular expression never holds the supervisor: others are served meanwhile, and it is given up in time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.errors import ExpressionTooSlow, InvalidRequest, JobEnded, WaitTimeout
from runner.jobs.expressions import Expression
from runner.supervisor import metrics, waiting
from runner.supervisor.logs import Line
from runner.supervisor.options import Options, Policy
from runner.supervisor.service import Service
from runner.testing.fake import FakeBackend
from runner.testing.programs import Output, Program
from tests.jobs.requests import Request
from tests.supervisor.stage import PROGRAMS, TRAINING, Stage, play, request

SLOW = r"(a+)+$"
LINE = "a" * 5000 + "b"
PATIENCE = 20
TALES = {
    **PROGRAMS,
    "tells": Program(output=[Output(0.05, LINE)]),
    "long": Program(output=[Output(0.05, "x" * 20_000 + "end")]),
}


def scene(data_dir: Path, scenario: Any) -> None:
    """Real time: the fake backend's programs print at once."""

    async def main() -> None:
        service = Service(data_dir, FakeBackend(TALES), Options(policy=Policy.PRIVATE))
        await service.open()
        try:
            await scenario(service)
        finally:
            await service.close()

    asyncio.run(main())


async def started(service: Service, program: str) -> None:
    await service.create(TRAINING, request(program))
    await service.wait_for_log(TRAINING, "job", "", timeout=PATIENCE)


def test_others_are_served_while_one_searches(tmp_path: Path) -> None:
    async def scenario(service: Service) -> None:
        await started(service, "tells")
        searching = asyncio.create_task(service.wait_for_log(TRAINING, "job", SLOW, timeout=PATIENCE))
        answers = 0
        while not searching.done():
            await service.summary(TRAINING, "job")
            answers += 1
            await asyncio.sleep(0.01)
        with pytest.raises(ExpressionTooSlow, match=r"took more than 1 s .*\(a\+\)\+\$"):
            await searching
        assert answers >= 10  # of about a hundred

    scene(tmp_path, scenario)


def test_one_who_has_given_up_leaves_no_thread_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = []

    def found(self: Expression, line: str, limit: float = 0) -> bool:
        looked_at.append(line)
        while not given_up:
            pass
        return False

    given_up: list[bool] = []
    monkeypatch.setattr(Expression, "found", found)

    async def scenario() -> None:
        lines: Any = [Line(0, f"line {number}") for number in range(1000)]
        expression: Any = Expression(_Backtracking())  # type: ignore[arg-type]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await waiting._first(lines, expression)
        given_up.append(True)

    asyncio.run(scenario())
    assert looked_at == ["line 0"]


class _Backtracking:
    pattern = SLOW


def test_a_wait_has_its_own_end(tmp_path: Path) -> None:
    async def scenario(service: Service) -> None:
        await started(service, "tells")
        with pytest.raises(WaitTimeout, match=r"no line of training/job matched"):
            await service.wait_for_log(TRAINING, "job", SLOW, timeout=0.1)

    scene(tmp_path, scenario)


def test_of_a_line_the_beginning_is_looked_at(tmp_path: Path) -> None:
    async def scenario(service: Service) -> None:
        await started(service, "long")
        await service.wait_for_log(TRAINING, "job", "^x+", timeout=PATIENCE)
        with pytest.raises(WaitTimeout):
            await service.wait_for_log(TRAINING, "job", "x+end", timeout=0.2)

    scene(tmp_path, scenario)


@pytest.mark.parametrize("expression", ["(", "((x{1000}){1000}){1000}"])
def test_what_cannot_be_compiled_is_refused(tmp_path: Path, expression: str) -> None:
    async def scenario(service: Service) -> None:
        await started(service, "tells")
        with pytest.raises(InvalidRequest, match=r"^pattern: must be a"):
            await service.wait_for_log(TRAINING, "job", expression, timeout=PATIENCE)

    scene(tmp_path, scenario)


def test_a_metric_that_backtracks_for_ever_keeps_no_job_from_ending(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def measured(regex: str) -> Request:
        members = request("measured")
        members["AlgorithmSpecification"]["MetricDefinitions"] = [
            {"Name": "slow", "Regex": regex},
            {"Name": "accuracy", "Regex": "accuracy=([0-9.]+)"},
        ]
        return members

    program = Program(lasts=1.0, output=[Output(0.1, LINE), Output(0.2, "accuracy=0.5")])

    async def scenario(stage: Stage) -> None:
        await stage.service.create(TRAINING, measured(SLOW))
        assert (await stage.service.wait(TRAINING, "job"))["status"] == "Completed"
        found = (await stage.service.describe(TRAINING, "job"))["FinalMetricDataList"]
        assert [(metric["MetricName"], metric["Value"]) for metric in found] == [("accuracy", 0.5)]

    play(tmp_path, scenario, backend=FakeBackend({**PROGRAMS, "measured": program}))
    assert "metric slow: took more than 1 s" in caplog.text


def test_a_metric_has_a_limit_for_the_whole_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ticks: Iterator[int] = iter(range(0, 10**15, 10**10))
    monkeypatch.setattr("runner.clock.monotonic_ns", lambda: next(ticks))
    (tmp_path / "log").write_text("accuracy=0.5\n" * 10)
    definitions = [{"Name": "accuracy", "Regex": "accuracy=([0-9.]+)"}]
    assert metrics.of_training(tmp_path, {"AlgorithmSpecification": {"MetricDefinitions": definitions}})
    assert "for the whole log" in caplog.text


def test_the_end_of_a_job_ends_the_search(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.train("quick")
        with pytest.raises(JobEnded):
            await stage.service.wait_for_log(TRAINING, "job", r"\d+ of (this|that)+")

    play(tmp_path, scenario)
