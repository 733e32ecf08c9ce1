"""Tests of a training's stop. Copy this file beside your tests, and put your own command and log lines into it."""

import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner import Runner

COMMAND = [sys.executable, "-m", "workloads.training.digits"]
GRACE = 10
"""Seconds. SageMaker gives 120; what does it with less does it with more."""


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Runner]:
    with Runner(data_dir=tmp_path) as runner:
        yield runner


def test_it_stops_in_time_and_saves_its_work(runner: Runner, tmp_path: Path) -> None:
    job = runner.train(COMMAND, name="mine", grace=GRACE)
    job.wait_for_log("epoch 1 ")
    report = job.stop()
    assert [finding.code for finding in report.findings] == ["graceful"], report.findings[0].explanation
    model = tmp_path / "objects" / "runner-outputs" / "mine" / "output" / "model.tar.gz"
    with tarfile.open(model) as archive:
        assert "model.json" in archive.getnames()


def test_a_stop_while_it_starts_is_not_lost(runner: Runner) -> None:
    # Not before its first line, which it prints once its handler is there.
    job = runner.train([*COMMAND, "--epoch-seconds", "30"], grace=GRACE)
    job.wait_for_log("")
    assert job.stop().verdict == "graceful"
