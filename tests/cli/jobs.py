"""Data directories and requests for the commands that work on jobs."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from runner import Runner
from runner.api.job import Job
from runner.errors import JobEnded, NoSupervisor
from runner.jobs.base import Kind
from tests.cli.commanding import Done, run
from tests.jobs.requests import tag, training
from tests.probing import probe, state
from tests.waiting import wait_until

STARTED = re.compile(r"runner: started a supervisor in the background \(pid (\d+)\): it leaves when its last job")


def request(folder: Path, name: str = "job-1", *program: str, grace: float = 30, **members: Any) -> Path:
    """A file with a CreateTrainingJob request that runs a probe."""
    algorithm = {"ContainerEntrypoint": probe(*(program or ("polite",)))}
    return request_of(folder, name, algorithm, grace=grace, **members)


def request_of(folder: Path, name: str, algorithm: dict[str, Any], *, grace: float = 30, **members: Any) -> Path:
    file = folder / f"{name}.json"
    tags = tag("runner:grace-seconds", str(grace))
    text = json.dumps(training(TrainingJobName=name, AlgorithmSpecification=algorithm, Tags=tags, **members), indent=2)
    file.write_text(text)
    return file


def submit(folder: Path, file: Path, *arguments: object) -> Done:
    """`runner submit training FILE` in the data directory of the folder."""
    return run(folder, "submit", "training", file, "--data-dir", folder / "data", *arguments)


def started(done: Done) -> int:
    """The pid of the supervisor that a `submit` says it has started."""
    found = STARTED.match(done.err)
    assert found is not None, done
    return int(found[1])


def has_ended(pid: int, within: float = 20) -> None:
    """Until there is no such process."""
    wait_until(lambda: state(pid) in ("", "Z", "X"), within=within, saying=f"process {pid} lives on")


def status(data_dir: Path, name: str) -> str:
    """Of a job, whoever looks after it."""
    return str(summary(data_dir, name)["status"])


def summary(data_dir: Path, name: str) -> dict[str, Any]:
    with opened(data_dir) as runner:
        return runner.job(name).summary()


@contextmanager
def opened(data_dir: Path) -> Iterator[Runner]:
    """The supervisor of a directory, or the directory itself."""
    with _answering(data_dir) or Runner.read(data_dir) as runner:
        yield runner


def _answering(data_dir: Path) -> Runner | None:
    """A supervisor that has answered, and so stays: one that is leaving may still take a connection, and hang up."""
    try:
        runner = Runner.connect(data_dir)
    except NoSupervisor:
        return None
    try:
        runner.list()
    except NoSupervisor:
        runner.close()
        return None
    return runner


def ready(runner: Runner, name: str, line: str = "^ready") -> Job:
    """A job that has said so."""
    job = runner.job(name)
    job.wait_for_log(line, timeout=30)
    return job


def kill_all(data_dir: Path) -> None:
    """Whatever a test has left running in a directory, so that its supervisor leaves."""
    with suppress(NoSupervisor), Runner.connect(data_dir) as runner:
        for job in runner.list():
            with suppress(JobEnded):
                runner.call(runner.verbs.stop(Kind(job["kind"]), job["name"], None, True))


def python(code: str) -> dict[str, Any]:
    """`AlgorithmSpecification` of a program in Python."""
    return {"ContainerEntrypoint": [sys.executable, "-u", "-c", code]}
