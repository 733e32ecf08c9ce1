"""The owner that is killed: a program, or a pytest, with a `Runner` and jobs of every awkward sort.

What it is to do is told by the variable `OWNER`, a JSON object with the members of `Wish`. Once its jobs run, it
writes the file `ready`, which says what its pid and its data directory are; then it ends as it was told, or waits.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from runner import Objective, Runner
from runner.api.job import Job
from runner.backends.local import LocalBackend, Policy
from tests.probing import probe
from tests.waiting import wait_until

VARIABLE = "OWNER"
DEAF_WITH_CHILDREN = 'trap "" TERM; "$@" & "$@" & wait; true'


class Wish(NamedTuple):
    """What an owner is to do."""

    ready: str
    """Path of the file to write."""
    folder: str
    """Working directory of the jobs."""
    isolation: str
    cgroups: bool
    way: str = ""
    """Name in `WAYS`."""
    unmarked: bool = True
    """With an escapee that has cleared its environment."""


class Ready(NamedTuple):
    """What an owner says of itself."""

    pid: int
    data_dir: str
    bystander: int
    """Pid of a forked child; 0 if there is none."""


def begin(wish: Wish) -> tuple[Runner, list[Job]]:
    """A runner with its jobs, all in the state that they are there for."""
    runner = Runner(backend=lambda data_dir, policy: LocalBackend(data_dir, Policy(policy), use_cgroups=wish.cgroups))

    def train(command: list[str]) -> Job:
        return runner.train(command, grace=60, isolation=wish.isolation, cwd=wish.folder)

    deaf = train(["sh", "-c", DEAF_WITH_CHILDREN, "sh", *probe("deaf")])
    escapees = [train(probe(name)) for name in ("escapee", *(["escapee-unmarked"] if wish.unmarked else []))]
    tuning = runner.tune(
        probe("deaf"),
        ranges={"rate": (0.1, 1.0)},
        objective=Objective("accuracy", "accuracy=([0-9.]+)"),
        max_jobs=2,
        max_parallel=2,
        grace=60,
        isolation=wish.isolation,
        cwd=wish.folder,
    )
    wait_until(
        lambda: sum(line.text.startswith("ready") for line in deaf.logs()) == 2, within=20, saying="no deaf children"
    )
    trainings = wait_until(
        lambda: found if len(found := tuning.trainings()) == 2 else None, within=20, saying="no trainings"
    )
    for job in [*escapees, *trainings]:
        job.wait_for_log("^ready", timeout=20)
    return runner, [deaf, *escapees, tuning]


def say_ready(wish: Wish, runner: Runner, bystander: int = 0) -> None:
    partial = Path(f"{wish.ready}.partial")
    partial.write_text(json.dumps(Ready(os.getpid(), str(runner.data_dir), bystander)))
    partial.rename(wish.ready)


def wait_for_ever() -> None:
    threading.Event().wait()


# --- as a program


def leave_without_clean_up(runner: Runner, jobs: list[Job]) -> None:
    os._exit(7)


def leave_open(runner: Runner, jobs: list[Job]) -> None:
    """The interpreter ends with the runner still open."""


def raise_it(runner: Runner, jobs: list[Job]) -> None:
    raise LookupError("nobody handles this")


def wait_for_job(runner: Runner, jobs: list[Job]) -> None:
    jobs[0].wait()


def wait_for_job_inside(runner: Runner, jobs: list[Job]) -> None:
    with runner:
        jobs[0].wait()


def follow_job(runner: Runner, jobs: list[Job]) -> None:
    for _ in jobs[0].follow():
        pass


def stop_job(runner: Runner, jobs: list[Job]) -> None:
    """It is killed in the middle of a stop that has a long grace."""
    for job in (jobs[0], jobs[-1]):
        job.stop(wait=False)
    jobs[0].wait()


WAYS: dict[str, Callable[[Runner, list[Job]], None]] = {
    function.__name__: function
    for function in (
        leave_without_clean_up,
        leave_open,
        raise_it,
        wait_for_job,
        wait_for_job_inside,
        follow_job,
        stop_job,
    )
}


def exit_in_thread(wish: Wish) -> None:
    """The runner is made in a thread that ends by `sys.exit`; nobody has it any more when the program ends."""

    def work() -> None:
        runner, _ = begin(wish)
        say_ready(wish, runner)
        sys.exit(3)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def main() -> None:
    wish = wished()
    if wish.way == exit_in_thread.__name__:
        exit_in_thread(wish)
        return
    runner, jobs = begin(wish)
    say_ready(wish, runner)
    WAYS[wish.way](runner, jobs)


def wished() -> Wish:
    return Wish(*json.loads(os.environ[VARIABLE]))


# --- as tests


@pytest.fixture
def started() -> Iterator[list[Job]]:
    """The jobs; made in a fixture, so that a time limit of the function alone counts from when they run."""
    wish = wished()
    runner, jobs = begin(wish)
    with runner:
        say_ready(wish, runner)
        yield jobs


def test_waits(started: list[Job]) -> None:
    started[0].wait()


def test_never_closes() -> None:
    wish = wished()
    runner, jobs = begin(wish)
    say_ready(wish, runner)
    jobs[0].wait()


def test_forks() -> None:
    """A forked child lives on and has all descriptors of its parent, also that of the keeper's socket."""
    wish = wished()
    runner, jobs = begin(wish)
    child = multiprocessing.get_context("fork").Process(target=wait_for_ever)
    child.start()
    say_ready(wish, runner, child.pid or 0)
    jobs[0].wait()


if __name__ == "__main__":
    main()
