"""However a test ends, within 2 s nothing of its jobs is left."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from tests import leftovers
from tests.plugin.running import output, private_directories, run, start
from tests.waiting import wait_until

SUITE = """
import json
import os
import threading
from pathlib import Path

@pytest.fixture
def jobs(launch_job):
    wrapper = ["sh", "-c", 'trap "" TERM; "$@" & "$@" & wait; true', "sh", *probe("deaf")]
    found = [launch_job(words, ready="^ready", cwd=Path.cwd()) for words in (wrapper, probe("escapee"))]
    if Path("here").is_dir():
        Path("here", "partial").write_text(json.dumps([os.getpid(), str(launch_job.runner.data_dir)]))
        Path("here", "partial").rename("here/ready")
    return found

def test_waits(jobs):
    jobs[0].wait()

def test_hangs(jobs):
    threading.Event().wait()

def test_fails(jobs):
    raise LookupError

def test_exits(jobs):
    pytest.exit("enough")

def test_is_being_stopped(jobs, check_stop):
    check_stop(jobs[0], grace=60)
"""
LEAST = 4
FUNCTION_ONLY = "timeout_func_only = true"


@pytest.fixture(autouse=True, params=["pid1", "plain"])
def _isolation(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "")
    monkeypatch.setenv("INNER_ISOLATION", request.param)


def options() -> list[str]:
    return [f"--runner-isolation={os.environ['INNER_ISOLATION']}"]


@pytest.mark.parametrize("test", ["test_fails", "test_exits"])
def test_a_test_that_ends_by_itself(folder: Path, test: str) -> None:
    before = leftovers.observe(folder)
    ran = run(folder, SUITE, "-k", test, *options())
    assert ran.code != 0, ran.out
    assert "LookupError" in ran.out or "enough" in ran.out
    leftovers.assert_nothing_left(before, within=2)
    assert private_directories(folder) == []


@pytest.mark.parametrize("method", ["signal", "thread"])
@pytest.mark.parametrize("test", ["test_waits", "test_hangs", "test_is_being_stopped"])
def test_timeout(folder: Path, test: str, method: str) -> None:
    before = leftovers.observe(folder)
    limits = ["--timeout=0.3", f"--timeout-method={method}"]
    ran = run(folder, SUITE, "-k", test, *limits, *options(), settings=FUNCTION_ONLY)
    assert ran.code == 1, ran.out
    assert ("+ Timeout +" if method == "thread" else "Timeout (>0.3s)") in ran.out
    if method == "signal":
        assert ran.out.count("\n    ready ") >= 2, ran.out  # the last lines of the jobs
    wait_until(lambda: not private_directories(folder), within=2, saying=lambda: f"{private_directories(folder)}")
    leftovers.assert_nothing_left(before, within=2)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
@pytest.mark.parametrize("workers", [[], ["-n1", "--max-worker-restart=0"]], ids=["alone", "worker"])
def test_signal(folder: Path, number: signal.Signals, workers: list[str]) -> None:
    before = leftovers.observe(folder)
    (folder / "here").mkdir()
    with start(folder, SUITE, "-k", "test_waits", *workers, *options()) as process:
        try:
            ready = folder / "here" / "ready"
            wait_until(lambda: ready.exists() or process.poll() is not None, within=30, saying=lambda: output(folder))
            assert ready.exists(), output(folder)
            pid, data_dir = json.loads(ready.read_text())
            assert len(list(leftovers.processes(folder))) >= LEAST
            assert Path(data_dir).parent == folder / "tmp"
            # Ctrl-C reaches every process of the terminal's foreground, SIGKILL the one that it is sent to.
            os.killpg(process.pid, number) if number is signal.SIGINT else os.kill(pid, number)
            wait_until(
                lambda: not private_directories(folder), within=5, saying=lambda: f"{private_directories(folder)}"
            )
            process.wait(20)
        finally:
            process.kill()
    leftovers.assert_nothing_left(before, within=2)
