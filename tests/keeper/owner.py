"""A supervisor in a process of its own, which a test may kill: `python -m tests.keeper.owner SETTINGS`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from runner.backends.base import Fact
from runner.backends.local import Policy
from tests.keeper.bench import Bench, Room
from tests.waiting import wait_until

ROOT = Path(__file__).parent.parent.parent


class Owner:
    """Starts it; knows its keeper, its job, and a forked child of it that holds its connection open.

    `grace`: with one, it orders a stop before it says that it is ready.
    """

    def __init__(
        self,
        data_dir: Path,
        room: Room,
        policy: str,
        argv: Sequence[str],
        *,
        disturbed: str = "",
        grace: float | None = None,
    ) -> None:
        self.data_dir = data_dir
        settings = {
            "data_dir": str(data_dir),
            "isolation": room.isolation.value,
            "cgroups": room.cgroups,
            "policy": policy,
            "argv": list(argv),
            "disturbed": disturbed,
            "grace": grace,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.keeper.owner", json.dumps(settings)], stdout=subprocess.PIPE, cwd=ROOT
        )
        assert self.process.stdout is not None
        told = json.loads(self.process.stdout.readline())
        self.keeper: int = told["keeper"]
        self.pid: int = told["job"]
        self._child: int = told["child"]

    def kill(self) -> None:
        """SIGKILL; its forked child lives on and holds the connection open."""
        self.process.kill()
        self.process.wait()

    def facts(self) -> list[Fact]:
        journal = self.data_dir / "jobs" / "job-0" / "journal.jsonl"
        facts: list[Fact] = [json.loads(line) for line in journal.read_bytes().split(b"\n")[:-1]]
        return facts

    def log(self) -> str:
        return (self.data_dir / "jobs" / "job-0" / "log").read_text()

    def story(self) -> str:
        """What there is to say of a failure."""
        return f"{self.facts()}\n{(self.data_dir / 'keeper.log').read_text()}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        os.kill(self._child, signal.SIGKILL)
        assert self.process.stdout is not None
        self.process.stdout.close()
        wait_until(lambda: _has_ended(self._child), within=5, saying="the forked child lives")


def words(facts: Sequence[Fact]) -> list[str]:
    """The names of the facts."""
    return [fact["fact"] for fact in facts]


def _has_ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def _disturb(how: str) -> None:
    """As a supervisor that was started by a program with odd habits."""
    numbers = [signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE, signal.SIGHUP, signal.SIGUSR1, signal.SIGTTIN]
    if how == "ignored":
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
    elif how == "blocked":
        signal.pthread_sigmask(signal.SIG_BLOCK, numbers)


def _main(settings: dict[str, Any]) -> None:
    from runner.lifecycle.stops import Isolation

    _disturb(settings["disturbed"])
    room = Room(Isolation(settings["isolation"]), settings["cgroups"])
    bench = Bench(Path(settings["data_dir"]), cgroups=room.cgroups, policy=Policy(settings["policy"]))
    job = bench.launch(settings["argv"], room, ready="S" if settings["argv"][0] == "cat" else "ready", grace=0.3)
    if settings["grace"] is not None:
        job.stop(settings["grace"])
    child = os.fork()
    if child == 0:
        os.close(1)
        while True:
            signal.pause()
    print(json.dumps({"keeper": bench.backend.keeper_pid, "job": job.pid, "child": child}), flush=True)
    while True:
        signal.pause()


if __name__ == "__main__":
    _main(json.loads(sys.argv[1]))
