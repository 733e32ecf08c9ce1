"""What evidence costs, beside a floor or a peer in the same run: `python -m benchmarks.evidence [--rounds N]`."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from runner.backends.base import Launch, Listener, Mount, Stop, Watched, journal, log
from runner.backends.local import LocalBackend
from runner.keeper import start
from runner.keeper.journal import parse
from runner.lifecycle.phases import Cause
from runner.lifecycle.stops import Isolation

SOURCE = Path(__file__).parent.parent / "workloads" / "probes" / "polite.c"
PROCESSES = 100
RATE = 10_000_000
"""Bytes a second of the programs that print or save."""
PATIENCE = 30.0

# A hundred children, and a main process that ends on SIGTERM.
CROWD = "trap 'exit 0' TERM; i=1; while [ $i -lt %d ]; do sleep 1000 & i=$((i+1)); done; echo ready; wait; wait"
# As a program whose output is not buffered: a write for each line.
PRINTS = """
import os, sys, time
line, rate, seconds = b"x" * 99 + b"\\n", int(sys.argv[1]), float(sys.argv[2])
began, sent = time.monotonic(), 0
while (now := time.monotonic() - began) < seconds:
    while sent < now * rate:
        os.write(1, line)
        sent += len(line)
    time.sleep(0.0005)
"""
# A checkpoint a second, written in pieces of 10 kB.
SAVES = """
import os, sys, time
piece, rate, seconds, folder = b"x" * 10_000, int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
began, sent, file = time.monotonic(), 0, None
while (now := time.monotonic() - began) < seconds:
    while sent < now * rate:
        if sent % rate == 0:
            file = open(f"{folder}/checkpoint-{sent // rate}", "wb", buffering=0)
        file.write(piece)
        sent += len(piece)
    time.sleep(0.0005)
