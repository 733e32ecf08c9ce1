"""Owners to be killed: programs and pytests with a runner and jobs, each started for one test alone."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import pytest

from tests import leftovers
from tests.owners.inner import VARIABLE, Ready, Wish
from tests.waiting import wait_until

ROOT = Path(__file__).parent.parent.parent
LEAST = 10
"""Processes that belong to the jobs of an owner, keeper included."""


class Room(NamedTuple):
    """Where the jobs run."""

    isolation: str
    cgroups: bool = True


ROOMS = {
    "pid1": Room("pid1"),
    "plain": Room("plain"),
    "plain-without-cgroups": Room("plain", cgroups=False),
}


EVERY_ROOM = pytest.mark.parametrize("room", ROOMS, indirect=True)
"""Without it a test is run in `pid1` and `plain`."""


class Owner:
    """A running owner. Its jobs, their data directory and its temporary directory are in `folder`, all else beside."""

    def __init__(self, folder: Path, beside: Path, room: Room) -> None:
        self.folder = folder
        self._beside = beside
        self._room = room
        self._temporary = folder / "tmp"
        self._temporary.mkdir()
        self._before = leftovers.observe(folder)
        self._process: subprocess.Popen[bytes] | None = None
        self.ready = Ready(0, "", 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pid in (self.ready.bystander, self.ready.pid):
            # Not this process itself, but of its session and so nobody else's.
            with contextlib.suppress(ProcessLookupError):
                if pid and os.getsid(pid) == self.process.pid:
                    os.kill(pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the owner has not been started"
        return self._process

    def run_program(self, way: str) -> Self:
        """Run `inner.py` as a program that ends in this way, until its jobs run."""
        return self._start([sys.executable, "-m", "tests.owners.inner"], way)

    def run_pytest(self, test: str, *options: str, ini: str = "") -> Self:
        """Run a test of `inner.py` in a pytest of its own, until its jobs run."""
        (self._beside / "pytest.ini").write_text(f"[pytest]\n{ini}\n")
        (self._beside / "test_inner.py").write_text(f"from tests.owners.inner import started, {test}\n")
        folders = [f"--rootdir={self._beside}", f"--basetemp={self._beside}/base", f"{self._beside}/test_inner.py"]
        return self._start([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options, *folders], "")

    def _start(self, command: list[str], way: str) -> Self:
        ready = self._beside / "ready"
        wish = Wish(str(ready), str(self.folder), self._room.isolation, self._room.cgroups, way)
        with (self._beside / "output").open("wb") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self._beside,
                env=self._environment({VARIABLE: json.dumps(wish)}),
                start_new_session=True,
            )
        wait_until(
            lambda: ready.exists() or self.process.poll() is not None,
            within=30,
            saying=lambda: f"the owner's jobs do not run:\n{self.output}",
        )
        assert ready.exists(), self.output
        self.ready = Ready(*json.loads(ready.read_text()))
        return self

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        mine = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
        return {**mine, "TMPDIR": str(self._temporary), "PYTHONPATH": str(ROOT), **more}

    @property
    def output(self) -> str:
        return (self._beside / "output").read_text(errors="replace")

    @property
    def data_dir(self) -> Path:
        return Path(self.ready.data_dir)

    @property
    def keeper(self) -> int:
        """The keeper's pid."""
        return keeper_of(self.data_dir)

    def assert_jobs_run(self) -> Self:
        """What is asserted to be gone later is there now."""
        found = self.belonging()
        assert len(found) >= LEAST, "\n".join(found)
        assert self.data_dir.is_dir()
        return self

    def belonging(self, *, but: Iterable[int] = ()) -> list[str]:
        """Processes that belong to the owner's folder, but some."""
        others = tuple(f"process {pid} (" for pid in but)
        return [found for found in leftovers.processes(self.folder) if not found.startswith(others)]

    def send(self, number: signal.Signals, pid: int | None = None) -> Self:
        """Signal the process that has the runner, or another one."""
        os.kill(self.ready.pid if pid is None else pid, number)
        return self

    def end(self, within: float = 20) -> int:
        """Wait for the end of the process that was started; its exit code, negative for a signal."""
        try:
            return self.process.wait(timeout=within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the owner has not ended:\n{self.output}") from None

    def assert_nothing_left(self, within: float = 2.0) -> None:
        """Within some seconds no process, mount, cgroup or data directory is left."""
        wait_until(
            lambda: not (self.belonging() or self._temporaries()),
            within=within,
            saying=lambda: "left over:\n" + "\n".join([*self.belonging(), *self._temporaries(), self.output]),
        )
        leftovers.assert_nothing_left(self._before, within=0)

    def assert_only_bystander_left(self, within: float = 2.0) -> None:
        """As `assert_nothing_left`, while the forked child that holds the owner's descriptors lives."""
        assert Path("/proc", str(self.ready.bystander)).exists()
        wait_until(
            lambda: not (self.belonging(but=[self.ready.bystander]) or self._temporaries()),
            within=within,
            saying=lambda: "left over:\n" + "\n".join([*self.belonging(), *self._temporaries()]),
        )
        assert self.belonging(), "the forked child holds nothing of the owner's"

    def clear_away(self) -> None:
        """Kill what belongs to the owner's folder, and remove the data directory and the cgroups of its keeper."""
        for found in self.belonging():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(found.split()[1]), signal.SIGKILL)
        wait_until(lambda: not self.belonging(), within=5, saying=lambda: "\n".join(self.belonging()))
        for line in self.data_dir.rglob("journal.jsonl"):
            launch = json.loads(line.read_text().splitlines()[0])
            if launch["cgroup"]:
                group = Path(launch["cgroup"])
                for path in (group, group.parent):
                    with contextlib.suppress(OSError):  # not empty, or gone
                        path.rmdir()
        shutil.rmtree(self.data_dir)

    def _temporaries(self) -> list[str]:
        return [f"temporary {path}" for path in self._temporary.iterdir() if path.name.startswith("runner-")]


def keeper_of(data_dir: Path) -> int:
    """The pid of the keeper of a data directory, by the name under which it shows itself."""
    wanted = f"runner-keeper {data_dir}".encode()
    found = [int(line.parent.name) for line in Path("/proc").glob("[0-9]*/cmdline") if _read(line) == wanted]
    assert len(found) == 1, f"there are {len(found)} keepers of {data_dir}"
    return found[0]


def main_processes(data_dir: Path) -> list[int]:
    """Pids of the living main processes of all jobs of a data directory, as their journals name them."""
    facts = [json.loads(line) for path in data_dir.rglob("journal.jsonl") for line in path.read_text().splitlines()]
    started = [(fact["pid"], fact["start"]) for fact in facts if fact["fact"] == "started"]
    return [pid for pid, start in started if _start_of(pid) == start]


def _start_of(pid: int) -> int | None:
    fields = _read(Path("/proc", str(pid), "stat")).rpartition(b")")[2].split()
    return int(fields[19]) if fields and fields[0] not in (b"Z", b"X") else None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes().rstrip(b"\0")
    except OSError:
        return b""
