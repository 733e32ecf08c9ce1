"""Tuning jobs: real trainings, at most so many at once, and a stop that takes all of them down."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from runner import Job, Runner
from runner.errors import InvalidRequest
from runner.lifecycle.facts import FactName
from runner.lifecycle.stops import Isolation
from tests.keeper.cases import case
from tests.probing import probe
from tests.runs.seeing import PATIENCE, Trail, rows, statuses, trails
from tests.runs.serving import REPOSITORY, Served, keepers
from tests.runs.tunings import children, most_at_once, number, tune
from tests.waiting import wait_until

DIGITS = [sys.executable, "-m", "workloads.training.digits"]
QUICK = {"epochs": 2}


def test_a_search_over_real_trainings(runner: Runner, isolation: Isolation) -> None:
    job = tune(
        runner, isolation, DIGITS, name="digits", max_jobs=5, max_parallel=2, hyperparameters=QUICK, cwd=REPOSITORY
    )
    assert job.wait(60) == "Completed"
    trainings = job.trainings()
    found = [Trail(runner, training) for training in trainings]
    assert [number(trail) for trail in found] == [1, 2, 3, 4, 5]
    assert all(re.fullmatch(r"digits-\d{3}-[0-9a-f]{8}", training.name) for training in trainings)
    assert most_at_once(found) == 2
    values = {training.name: last_accuracy(Trail(runner, training)) for training in trainings}
    for training in trainings:
        (metric,) = training.describe()["FinalMetricDataList"]
        assert (metric["MetricName"], metric["Value"]) == ("accuracy", values[training.name])
    described = job.describe()
    best = described["BestTrainingJob"]
    assert values[best["TrainingJobName"]] == max(values.values())
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == max(values.values())
    rates = {training.describe()["HyperParameters"]["learning-rate"] for training in trainings}
    assert len(rates) == 5
    assert all(0.05 <= float(rate) <= 1.0 for rate in rates)
    assert described["TrainingJobStatusCounters"]["Completed"] == 5
    assert described["ObjectiveStatusCounters"] == {"Succeeded": 5, "Pending": 0, "Failed": 0}


def last_accuracy(trail: Trail) -> float:
    return float(re.findall(r"accuracy=([0-9.]+)", trail.log())[-1])


@case(51, 52)
def test_a_stop_takes_all_at_once_and_launches_no_more(runner: Runner, isolation: Isolation) -> None:
    job = tune(runner, isolation, probe("slow", 0.2), grace=5)
    found = children(runner, job, 3)
    job.stop()
    assert job.status == "Stopped"
    assert [training.status for training in job.trainings()] == ["Stopped"] * 3
    assert len(runner.list("training")) == 3
    stopping = [entry["start"] for entry in entries(runner, "stopping")]
    ended = [entry["start"] for entry in entries(runner, "stopped")]
    assert len(stopping) == len(ended) == 3
    assert max(stopping) < min(ended)
    # The keeper had one order for all of them.
    orders = [trail.one(FactName.STOP) for trail in found]
    signals = [trail.one(FactName.SIGNAL) for trail in found]
    assert max(order["t"] for order in orders) <= min(sent["t"] for sent in signals)
    assert {order["grace"] for order in orders} == {5.0}
    assert statuses(job) == ["InProgress", "Stopping", "Stopped"]
    assert job.describe()["TrainingJobStatusCounters"]["Stopped"] == 3


def entries(runner: Runner, phase: str) -> list[dict[str, int]]:
    """When the trainings went into a phase."""
    query = "SELECT start FROM transitions t JOIN jobs ON id = job WHERE t.phase = ? AND kind = 'training'"
    return rows(runner.data_dir, query, phase)


_ONE_IS_DEAF = """
if mkdir "$ONE" 2>/dev/null; then trap '' TERM; else trap 'exit 0' TERM; fi
echo ready
while :; do sleep 0.02; done
"""


@case(53)
def test_one_that_ignores_its_signal_holds_up_only_the_parent(runner: Runner, isolation: Isolation, home: Path) -> None:
    environment = {"ONE": str(home / "one")}
    job = tune(runner, isolation, ["sh", "-c", _ONE_IS_DEAF], grace=0.8, environment=environment)
    found = children(runner, job, 3)
    job.stop()
    (deaf,) = (trail for trail in found if trail.facts(FactName.KILL))
    assert 0.8 <= deaf.seconds_to_kill() < 1.05
    others = [trail.record()["ended"] for trail in found if trail is not deaf]
    assert all(ended < deaf.one(FactName.KILL)["w"] for ended in others)
    (parent,) = rows(runner.data_dir, "SELECT ended FROM jobs WHERE kind = 'tuning'")
    assert parent["ended"] >= deaf.record()["ended"]


def waits_for(home: Path) -> str:
    """A script that tells its objective once the file `now` is there."""
    return f"echo ready; while [ ! -e {home}/now ]; do sleep 0.02; done; echo accuracy=1"


@case(54)
def test_one_that_is_stopped_alone_is_replaced(runner: Runner, isolation: Isolation, home: Path) -> None:
    waits = f"trap 'exit 0' TERM; {waits_for(home)}"
    job = tune(runner, isolation, ["sh", "-c", waits], grace=5, max_jobs=3, max_parallel=2)
    children(runner, job, 2)
    first = job.trainings()[0]
    first.stop()
    children(runner, job, 3)
    assert (first.status, job.status) == ("Stopped", "InProgress")
    (home / "now").touch()
    assert job.wait(PATIENCE) == "Completed"
    assert [training.status for training in job.trainings()] == ["Stopped", "Completed", "Completed"]
    counters = job.describe()["TrainingJobStatusCounters"]
    assert (counters["Stopped"], counters["Completed"]) == (1, 2)


def test_names_have_up_to_32_characters(runner: Runner, isolation: Isolation) -> None:
    job = tune(runner, isolation, ["true"], name="n" * 32, max_jobs=1)
    job.wait(PATIENCE)
    (training,) = job.trainings()
    assert re.fullmatch("n{32}-001-[0-9a-f]{8}", training.name)
    before = runner.list()
    with pytest.raises(InvalidRequest, match=r"^HyperParameterTuningJobName: must have 1 to 32 characters, not 33$"):
        tune(runner, isolation, ["true"], name="n" * 33)
    assert runner.list() == before


# A supervisor that is killed


_HOSTS = """
import sys
from runner import Objective, Runner

