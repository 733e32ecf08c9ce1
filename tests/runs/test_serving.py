"""`runner serve`: how it ends, and who else may have its data directory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runner import Runner
from runner.errors import DataDirectoryInUse, NoSupervisor, RunnerClosed
from runner.lifecycle.facts import FactName
from runner.lifecycle.stops import Isolation
from tests.keeper.cases import case
from tests.probing import probe
from tests.runs.seeing import PATIENCE, Trail, rows, trainer
from tests.runs.serving import REPOSITORY, Served, keepers
from tests.waiting import LATE, wait_until

_WAITS = "echo ready; while :; do sleep 0.02; done"


@case(42)
def test_sigterm_stops_every_job_within_its_own_grace(served: Served, isolation: Isolation, home: Path) -> None:
    runner = served.start()
    train = trainer(runner, isolation)
    train(probe("polite"), name="polite", grace=5)
    train(probe("slow", 0.3, 3), name="slow", grace=5)
    train(probe("deaf"), name="deaf", grace=0.6)
    # Holds the supervisor up until all has been looked at.
    train(["sh", "-c", f"trap 'while [ ! -e {home}/now ]; do sleep 0.02; done; exit 0' TERM; {_WAITS}"], name="held")
    served.terminate()
    Trail(runner, "training/held").wait_for(FactName.SIGNAL)
    with pytest.raises(RunnerClosed, match="takes no more jobs"):
        runner.train(probe("polite"), name="too-late")
    assert runner.job("held").status == "Stopping"
    (home / "now").touch()
    assert served.wait() == 0
    found = {row["name"]: (row["phase"], row["exit_code"], row["exit_signal"]) for row in jobs(served)}
    assert found == {
        "polite": ("stopped", 0, None),
        "slow": ("stopped", 3, None),
        "deaf": ("stopped", None, "SIGKILL"),
        "held": ("stopped", 0, None),
    }
    deaf = Trail(runner, "training/deaf")
    assert 0.6 <= deaf.seconds_to_kill() < 0.6 + LATE
    stopped = [Trail(runner, f"training/{name}") for name in found]
    # One order for all of them: the last one is on record before the first signal.
    assert max(trail.one(FactName.STOP)["t"] for trail in stopped) <= min(
        trail.one(FactName.SIGNAL)["t"] for trail in stopped
    )
    assert not list(keepers(served.data_dir))
    assert "Traceback" not in served.output


def jobs(served: Served) -> list[dict[str, object]]:
    return rows(served.data_dir, "SELECT * FROM jobs ORDER BY id")


@case(42)
def test_a_second_sigterm_kills(served: Served, isolation: Isolation) -> None:
    runner = served.start()
    job = trainer(runner, isolation)(probe("deaf"), grace=60)
    trail = Trail(runner, job)
    served.terminate()
    trail.wait_for(FactName.SIGNAL)
    served.terminate()
    assert served.wait() == 0
    assert trail.one(FactName.KILL)["why"] == "now"
    assert trail.record()["phase"] == "stopped"


def test_what_was_served_can_be_read_when_nobody_serves(served: Served, isolation: Isolation) -> None:
    job = trainer(served.start(), isolation)(probe("polite"), name="kept", grace=5)
    job.stop()
    described = job.describe()
    served.terminate()
    assert served.wait() == 0
    with pytest.raises(NoSupervisor):
        Runner.connect(served.data_dir)
    with Runner.read(served.data_dir) as reader:
        kept = reader.job("kept")
        assert kept.describe() == described
        assert kept.report().verdict.value == "graceful"
        assert [line.text for line in kept.logs()][1:] == ["got SIGTERM"]
        assert kept.wait() == "Stopped"
        with pytest.raises(NoSupervisor):
            reader.train(probe("polite"))


def test_an_idle_serve_ends_at_once(served: Served) -> None:
    served.start()
    served.terminate()
    assert served.wait() == 0
    wait_until(lambda: not list(keepers(served.data_dir)), within=2, saying="its keeper lives on")
    assert not (served.data_dir / "supervisor.sock").exists()


@case(48)
def test_a_second_supervisor_refuses_and_names_the_first(served: Served, isolation: Isolation) -> None:
    runner = served.start()
    job = trainer(runner, isolation)(probe("polite"), grace=5)
    before = jobs(served)
    with pytest.raises(DataDirectoryInUse, match=rf"{served.data_dir} is in use by pid {served.pid}$"):
        Runner(served.data_dir)
    second = serve(served.data_dir)
    assert (second.returncode, second.stdout) == (1, "")
    assert second.stderr.startswith(f"runner: {served.data_dir} is in use by pid {served.pid}; a second server needs ")
    assert jobs(served) == before
    assert len(list(keepers(served.data_dir))) == 1
    assert job.stop().verdict.value == "graceful"


def serve(data_dir: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "runner", "serve", "--port", "0", "--data-dir", str(data_dir)]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=PATIENCE)


@case(48)
def test_a_second_runner_of_the_same_process_refuses_too(home: Path) -> None:
    with Runner(home / "data") as runner:
        job = runner.train(probe("polite"), grace=5)
        job.wait_for_log("ready", timeout=PATIENCE)
        with pytest.raises(DataDirectoryInUse, match=f"pid {os.getpid()}"):
            Runner(home / "data")
        # The refusal has dropped nothing of the first one's claim.
        second = serve(home / "data")
        assert second.returncode == 1
        assert f"in use by pid {os.getpid()}" in second.stderr
        assert job.stop().verdict.value == "graceful"
    with Runner(home / "data") as runner:
        assert [job["status"] for job in runner.list()] == ["Stopped"]


def test_a_data_directory_with_a_long_path_is_served(home: Path, isolation: Isolation) -> None:
    data_dir = home / ("d" * (199 - len(str(home))))
    assert len(str(data_dir)) == 200
    served = Served(data_dir, home / "serve.log")
    try:
        trainer(served.start(), isolation)(probe("polite"), name="far", grace=5)
        runner = served.restart()
        assert runner.stop("far").verdict.value == "graceful"
        served.terminate()
        assert served.wait() == 0
    finally:
        served.close()
