"""Launches and stops, beside a floor in the same run: `python -m benchmarks.stops [--jobs N] [--rounds N]`."""

from __future__ import annotations

import argparse
import asyncio
import os
import select
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from runner import Runner
from runner.backends.base import Launch, Listener, Mount, Stop, journal
from runner.backends.local import LocalBackend
from runner.keeper.journal import parse
from runner.lifecycle.phases import Cause
from runner.lifecycle.stops import Isolation

SOURCE = Path(__file__).parent.parent / "workloads" / "probes" / "polite.c"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--jobs", type=int, default=100, help="jobs that are launched and stopped together")
    options.add_argument("--rounds", type=int, default=5, help="how often each is measured; the median is shown")
    options.add_argument("--isolation", default="plain", choices=["plain", "pid1"])
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="runner-benchmark-") as folder:
        program = Path(folder) / "polite"
        subprocess.run([shutil.which("cc") or "gcc", "-O1", "-o", program, SOURCE], check=True)
        _one_stop(program, chosen.isolation, 20 * chosen.rounds)
        _many(program, Isolation(chosen.isolation), chosen.jobs, chosen.rounds)
        _deadline(chosen.isolation, chosen.rounds)


def _show(what: str, ours: Sequence[float], floor: Sequence[float]) -> None:
    mine, base = statistics.median(ours), statistics.median(floor)
    print(f"{what:<46} {mine:9.2f} ms   floor {base:9.2f} ms   ratio {mine / base:6.2f}   max {max(ours):9.2f} ms")


# --- the floor


def _popen(program: Path) -> subprocess.Popen[bytes]:
    child = subprocess.Popen([program], stdout=subprocess.PIPE, start_new_session=True)
    assert child.stdout is not None
    child.stdout.readline()
    return child


def _floor_many(program: Path, count: int) -> tuple[float, float]:
    """ms to launch `count` children until all are ready, and ms to stop them all, by pidfds in one epoll set."""
    began = time.perf_counter()
    children = [subprocess.Popen([program], stdout=subprocess.PIPE, start_new_session=True) for _ in range(count)]
    for child in children:
        assert child.stdout is not None
        child.stdout.readline()
    launched = time.perf_counter()
    epoll, fds = select.epoll(), {os.pidfd_open(child.pid): child for child in children}
    for fd in fds:
        epoll.register(fd, select.EPOLLIN)
    stopping = time.perf_counter()
    for fd in fds:
        signal.pidfd_send_signal(fd, signal.SIGTERM)
    left = dict(fds)
    while left:
        for fd, _ in epoll.poll():
            epoll.unregister(fd)
            left.pop(fd).wait()
    stopped = time.perf_counter()
    for fd, child in fds.items():
        os.close(fd)
        assert child.stdout is not None
        child.stdout.close()
    epoll.close()
    return (launched - began) * 1e3, (stopped - stopping) * 1e3


# --- one stop, in process, to the durable Stopped


def _one_stop(program: Path, isolation: str, rounds: int) -> None:
    ours, floor = [], []
    with Runner() as runner:
        for _ in range(rounds):
            job = runner.train([str(program)], isolation=isolation)
            job.wait_for_log("ready")
            began = time.perf_counter()
            job.stop(wait=False)
            job.wait()
            ours.append((time.perf_counter() - began) * 1e3)
            child = _popen(program)
            began = time.perf_counter()
            child.terminate()
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
            floor.append((time.perf_counter() - began) * 1e3)
            child.communicate()
    _show(f"one stop to the durable Stopped ({isolation})", ours, floor)


# --- many jobs, keeper and journals, no records


def _many(program: Path, isolation: Isolation, count: int, rounds: int) -> None:
    launches, stops, spreads, floors = [], [], [], []
    for _ in range(rounds):
        launched, stopped, spread = asyncio.run(_keeper_many(program, isolation, count))
        launches.append(launched)
        stops.append(stopped)
        spreads.append(spread)
        floors.append(_floor_many(program, count))
    _show(f"launch of {count} ({isolation.value})", launches, [launch for launch, _ in floors])
    _show(f"stop of {count}, facts recorded ({isolation.value})", stops, [stop for _, stop in floors])
    print(f"{f'spread of the SIGTERMs of {count}':<46} {statistics.median(spreads):9.2f} ms")


async def _keeper_many(program: Path, isolation: Isolation, count: int) -> tuple[float, float, float]:
    with tempfile.TemporaryDirectory(prefix="runner-benchmark-") as name:
        data_dir = Path(name)
        backend = LocalBackend(data_dir)
        changed = asyncio.Event()
        await backend.open(Listener(grown=lambda job: changed.set()))
        await backend.isolation(isolation)
        launches = [_launch(data_dir, number, program, isolation) for number in range(count)]
        began = time.perf_counter()
        await asyncio.gather(*(backend.launch(launch) for launch in launches))
        await _until(changed, lambda: all(_ready(launch) for launch in launches))
        launched = time.perf_counter()
        await backend.stop([Stop(launch.job, 1, 30, Cause.REQUESTED) for launch in launches])
        await _until(changed, lambda: all(b'"gone"' in journal(launch.folder).read_bytes() for launch in launches))
        stopped = time.perf_counter()
        sent = [
            fact["t"]
            for launch in launches
            for fact in parse(journal(launch.folder).read_bytes())
            if fact["fact"] == "signal"
        ]
        await backend.close()
    return (launched - began) * 1e3, (stopped - launched) * 1e3, (max(sent) - min(sent)) / 1e6


def _launch(data_dir: Path, number: int, program: Path, isolation: Isolation) -> Launch:
    folder = data_dir / str(number)
    (folder / "ml").mkdir(parents=True)
    mounts = [Mount(folder / "ml", "/opt/ml")] if isolation is Isolation.PID1 else []
    environment = {"PATH": os.environ["PATH"]}
    return Launch(f"job-{number}", 1, [str(program)], environment, "/", folder, isolation, mounts=mounts)


def _ready(launch: Launch) -> bool:
    log = launch.folder / "log"
    return log.exists() and log.stat().st_size > 0


async def _until(changed: asyncio.Event, condition: Callable[[], bool]) -> None:
    while not condition():
        changed.clear()
        try:
            await asyncio.wait_for(changed.wait(), 0.001)
        except TimeoutError:
            continue


# --- the deadline


def _deadline(isolation: str, rounds: int) -> None:
    late = []
    with Runner() as runner:
        for _ in range(rounds):
            job = runner.train(["sh", "-c", "trap '' TERM; echo ready; sleep 60 & wait; wait"], isolation=isolation)
            job.wait_for_log("ready")
            job.stop(grace=1)
            facts = {fact["fact"]: fact for fact in job.facts()}
            late.append((facts["kill"]["t"] - facts["signal"]["deadline"]) / 1e6)
    print(f"{'SIGKILL after a deadline of 1 s':<46} {statistics.median(late):9.2f} ms   max {max(late):9.2f} ms")


if __name__ == "__main__":
    main()
