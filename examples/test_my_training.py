"""Tests of a training's stop. Copy this file beside your tests, and put your own command and log lines into it."""

import sys
import tarfile

from runner.pytest_plugin import CheckStop, LaunchJob

COMMAND = [sys.executable, "-m", "workloads.training.digits"]
GRACE = 10
"""Seconds. SageMaker gives 120; what does it with less does it with more."""


def test_it_stops_in_time(check_stop: CheckStop) -> None:
    check_stop(COMMAND, ready="epoch 1", grace=GRACE)


def test_a_stop_while_it_starts_is_not_lost(check_stop: CheckStop) -> None:
    # Not before its first line, which it prints once its handler is there.
    check_stop([*COMMAND, "--epoch-seconds", "30"], ready="", grace=GRACE)


def test_it_saves_its_model(launch_job: LaunchJob, check_stop: CheckStop) -> None:
    job = launch_job(COMMAND, name="mine", ready="epoch 2", grace=GRACE)
    check_stop(job)
    output = launch_job.runner.data_dir / "objects" / "runner-outputs" / "mine" / "output"
    with tarfile.open(output / "model.tar.gz") as model:
        assert "model.json" in model.getnames()