"""

# The keeper that signals without having looked: what a look costs in the path of a stop is the difference.
_BLIND = """
from runner.keeper.job import Job
Job.see_before_signal = lambda job, closely: True
Job.disposition = lambda job: None
"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=50, help="how often each stop and look is measured")
    options.add_argument("--seconds", type=float, default=5.0, help="for which programs print and save")
    options.add_argument("--isolation", default="plain", choices=["plain", "pid1"])
    chosen = options.parse_args()
    isolation = Isolation(chosen.isolation)
    with tempfile.TemporaryDirectory(prefix="runner-benchmark-") as name:
        folder = Path(name)
        program = folder / "polite"
        subprocess.run([shutil.which("cc") or "gcc", "-O1", "-o", program, SOURCE], check=True)
        asyncio.run(_signal_of_one(folder, program, isolation, chosen.rounds))
        asyncio.run(_crowd(folder, isolation, chosen.rounds))
        asyncio.run(_printing(folder, isolation, chosen.seconds))
        asyncio.run(_saving(folder, isolation, chosen.seconds))
        _check(program, chosen.isolation, max(chosen.rounds // 3, 3))


def _show(what: str, ours: Sequence[float], floor: Sequence[float], unit: str = "ms") -> None:
    mine, base = statistics.median(ours), statistics.median(floor)
    ratio = f"{mine / base:6.2f}" if base else "     -"
    print(f"{what:<52} {mine:8.3f} {unit:<3} floor {base:8.3f} {unit:<3} ratio {ratio}   best {min(ours):8.3f} {unit}")


# --- jobs


class _Jobs:
    """A keeper, and jobs in it."""

    def __init__(self, data_dir: Path, backend: LocalBackend, isolation: Isolation) -> None:
        self._data_dir = data_dir
        self.backend = backend
        self._isolation = isolation
        self._count = 0

    async def launch(self, *argv: str, ready: bytes | None = b"ready", **others: Any) -> Launch:
        self._count += 1
        folder = self._data_dir / str(self._count)
        (folder / "ml").mkdir(parents=True)
        mounts = [Mount(folder / "ml", "/opt/ml")] if self._isolation is Isolation.PID1 else []
        environment = {"PATH": os.environ["PATH"]}
        launch = Launch(
            f"job-{self._count}", 1, argv, environment, "/", folder, self._isolation, mounts=mounts, **others
        )
        await self.backend.launch(launch)
        if ready is not None:
            await _until(lambda: ready in _read(log(folder)), f"{argv[0]} is not ready")
        return launch

    async def stop(self, launch: Launch) -> list[dict[str, Any]]:
        """Stop it; its facts, once nothing of it is left."""
        await self.backend.stop([Stop(launch.job, 1, 30, Cause.REQUESTED)])
        return await self.gone(launch)

    async def gone(self, launch: Launch) -> list[dict[str, Any]]:
        await _until(lambda: b'"gone"' in _read(journal(launch.folder)), f"{launch.job} does not end")
        await self.backend.forget(launch.job)
        return parse(_read(journal(launch.folder)))


@asynccontextmanager
async def _keeper(folder: Path, isolation: Isolation, before: str = "") -> AsyncIterator[_Jobs]:
    """A keeper that runs the Python code `before` when it starts."""
    with tempfile.TemporaryDirectory(dir=folder) as name, patch.object(start, "_PROGRAM", _with(before)):
        backend = LocalBackend(Path(name))
        await backend.open(Listener())
        try:
            await backend.isolation(isolation)
            yield _Jobs(Path(name), backend, isolation)
        finally:
            await backend.close()


def _with(before: str) -> str:
    program: str = start._PROGRAM
    first, main, rest = program.rpartition("main(")
    return f"{first}{before}{main}{rest}"


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


async def _until(condition: Callable[[], bool], saying: str) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(saying)
        await asyncio.sleep(0.002)


def _ms_between(facts: list[dict[str, Any]], first: str, last: str) -> float:
    """Between the first facts of these names, or looks of these moments."""
    at = [next(fact["t"] for fact in facts if name in (fact["fact"], fact.get("moment"))) for name in (first, last)]
    return float(at[1] - at[0]) / 1e6


# --- the floor: the same files of the same processes, read and no more


def _read_files(pids: Sequence[int], names: Sequence[str]) -> float:
    """ms to read these files of /proc, once."""
    began = time.perf_counter()
    for pid in pids:
        for name in names:
            fd = os.open(f"/proc/{pid}/{name}", os.O_RDONLY)
            os.read(fd, 16384)
            os.close(fd)
    return (time.perf_counter() - began) * 1e3


# --- a stop and a look


async def _signal_of_one(folder: Path, program: Path, isolation: Isolation, rounds: int) -> None:
    seeing, blind, floor = [], [], []
    async with _keeper(folder, isolation) as jobs, _keeper(folder, isolation, _BLIND) as blind_jobs:
        for _ in range(rounds):
            launch = await jobs.launch(str(program))
            facts = parse(_read(journal(launch.folder)))
            pid = next(fact["pid"] for fact in facts if fact["fact"] == "started")
            floor.append(_read_files([pid], ["status", "stat"]))
            seeing.append(_ms_between(await jobs.stop(launch), "stop", "signal"))
            launch = await blind_jobs.launch(str(program))
            blind.append(_ms_between(await blind_jobs.stop(launch), "stop", "signal"))
    _show(f"order to SIGTERM, 1 process; floor: no look ({isolation.value})", seeing, blind)
    without = statistics.median(blind)
    _show(f"evidence in that path, 1 process ({isolation.value})", [one - without for one in seeing], floor)


async def _crowd(folder: Path, isolation: Isolation, rounds: int) -> None:
    looks, look_floor, befores, wholes, whole_floor = [], [], [], [], []
    async with _keeper(folder, isolation) as jobs:
        launch = await jobs.launch("sh", "-c", CROWD % PROCESSES)
        for _ in range(rounds):
            began = time.perf_counter()
            await jobs.backend.look(launch.job)
            looks.append((time.perf_counter() - began) * 1e3)
            pids = _pids(launch)
            look_floor.append(_read_files(pids, ["status", "stat", "wchan", "cmdline"]))
        await jobs.stop(launch)
        for _ in range(max(rounds // 5, 3)):
            launch = await jobs.launch("sh", "-c", CROWD % PROCESSES)
            await jobs.backend.look(launch.job)
            pids = _pids(launch)
            whole_floor.append(
                _read_files(pids, ["status", "stat"]) + _read_files(pids, ["status", "stat", "wchan", "cmdline"])
            )
            began = time.perf_counter()
            await jobs.backend.stop([Stop(launch.job, 1, 30, Cause.REQUESTED)])
            wholes.append((time.perf_counter() - began) * 1e3)
            befores.append(_ms_between(await jobs.gone(launch), "stop", "signal"))
    _show(f"look at {PROCESSES} processes ({isolation.value})", looks, look_floor)
    _show(f"order to SIGTERM, {PROCESSES} processes ({isolation.value})", befores, whole_floor)
    _show(f"stop of {PROCESSES} processes, all evidence ({isolation.value})", wholes, whole_floor)


def _pids(launch: Launch) -> list[int]:
    looks = [fact for fact in parse(_read(journal(launch.folder))) if fact["fact"] == "look"]
    return [process["pid"] for process in looks[-1]["processes"]]


# --- floods


async def _printing(folder: Path, isolation: Isolation, seconds: float) -> None:
    program = [sys.executable, "-I", "-S", "-c", PRINTS, str(RATE), str(seconds)]
    async with _keeper(folder, isolation) as jobs:
        before = _cpu(jobs.backend.keeper_pid)
        launch = await jobs.launch(*program, ready=None)
        await jobs.gone(launch)
        ours = _cpu(jobs.backend.keeper_pid) - before
        size = log(launch.folder).stat().st_size
    peer = _cat(program, folder)
    _show(
        f"keeper, printing {size / seconds / 1e6:.1f} MB/s; floor: cat",
        [ours / seconds * 100],
        [peer / seconds * 100],
        "%",
    )


def _cat(program: list[str], folder: Path) -> float:
    """Seconds of CPU of a `cat` that moves the same bytes to a file."""
    target = folder / "moved"
    with target.open("wb") as file:
        writer = subprocess.Popen(program, stdout=subprocess.PIPE)
        cat = subprocess.Popen(["cat"], stdin=writer.stdout, stdout=file)
        assert writer.stdout is not None
        writer.stdout.close()
        writer.wait()
        # A zombie keeps its times until it has been waited for.
        os.waitid(os.P_PID, cat.pid, os.WEXITED | os.WNOWAIT)
        used = _cpu(cat.pid)
        cat.wait()
    target.unlink()
    return used


async def _saving(folder: Path, isolation: Isolation, seconds: float) -> None:
    shares = []
    for watched in (True, False):
        async with _keeper(folder, isolation) as jobs:
            saves = folder / f"saves-{watched}"
            saves.mkdir()
            program = [sys.executable, "-I", "-S", "-c", SAVES, str(RATE), str(seconds), str(saves)]
            folders = [Watched(saves, str(saves), "checkpoints")] if watched else []
            before = _cpu(jobs.backend.keeper_pid)
            await jobs.gone(await jobs.launch(*program, ready=None, watched=folders))
            shares.append((_cpu(jobs.backend.keeper_pid) - before) / seconds * 100)
            shutil.rmtree(saves)
    _show("keeper, saving 10 MB/s watched; floor: not watched", shares[:1], shares[1:], "%")


def _cpu(pid: int) -> float:
    """Seconds of CPU so far: in ns where the kernel counts them, else in ticks."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except (OSError, ValueError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# --- the whole command


def _check(program: Path, isolation: str, rounds: int) -> None:
    ours, own = [], []
    command = [sys.executable, "-m", "runner", "check", "--isolation", isolation, "--when-log", "ready", "--json"]
    for _ in range(rounds):
        began = time.perf_counter()
        done = subprocess.run([*command, "--", str(program)], check=False, capture_output=True, text=True)
        ours.append((time.perf_counter() - began) * 1e3)
        if not re.search(r'"verdict": "graceful"', done.stdout):
            raise RuntimeError(f"the check did not come about: {done.stdout}{done.stderr}")
        began = time.perf_counter()
        child = subprocess.Popen([program], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        child.send_signal(signal.SIGTERM)
        child.communicate()
        own.append((time.perf_counter() - began) * 1e3)
    _show(f"runner check ({isolation}); floor: the program alone", ours, own)


if __name__ == "__main__":
    main()
