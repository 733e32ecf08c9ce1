"""`Runner` inside other programs: threads, event loops, forks, and a host's own signals, children and descriptors."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType

import psutil
import pytest

from runner import Runner
from runner.errors import NameInUse, RunnerClosed
from runner.lifecycle.stops import Isolation
from tests.probing import probe
from tests.runs.seeing import PATIENCE, Jobs, trainer
from tests.waiting import wait_until


def test_ten_threads(runner: Runner, train: Jobs) -> None:
    together = threading.Barrier(10)

    def use(number: int) -> tuple[str, str, int | None]:
        together.wait(PATIENCE)
        job = train(probe("exits", number), name=f"job-{number}", grace=10)
        report = job.stop()
        return job.status, report.verdict.value, report.exit.code

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(use, range(10))) == [("Stopped", "graceful", number) for number in range(10)]
    assert len(runner.list()) == 10


def test_ten_threads_want_one_name(runner: Runner, isolation: Isolation) -> None:
    together = threading.Barrier(10)

    def use(_: int) -> str:
        together.wait(PATIENCE)
        try:
            return runner.train(["true"], name="the-only-one", isolation=isolation).wait(PATIENCE)
        except NameInUse:
            return "in use"

    with ThreadPoolExecutor(10) as pool:
        assert sorted(pool.map(use, range(10))) == ["Completed"] + ["in use"] * 9


def test_inside_a_running_event_loop(home: Path, isolation: Isolation) -> None:
    async def cell() -> tuple[str, bool]:
        loop = asyncio.get_running_loop()
        with Runner() as runner:
            job = trainer(runner, isolation)(probe("polite"), grace=5)
            verdict = job.stop().verdict.value
        await asyncio.sleep(0)
        return verdict, loop is asyncio.get_running_loop()

    assert asyncio.run(cell()) == ("graceful", True)


def test_two_runners_in_one_process(home: Path, isolation: Isolation) -> None:
    with Runner() as first, Runner() as second:
        jobs = [trainer(runner, isolation)(probe("polite"), name="same", grace=5) for runner in (first, second)]
        jobs[0].stop()
        assert jobs[1].status == "InProgress"
        assert jobs[1].stop().verdict.value == "graceful"
        assert first.data_dir != second.data_dir


def test_a_forked_child_is_refused_and_disturbs_nothing(runner: Runner, train: Jobs) -> None:
    job = train(probe("polite"), grace=5)
    read, write = os.pipe()
    # What a forked child of a program with threads may do at all: raise, say so, leave.
    child = os.fork()
    if child == 0:
        try:
            runner.list()
        except RunnerClosed as refused:
            os.write(write, str(refused).encode())
        runner.close()
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as said:
        assert said.read() == "this runner is used in a forked child of the process that made it"
    assert os.waitpid(child, 0) == (child, 0)
    assert job.status == "InProgress"
    assert job.stop().verdict.value == "graceful"


def test_after_close_everything_says_so(runner: Runner, train: Jobs) -> None:
    job = train(probe("polite"), grace=5)
    runner.close()
    runner.close()
    for use in (runner.list, job.describe, job.stop, lambda: runner.train(["true"])):
        with pytest.raises(RunnerClosed, match="has been closed"):
            use()


def test_signal_handlers_stay(home: Path, isolation: Isolation) -> None:
    def handler(number: int, frame: FrameType | None) -> None: ...

    numbers = [number for number in signal.valid_signals() if number not in (signal.SIGKILL, signal.SIGSTOP)]
    old = signal.signal(signal.SIGCHLD, handler)
    try:
        before = {number: signal.getsignal(number) for number in numbers}
        mask, wakeup = signal.pthread_sigmask(signal.SIG_BLOCK, []), signal.set_wakeup_fd(-1)
        with Runner() as runner:
            job = trainer(runner, isolation)(probe("polite"), grace=5)
            assert {number: signal.getsignal(number) for number in numbers} == before
            job.stop()
        assert {number: signal.getsignal(number) for number in numbers} == before
        assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == mask
        assert signal.set_wakeup_fd(wakeup) == -1
    finally:
        signal.signal(signal.SIGCHLD, old)


def test_the_hosts_children_are_its_own(home: Path, isolation: Isolation) -> None:
    own = [subprocess.Popen(["sh", "-c", f"read line; exit {code}"], stdin=subprocess.PIPE) for code in (3, 4, 5)]
    with Runner() as runner:
        job = trainer(runner, isolation)(probe("leaves-child", 2), grace=5)
        # Neither the keeper nor a job is a child of this process: a host that waits for any child meets its own only.
        assert {child.pid for child in psutil.Process().children()} == {process.pid for process in own}
        assert os.waitpid(-1, os.WNOHANG) == (0, 0)
        job.stop()
        assert os.waitpid(-1, os.WNOHANG) == (0, 0)
    for process in own:
        process.communicate(b"\n")
    assert [process.returncode for process in own] == [3, 4, 5]


_REAPS = """
import os, select, signal, subprocess, sys
from runner import Runner

reaped = {}

def reap(number, frame):
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        reaped[pid] = os.waitstatus_to_exitcode(status)

signal.signal(signal.SIGCHLD, reap)
own = {os.posix_spawn("/bin/sh", ["sh", "-c", f"exit {code}"], {}): code for code in range(5)}
with Runner() as runner:
    job = runner.train([sys.executable, "-c", sys.argv[2]], isolation=sys.argv[1], grace=5)
    job.wait_for_log("ready")
    print(job.stop().verdict.value)
while not own.keys() <= reaped.keys():
    select.select([], [], [], 0.05)
print(all(reaped[pid] == code for pid, code in own.items()))
"""
_POLITE = """
import select, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
print("ready")
while True:
    select.select([], [], [], 0.05)
"""


def test_a_host_that_reaps_every_child(home: Path, isolation: Isolation) -> None:
    """Its handler takes whatever child has ended: the keeper's start must not depend on being told of one."""
    host = subprocess.run(
        [sys.executable, "-c", _REAPS, isolation.value, _POLITE],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"TMPDIR": str(home / "tmp")},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert (host.stdout.split(), host.stderr) == (["graceful", "True"], "")


def test_thirty_runners_leak_nothing(home: Path) -> None:
    process = psutil.Process()

    def once() -> None:
        with Runner() as runner:
            runner.list()

    once()
    before = process.num_fds(), process.num_threads()
    for _ in range(30):
        once()
    wait_until(
        lambda: (process.num_fds(), process.num_threads()) == before,
        within=2,
        saying=lambda: f"{(process.num_fds(), process.num_threads())} descriptors and threads, not {before}",
    )
    assert psutil.Process().children() == []


def test_a_data_directory_with_a_long_path(home: Path, isolation: Isolation) -> None:
    """A socket's address holds 107 bytes (unix(7))."""
    data_dir = home / ("d" * (199 - len(str(home))))
    assert len(str(data_dir)) == 200
    with Runner(data_dir) as runner:
        job = trainer(runner, isolation)(probe("polite"), name="far", grace=5)
        with Runner.connect(data_dir) as client:
            assert client.stop("far").verdict.value == "graceful"
        assert job.status == "Stopped"
