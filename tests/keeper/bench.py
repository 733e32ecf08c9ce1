"""A real keeper and real jobs, driven from a test's thread: no supervisor, no records."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from runner.backends.base import Fact, Launch, Listener, Mount, Stop
from runner.backends.local import LocalBackend, Policy
from runner.keeper.protocol import UNKILLABLE_AFTER
from runner.lifecycle.facts import FactName, KillReason
from runner.lifecycle.phases import Cause
from runner.lifecycle.stops import Isolation
from tests.waiting import wait_until

T = TypeVar("T")
PATIENCE = 20.0
"""Seconds that a test waits for something that takes milliseconds: machines are shared."""


@dataclass(frozen=True)
class Room:
    """Where a job runs, as a test parameter."""

    isolation: Isolation
    cgroups: bool

    @property
    def is_pid1(self) -> bool:
        return self.isolation is Isolation.PID1


PID1 = Room(Isolation.PID1, cgroups=False)
PLAIN = Room(Isolation.PLAIN, cgroups=True)
TREE = Room(Isolation.PLAIN, cgroups=False)
"""`plain` as it is where no cgroup can be made."""
ROOMS = {"pid1": PID1, "plain": PLAIN, "plain-no-cgroup": TREE}


class Bench:
    """One data directory with its keeper; leaves nothing when it is closed."""

    def __init__(
        self,
        data_dir: Path,
        *,
        cgroups: bool = True,
        policy: Policy = Policy.PRIVATE,
        unkillable_after: float = UNKILLABLE_AFTER,
    ) -> None:
        self.data_dir = data_dir
        data_dir.mkdir(parents=True, exist_ok=True)
        self.attempts: list[Attempt] = []
        self.broken: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.backend = LocalBackend(data_dir, policy, use_cgroups=cgroups, unkillable_after=unkillable_after)
        try:
            self.do(self.backend.open(Listener(broken=self.broken.append)))
        except BaseException:
            self.close()
            raise

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    def prepare(
        self,
        argv: Sequence[str],
        room: Room,
        *,
        environment: Mapping[str, str] | None = None,
        mounts: Sequence[Mount] = (),
        **others: Any,
    ) -> Attempt:
        """A job that has not been launched."""
        name = f"job-{len(self.attempts)}"
        folder = self.data_dir / "jobs" / name
        (folder / "ml").mkdir(parents=True, exist_ok=True)
        launch = Launch(
            job=name,
            attempt=1,
            argv=list(argv),
            environment=dict(os.environ if environment is None else environment),
            working_directory=others.pop("working_directory", "/"),
            folder=folder,
            isolation=room.isolation,
            mounts=[Mount(folder / "ml", "/opt/ml"), *mounts] if room.is_pid1 else [],
            **others,
        )
        attempt = Attempt(self, launch)
        self.attempts.append(attempt)
        return attempt

    def launch(self, argv: Sequence[str], room: Room, *, ready: str | None = "ready", **others: Any) -> Attempt:
        """Launch a program and wait until its log has `ready` in it (None: until it has been executed or not)."""
        attempt = self.prepare(argv, room, **others)
        self.begin_launch(attempt).result(PATIENCE)
        if ready is None:
            attempt.wait_for(FactName.EXECUTED, FactName.NOT_EXECUTED)
        else:
            attempt.wait_for_log(ready)
        return attempt

    def begin_launch(self, attempt: Attempt) -> Future[None]:
        """Send the order, without waiting for the answer."""
        return asyncio.run_coroutine_threadsafe(self.backend.launch(attempt.launch), self._loop)

    def again(self, attempt: Attempt) -> Attempt:
        """The next attempt of a job that has ended."""
        launch = attempt.launch._replace(attempt=attempt.launch.attempt + 1)
        self.attempts.append(Attempt(self, launch))
        self.do(self.backend.launch(launch))
        return self.attempts[-1]

    def changed(self, job: Attempt, **members: Any) -> Attempt:
        """The same job with another launch."""
        return Attempt(self, job.launch._replace(**members))

    def bury(self, attempt: Attempt) -> None:
        self.do(self.backend.bury(attempt.launch.job, attempt.launch.folder))

    def stop(self, attempts: Sequence[Attempt], grace: float) -> None:
        """Stop several jobs with one order."""
        self.begin_stop(attempts, grace).result(PATIENCE)

    def begin_stop(self, attempts: Sequence[Attempt], grace: float) -> Future[None]:
        """Send the order, without waiting for the answer."""
        stops = [Stop(attempt.launch.job, attempt.launch.attempt, grace, Cause.REQUESTED) for attempt in attempts]
        return asyncio.run_coroutine_threadsafe(self.backend.stop(stops), self._loop)

    def close(self) -> None:
        """As often as one likes."""
        if self._loop.is_closed():
            return
        try:
            self.do(self.backend.close())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(PATIENCE)
            self._loop.close()

    def journals(self) -> str:
        """All journals, for the report of a failed test."""
        return "\n".join(f"--- {attempt.launch.job}\n{attempt.story()}" for attempt in self.attempts)


class Attempt:
    """One job as a test sees it: its journal and its log."""

    def __init__(self, bench: Bench, launch: Launch) -> None:
        self._bench = bench
        self.launch = launch

    def facts(self, *names: FactName) -> list[Fact]:
        """What the journal says so far, all of it or only facts with these names."""
        path = self.launch.folder / "journal.jsonl"
        if not path.exists():
            return []
        lines = path.read_bytes().split(b"\n")[:-1]
        facts: list[Fact] = [json.loads(line) for line in lines]
        return [fact for fact in facts if not names or FactName(fact["fact"]) in names]

    def one(self, name: FactName) -> Fact:
        """The only fact of this name."""
        (fact,) = self.facts(name)
        return fact

    def look(self, moment: str) -> list[Fact]:
        """The processes of the first look of this moment."""
        processes: list[Fact] = next(
            fact["processes"] for fact in self.facts(FactName.LOOK) if fact["moment"] == moment
        )
        return processes

    def journal(self) -> str:
        return (self.launch.folder / "journal.jsonl").read_text()

    def log(self) -> str:
        path = self.launch.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def wait_for(self, *names: FactName, within: float = PATIENCE) -> Fact:
        """The first fact with one of these names, once it is there."""
        found = wait_until(
            lambda: self.facts(*names), within=within, saying=lambda: f"no fact {names} of\n{self.story()}"
        )
        return found[0]

    def wait_for_log(self, text: str, within: float = PATIENCE) -> str:
        return wait_until(
            lambda: self.log() if text in self.log() else "",
            within=within,
            saying=lambda: f"no {text!r} in the log {self.log()!r} of\n{self.story()}",
        )

    def stop(self, grace: float) -> None:
        """Order a stop; returns when the signal is out."""
        self._bench.stop([self], grace)

    def see(self) -> list[Fact]:
        """The processes that live now, as the keeper sees them."""
        before = len(self.facts(FactName.LOOK))
        self._bench.do(self._bench.backend.look(self.launch.job))
        processes: list[Fact] = self.facts(FactName.LOOK)[before]["processes"]
        return processes

    def kill(self, why: KillReason = KillReason.NOW) -> None:
        self._bench.do(self._bench.backend.kill([self.launch.job], why))

    def wait_gone(self, within: float = PATIENCE) -> Fact:
        """Until nothing of the job is left: how its main process ended."""
        self.wait_for(FactName.GONE, within=within)
        ended = self.facts(FactName.ENDED, FactName.NOT_EXECUTED)
        return ended[-1]

    @property
    def pid(self) -> int:
        pid: int = self.wait_for(FactName.STARTED)["pid"]
        return pid

    def seconds_to_kill(self) -> float:
        """From the instant of SIGTERM to the instant of SIGKILL."""
        seconds: float = (self.one(FactName.KILL)["t"] - self.one(FactName.SIGNAL)["t"]) / 1e9
        return seconds

    def story(self) -> str:
        """The journal, a fact a line, in ms from its first."""
        facts = self.facts()
        return "\n".join(
            f"{(fact['t'] - facts[0]['t']) / 1e6:10.3f} ms  {fact['fact']}  "
            + str({key: value for key, value in fact.items() if key not in ("n", "t", "w", "a", "fact")})
            for fact in facts
        )
