"""A stop belongs to the job: what becomes of it when whoever asked for it is gone, or when the job never ran."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from runner.backends.local import LocalBackend
from runner.backends.local import Policy as KeeperPolicy
from runner.errors import NoSupervisor
from runner.jobs.base import Kind
from runner.lifecycle.facts import FactName
from runner.lifecycle.stops import Isolation
from runner.supervisor.options import Options, Policy
from runner.supervisor.service import Service
from tests.keeper.cases import case
from tests.probing import probe
from tests.runs.seeing import PATIENCE, Trail, rows, trainer
from tests.runs.serving import REPOSITORY, Served
from tests.waiting import wait_until

GRACE = 0.5


@case(9)
def test_a_client_that_hangs_up_at_once_has_stopped_the_job(served: Served, isolation: Isolation) -> None:
    runner = served.start()
    job = trainer(runner, isolation)(probe("deaf"), name="heard", grace=GRACE)
    order = {"id": 1, "verb": "stop", "args": {"kind": "training", "name": "heard"}}
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(served.data_dir / "supervisor.sock"))
        client.sendall(json.dumps(order).encode() + b"\n")
        client.recv(1)  # without this the order itself may be lost with the connection
    assert job.wait(PATIENCE) == "Stopped"
    trail = Trail(runner, job)
    assert trail.one(FactName.KILL)["why"] == "deadline"
    assert GRACE <= trail.seconds_to_kill() < GRACE + 0.25


_STOPS = """
import sys
from runner import Runner
Runner.connect(sys.argv[1]).stop(sys.argv[2])
"""


@case(9)
def test_a_client_that_is_killed_while_it_waits_has_stopped_the_job(served: Served, isolation: Isolation) -> None:
    runner = served.start()
    job = trainer(runner, isolation)(probe("deaf"), grace=GRACE)
    trail = Trail(runner, job)
    client = subprocess.Popen([sys.executable, "-c", _STOPS, served.data_dir, job.name], cwd=REPOSITORY)
    try:
        trail.wait_for(FactName.SIGNAL)
    finally:
        client.send_signal(signal.SIGKILL)
        client.wait()
    assert job.wait(PATIENCE) == "Stopped"
    assert GRACE <= trail.seconds_to_kill() < GRACE + 0.25


@case(9)
def test_a_runner_that_is_closed_while_it_waits_has_stopped_the_job(served: Served, isolation: Isolation) -> None:
    runner, other = served.start(), served.connect()
    job = trainer(runner, isolation)(probe("deaf"), grace=GRACE)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(other.stop, job.name)
        Trail(runner, job).wait_for(FactName.SIGNAL)
        other.close()
        assert waiting.exception(PATIENCE) is not None
    assert job.wait(PATIENCE) == "Stopped"
    assert GRACE <= Trail(runner, job).seconds_to_kill() < GRACE + 0.25


def test_a_client_is_told_when_its_supervisor_dies(served: Served) -> None:
    runner = served.start()
    job = runner.train(probe("polite"), grace=1)
    job.wait_for_log("ready", timeout=PATIENCE)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(job.wait, PATIENCE)
        wait_until(waiting.running, within=PATIENCE, saying="nobody waits")
        os.kill(served.pid, signal.SIGKILL)
        with pytest.raises(NoSupervisor, match=str(served.data_dir)):
            waiting.result(PATIENCE)
    with pytest.raises(NoSupervisor):
        runner.list()


@case(12)
def test_a_job_that_waits_for_a_place_never_starts(home: Path, isolation: Isolation) -> None:
    data_dir = home / "data"

    async def run() -> None:
        backend = LocalBackend(data_dir, KeeperPolicy.NAMED)
        service = Service(data_dir, backend, Options(policy=Policy.NAMED, places=1))
        await service.open()
        try:
            for name in ("first", "second", "third"):
                await service.create(Kind.TRAINING, training(name, isolation), str(home), dict(os.environ))
            await service.wait_for_log(Kind.TRAINING, "first", "ready", PATIENCE)
            await service.stop(Kind.TRAINING, "second")
            second = await service.wait(Kind.TRAINING, "second", PATIENCE)
            assert (second["status"], second["started"], second["exit_code"]) == ("Stopped", None, None)
            assert (await service.summary(Kind.TRAINING, "third"))["phase"] == "pending"
            await service.stop(Kind.TRAINING, "first")
            await service.wait_for_log(Kind.TRAINING, "third", "ready", PATIENCE)
        finally:
            await service.close()

    asyncio.run(run())
    assert not Trail(data_dir, "training/second").folder.exists()
    assert Trail(data_dir, "training/third").facts(FactName.EXECUTED)
    entries = rows(data_dir, "SELECT t.phase FROM transitions t JOIN jobs ON id = job WHERE name = 'second' ORDER BY n")
    assert [entry["phase"] for entry in entries] == ["pending", "cancelling", "stopped"]


def training(name: str, isolation: Isolation) -> dict[str, object]:
    """CreateTrainingJob of the polite probe."""
    return {
        "TrainingJobName": name,
        "RoleArn": "arn:aws:iam::123456789012:role/any",
        "AlgorithmSpecification": {"ContainerEntrypoint": probe("polite"), "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": "s3://outputs"},
        "Tags": [
            {"Key": "runner:isolation", "Value": isolation.value},
            {"Key": "runner:grace-seconds", "Value": "5"},
        ],
    }
