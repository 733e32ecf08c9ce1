"""A backend without processes: scripted programs, real journals.

It keeps every rule of `backends.base` and passes `testing.contract`. Time is that of the event loop and of
`runner.clock`, so on a loop of `testing.clock` it is virtual.
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from runner import clock
from runner.backends import base
from runner.backends.base import Launch, Listener, Stop
from runner.errors import IsolationUnavailable, KeeperFailed
from runner.lifecycle.facts import FactName, KillReason
from runner.lifecycle.phases import Cause
from runner.lifecycle.stops import Isolation, deadline
from runner.testing.programs import MISSING, NEVER, Program, Reaction

BOOT = "00000000-0000-0000-0000-000000000000"
_MARK = struct.Struct("<qq")


class FakeBackend:
    """See the module. `programs` are found by the first word of a launch; a word that is not there is not found."""

    def __init__(
        self, programs: Mapping[str, Program], isolations: Sequence[Isolation] = (Isolation.PID1, Isolation.PLAIN)
    ) -> None:
        """`isolations`: those that "work here", the most faithful one first."""
        self.programs = dict(programs)
        self.orders: list[tuple[str, Any]] = []
        """Every order that was received, as (name, argument)."""
        self._isolations = isolations
        self._listener = Listener()
        self._jobs: dict[str, _Job] = {}
        self._pids = iter(range(1000, 1_000_000))
        self._is_alive = False

    async def open(self, listener: Listener) -> None:
        """See `Backend`. A second open is that of the next supervisor: the jobs have gone on."""
        self._listener = listener
        self._is_alive = True

    async def isolation(self, wanted: Isolation | None) -> Isolation:
        """See `Backend`."""
        if wanted is not None and wanted not in self._isolations:
            raise IsolationUnavailable(f"{wanted.value} does not work here")
        return wanted or self._isolations[0]

    async def launch(self, launch: Launch) -> None:
        """See `Backend`."""
        self._heard("launch", launch)
        known = self._jobs.get(launch.job)
        if known is not None and known.launch.attempt == launch.attempt:
            return
        program = self.programs.get(launch.argv[0], MISSING)
        self._jobs[launch.job] = _Job(launch, program, next(self._pids), self._tell)

    async def stop(self, stops: Sequence[Stop]) -> None:
        """See `Backend`. In passes, as the real one: all orders are written down before the first signal is out."""
        self._heard("stop", tuple(stops))
        found = [(self._jobs[stop.job], stop) for stop in stops if stop.job in self._jobs]
        begun = [job for job, stop in found if job.order_stop(stop)]
        for job in begun:
            job.signal()

    async def kill(self, jobs: Sequence[str], why: KillReason) -> None:
        """See `Backend`."""
        self._heard("kill", (tuple(jobs), why))
        for key in jobs:
            if key in self._jobs:
                self._jobs[key].kill(why)

    async def look(self, job: str) -> None:
        """See `Backend`."""
        self._heard("look", job)
        if job in self._jobs:
            self._jobs[job].look("asked")

    async def follow(self, job: str, on: bool) -> None:
        """See `Backend`."""
        self._heard("follow", (job, on))
        if job in self._jobs:
            self._jobs[job].is_followed = on

    async def forget(self, job: str) -> None:
        """See `Backend`."""
        self._heard("forget", job)
        known = self._jobs.get(job)
        if known is not None and known.is_gone:
            del self._jobs[job]

    async def bury(self, job: str, folder: Path) -> None:
        """See `Backend`. A job that this backend still has is not buried."""
        self._heard("bury", job)
        if job not in self._jobs:
            _bury(base.journal(folder))
            self._listener.grown(job)

    async def close(self) -> None:
        """See `Backend`."""
        for job in self._jobs.values():
            job.kill(KillReason.CLOSED)
            job.vanish()
        self._jobs.clear()
        self._is_alive = False

    def die(self) -> None:
        """The keeper is killed, and all jobs with it: nobody writes anything down. The next `open` starts another."""
        for job in self._jobs.values():
            job.vanish()
        self._jobs.clear()
        self._is_alive = False
        self._listener.broken("the fake keeper was killed")

    def disconnect(self) -> None:
        """The supervisor was killed: nobody listens until the next `open`."""
        self._listener = Listener()

    def owner_gone(self) -> None:
        """The supervisor of a named directory was killed: the keeper stops every job by itself."""
        self.disconnect()
        for job in self._jobs.values():
            job.owner_gone()

    def heard(self, name: str) -> list[Any]:
        """The arguments of the orders of this name, in order."""
        return [argument for order, argument in self.orders if order == name]

    def _heard(self, name: str, argument: Any) -> None:
        if not self._is_alive:
            raise KeeperFailed("the fake keeper is gone")
        self.orders.append((name, argument))

    def _tell(self, channel: str, job: str) -> None:
        listeners = {"grown": self._listener.grown, "logged": self._listener.logged}
        asyncio.get_running_loop().call_soon(listeners[channel], job)


class _Job:
    def __init__(self, launch: Launch, program: Program, pid: int, tell: Callable[[str, str], None]) -> None:
        self.launch = launch
        self.is_followed = False
        self.is_gone = False
        self._program = program
        self._pid = pid
        self._tell = tell
        self._journal = _Journal(base.journal(launch.folder), launch.attempt)
        self._timers: list[asyncio.TimerHandle] = []
        self._is_executed = self._is_killed = False
        self._stop: Stop | None = None
        launch.folder.mkdir(parents=True, exist_ok=True)
        base.log(launch.folder).touch()
        self._write(
            FactName.LAUNCH,
            argv=list(launch.argv),
            isolation=launch.isolation.value,
            boot=BOOT,
            cgroup=None,
            folder=str(launch.folder),
            watched=[{"role": one.role, "path": one.path, "asked": one.asked} for one in launch.watched],
        )
        self._write(FactName.STARTED, pid=pid, inner=pid, start=pid)
        self._after(program.executed_after, self._execute)

    def order_stop(self, stop: Stop) -> bool:
        """Whether this is the beginning of the stop."""
        if self._stop is not None or self.is_gone or stop.attempt != self.launch.attempt:
            return False
        self._stop = stop
        until = deadline(clock.monotonic_ns(), stop.grace)
        self._write(FactName.STOP, grace=stop.grace, deadline=until, boot=BOOT, cause=stop.cause.value)
        return True

    def signal(self) -> None:
        assert self._stop is not None
        self.look("before")
        self._tell_files("stop")
        until = deadline(clock.monotonic_ns(), self._stop.grace)
        outcome = "sent" if self._is_executed else "withheld"
        self._write(FactName.SIGNAL, signal="SIGTERM", pid=self._pid, outcome=outcome, reason="", deadline=until)
        reaction = self._program.on_term
        if self._is_executed and reaction is not None:
            self._after(reaction.after, self._end, reaction)
        self._after(self._stop.grace, self.kill, KillReason.DEADLINE)

    def kill(self, why: KillReason) -> None:
        if self.is_gone or self._is_killed:
            return
        self._is_killed = True
        self._tell_files("kill")
        self._write(FactName.KILL, why=why.value, pid=self._pid)
        if self._program.dies_after == NEVER:
            self._write(FactName.UNKILLABLE, processes=[self._process()])
        else:
            self._after(self._program.dies_after, self._end, Reaction(code=None, signal="SIGKILL"))

    def look(self, moment: str) -> None:
        if not self.is_gone:
            self._write(FactName.LOOK, moment=moment, processes=[self._process()])

    def owner_gone(self) -> None:
        if self.is_gone:
            return
        self._write(FactName.OWNER_GONE)
        if self.order_stop(Stop(self.launch.job, self.launch.attempt, self.launch.grace, Cause.REQUESTED)):
            self.signal()

    def vanish(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self.is_gone = True

    def _execute(self) -> None:
        failed = self._program.not_executed
        if failed is not None:
            self._write(FactName.NOT_EXECUTED, stage="exec", errno=2, reason=failed.reason, code=failed.code)
            self._gone()
            return
        self._is_executed = True
        self._write(FactName.EXECUTED)
        for line in self._program.output:
            self._after(line.after, self._print, line.text)
        if self._program.lasts != NEVER:
            self._after(self._program.lasts, self._end, Reaction(0, self._program.code, self._program.signal))

    def _print(self, text: str) -> None:
        with base.log(self.launch.folder).open("ab") as log:
            log.write(text.encode() + b"\n")
            size = log.tell()
        with base.marks(self.launch.folder).open("ab") as marks:
            marks.write(_MARK.pack(clock.wall_ns(), size))
        if self.is_followed:
            self._tell("logged", self.launch.job)

    def _end(self, how: Reaction) -> None:
        killed = how.signal == "SIGKILL"
        self._write(
            FactName.ENDED,
            pid=self._pid,
            code=how.code,
            signal=how.signal,
            killer="runner" if killed else None,
            out_of_memory="no",
            cpu=0.0,
        )
        self._tell_files("end")
        self._gone()

    def _tell_files(self, moment: str) -> None:
        """Scripted programs save nothing."""
        if self.launch.watched:
            nothing: dict[str, Any] = {"saved": 0, "bytes": 0, "saves": [], "open": [], "read": [], "missed": False}
            self._write(FactName.FILES, moment=moment, **nothing)

    def _gone(self) -> None:
        self._write(FactName.GONE, log=base.log(self.launch.folder).stat().st_size)
        self.vanish()

    def _process(self) -> dict[str, Any]:
        sigterm = "ignored" if self._program.on_term is None else "caught"
        pid = self._pid
        name = self.launch.argv[0]
        return {"pid": pid, "inner": pid, "ppid": 1, "name": name, "state": "S", "sigterm": sigterm, "pending": False,
                "cpu": 0.0, "start": pid, "command": list(self.launch.argv), "wait": ""}  # fmt: skip

    def _after(self, seconds: float, act: Callable[..., None], *arguments: Any) -> None:
        if seconds <= 0:
            # At once and not in the next turn: what follows finds it done, as with a signal that is handled quickly.
            self._unless_gone(act, *arguments)
        elif seconds != NEVER:
            loop = asyncio.get_running_loop()
            self._timers.append(loop.call_later(seconds, self._unless_gone, act, *arguments))

    def _unless_gone(self, act: Callable[..., None], *arguments: Any) -> None:
        if not self.is_gone:
            act(*arguments)

    def _write(self, fact: FactName, **members: Any) -> None:
        self._journal.add(fact, **members)
        self._tell("grown", self.launch.job)


class _Journal:
    def __init__(self, path: Path, attempt: int) -> None:
        self._path = path
        self._attempt = attempt
        path.parent.mkdir(parents=True, exist_ok=True)
        self._text = path.read_bytes() if path.exists() else b""
        facts = [json.loads(line) for line in self._text.splitlines(keepends=True) if line.endswith(b"\n")]
        self._number = facts[-1]["n"] if facts else 0
        self._wall = facts[-1]["w"] if facts else 0

    def add(self, fact: FactName, **members: Any) -> None:
        self._number += 1
        self._wall = max(self._wall, clock.wall_ns())
        line = {"n": self._number, "t": clock.monotonic_ns(), "w": self._wall, "a": self._attempt, "fact": fact.value}
        with self._path.open("ab") as file:
            file.write(json.dumps(line | members).encode() + b"\n")


def _bury(path: Path) -> None:
    journal = path.read_bytes()
    if not journal.endswith(b"\n"):
        path.write_bytes(journal[: journal.rfind(b"\n") + 1])
    last = json.loads(path.read_bytes().splitlines()[-1])
    if last["fact"] not in (FactName.GONE.value, FactName.LOST.value):
        _Journal(path, last["a"]).add(FactName.LOST, processes=[])