runner = Runner(*sys.argv[2:3])
job = runner.tune(
    sys.argv[3:], ranges={"x": (0.0, 1.0)}, objective=Objective("a", "a=(.)"), max_jobs=6, max_parallel=2,
    name="hosted", isolation=sys.argv[1], grace=5,
)
print(runner.data_dir, flush=True)
job.wait()
"""
_HOSTS_PRIVATELY = _HOSTS.replace("*sys.argv[2:3]", "")


def killed_host(program: str, isolation: Isolation, home: Path, data_dir: Path) -> Path:
    """Run a tuning job of two at once in a process of its own and SIGKILL that; the data directory."""
    environment = {"TMPDIR": str(home / "tmp"), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(REPOSITORY)}
    host = subprocess.Popen(
        [sys.executable, "-c", program, isolation.value, data_dir, *probe("polite")],
        env=environment,
        cwd=home,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert host.stdout is not None
        found = Path(host.stdout.readline().strip())
        wait_until(
            lambda: sum("ready" in trail.log() for trail in trails(found)) == 2,
            within=PATIENCE,
            saying=lambda: f"not two trainings: {[trail.story() for trail in trails(found)]}",
        )
    finally:
        host.send_signal(signal.SIGKILL)
        host.communicate()
    return found


@case(55)
def test_private_trainings_are_killed_with_their_owner(home: Path, isolation: Isolation) -> None:
    data_dir = killed_host(_HOSTS_PRIVATELY, isolation, home, home / "unused")
    assert data_dir.parent == home / "tmp"
    wait_until(lambda: not data_dir.exists(), within=2, saying=f"{data_dir} is still there")
    wait_until(lambda: not list(keepers(data_dir)), within=2, saying="the keeper lives on")


@case(55)
def test_trainings_of_a_named_directory_get_their_stop(home: Path, isolation: Isolation) -> None:
    data_dir = killed_host(_HOSTS, isolation, home, home / "data")
    found = trails(data_dir)
    for trail in found:
        trail.wait_for(FactName.GONE)
        assert trail.facts(FactName.OWNER_GONE)
        assert (trail.one(FactName.STOP)["grace"], trail.one(FactName.ENDED)["code"]) == (5.0, 0)
        assert trail.facts(FactName.KILL) == []
    wait_until(lambda: not list(keepers(data_dir)), within=2, saying="the keeper lives on")
    with Runner(data_dir) as runner:
        assert runner.wait("hosted", PATIENCE) == "Stopped"
        assert [training.status for training in runner.job("hosted").trainings()] == ["Stopped"] * 2
    assert len(trails(data_dir)) == 2


@case(55)
@pytest.mark.parametrize("times", [1, 3])
def test_served_trainings_go_on_and_none_is_launched_twice(
    served: Served, isolation: Isolation, home: Path, times: int
) -> None:
    runner = served.start()
    job = tune(runner, isolation, ["sh", "-c", waits_for(home)], name="served", max_jobs=5, max_parallel=2)
    before = [trail.pid for trail in children(runner, job, 2)]
    for _ in range(times):
        runner = served.restart()
    job = runner.job("served")
    assert [trail.pid for trail in children(runner, job, 2)] == before
    (home / "now").touch()
    assert job.wait(PATIENCE) == "Completed"
    assert_each_was_launched_once(runner, job, 5)


@case(55)
def test_a_supervisor_that_is_killed_while_it_launches(served: Served, isolation: Isolation) -> None:
    """Killed at some moment of a search that goes fast: what it had launched is counted, and nothing else."""
    job = tune(served.start(), isolation, ["echo", "accuracy=1"], name="fast", max_jobs=12, max_parallel=3)
    for count in (2, 5):
        wait_until(lambda: len(job.trainings()) >= count, within=PATIENCE, saying="it launches nothing")  # noqa: B023 - used at once
        job = served.restart().job("fast")
    assert job.wait(PATIENCE) == "Completed"
    assert_each_was_launched_once(served.connect(), job, 12)


def assert_each_was_launched_once(runner: Runner, job: Job, count: int) -> None:
    found = [Trail(runner, training) for training in job.trainings()]
    assert [number(trail) for trail in found] == list(range(1, count + 1))
    assert {trail.key for trail in found} == {trail.key for trail in trails(runner.data_dir)}
    for trail in found:
        assert [fact["fact"] for fact in trail.facts(FactName.LAUNCH, FactName.STARTED)] == ["launch", "started"]
    assert {training.status for training in job.trainings()} == {"Completed"}
