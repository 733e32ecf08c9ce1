"""The contract of a backend, as a test class: inherit it, say how to make your backend, and let pytest collect it.

    class TestMine(BackendContract):
        def backend(self, folder):
            return MyBackend(folder)

It assumes nothing of how programs are run: facts in journals, logs and the listener's wake-ups are all it looks at,
and it never sleeps.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import struct
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from enum import Enum, unique
from pathlib import Path
from typing import Any

from runner.backends import base
from runner.backends.base import Backend, Launch, Listener, Stop, Watched
from runner.lifecycle.facts import FactName, KillReason
from runner.lifecycle.phases import Cause
from runner.lifecycle.stops import Isolation

Fact = dict[str, Any]
LONG = 60.0
"""Seconds of a grace that no test of this class lets pass."""
SHORT = 0.3
"""Seconds of a grace that ends."""
_PATIENCE = 20.0


@unique
class Behaviour(Enum):
    """What a program does. Those that wait print a line "ready" when they can take a SIGTERM."""

    EXITS_WITH_3 = "exits-with-3"
    LEAVES = "leaves"
    """Waits; exits with 5 on SIGTERM."""
    IGNORES = "ignores"
    """Waits; SIGTERM is ignored."""
    MISSING = "missing"
    """Cannot be executed: there is no such program."""


_WAITS = """
import select, signal, sys
signal.signal(signal.SIGTERM, {how})
print("ready", flush=True)
while True:  # not signal.pause(), which a signal that comes just before it does not end
    select.select([], [], [], 0.05)
"""
_LEAVES = "lambda *_: sys.exit(5)"
_PROGRAMS: Mapping[Behaviour, Sequence[str]] = {
    Behaviour.EXITS_WITH_3: [sys.executable, "-c", "raise SystemExit(3)"],
    Behaviour.LEAVES: [sys.executable, "-c", _WAITS.format(how=_LEAVES)],
    Behaviour.IGNORES: [sys.executable, "-c", _WAITS.format(how="signal.SIG_IGN")],
    Behaviour.MISSING: ["/nonexistent/program"],
}


class Stage:
    """A backend that is open, and what a test does with it."""

    def __init__(self, backend: Backend, root: Path, argv: Callable[[Behaviour], Sequence[str]]) -> None:
        self.backend = backend
        self._root = root
        self._argv = argv
        self._news = asyncio.Event()
        self._isolation: Isolation | None = None

    async def open(self, wanted: Isolation | None) -> None:
        def tell(_: str) -> None:
            self._news.set()

        await self.backend.open(Listener(grown=tell, logged=tell))
        self._isolation = await self.backend.isolation(wanted)

    def folder(self, job: str) -> Path:
        return self._root / "jobs" / job

    def order(
        self, behaviour: Behaviour, job: str = "training/a", attempt: int = 1, watched: Sequence[Watched] = ()
    ) -> Launch:
        assert self._isolation is not None
        folder = self.folder(job)
        folder.mkdir(parents=True, exist_ok=True)
        environment = {"PATH": os.environ.get("PATH", os.defpath)}
        return Launch(job, attempt, self._argv(behaviour), environment, "/", folder, self._isolation, watched=watched)

    async def launch(self, behaviour: Behaviour, job: str = "training/a", watched: Sequence[Watched] = ()) -> str:
        """Launch, and wait until a program that waits is ready."""
        await self.backend.launch(self.order(behaviour, job, watched=watched))
        if behaviour in (Behaviour.LEAVES, Behaviour.IGNORES):
            await self.backend.follow(job, True)
            await self._until(lambda: b"ready" in base.log(self.folder(job)).read_bytes(), f"{job} is ready")
        return job

    def facts(self, job: str) -> list[Fact]:
        """The whole lines of the job's journal."""
        path = base.journal(self.folder(job))
        lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
        return [json.loads(line) for line in lines]

    def named(self, job: str, name: FactName) -> list[Fact]:
        return [fact for fact in self.facts(job) if fact["fact"] == name.value]

    def one(self, job: str, name: FactName) -> Fact:
        (fact,) = self.named(job, name)
        return fact

    async def until(self, job: str, name: FactName) -> Fact:
        """The first fact of this name, once it is there."""
        await self._until(lambda: self.named(job, name), f"{job} has a fact {name.value!r}; it has {self.facts(job)}")
        return self.named(job, name)[0]

    async def _until(self, condition: Callable[[], Any], saying: str) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                while not condition():
                    await self._news.wait()
                    self._news.clear()
        except TimeoutError:
            raise AssertionError(f"not within {_PATIENCE:g} s: {saying}") from None


Scenario = Callable[[Stage], Awaitable[None]]
Runs = Callable[[Coroutine[Any, Any, None]], None]


def stop(job: str, grace: float = LONG, attempt: int = 1) -> Stop:
    return Stop(job, attempt, grace, Cause.REQUESTED)


class BackendContract:
    """See the module."""

    isolation: Isolation | None = None
    """The isolation to test; None: the one that the backend chooses."""

    def backend(self, folder: Path) -> Backend:
        """A new backend with an empty data directory."""
        raise NotImplementedError

    def argv(self, behaviour: Behaviour) -> Sequence[str]:
        """The program that behaves so; the default is a real one."""
        return _PROGRAMS[behaviour]

    def run(self) -> Runs:
        """What runs a test's coroutine; virtual time is put in place here."""
        return asyncio.run

    def play(self, folder: Path, scenario: Scenario) -> None:
        """Run a scenario with an open backend, and close it."""

        async def main() -> None:
            stage = Stage(self.backend(folder), folder, self.argv)
            await stage.open(self.isolation)
            try:
                await scenario(stage)
            finally:
                await stage.backend.close()

        self.run()(main())

    def test_a_program_that_ends_by_itself(self, tmp_path: Path) -> None:
        async def scenario(stage: Stage) -> None:
            job = await stage.launch(Behaviour.EXITS_WITH_3)
            await stage.until(job, FactName.GONE)
            names = [fact["fact"] for fact in stage.facts(job)]
            order = [FactName.LAUNCH, FactName.STARTED, FactName.EXECUTED, FactName.ENDED, FactName.GONE]
            assert [name for name in names if name in {fact.value for fact in order}] == [fact.value for fact in order]
            assert names[-1] == FactName.GONE.value
            ended = stage.one(job, FactName.ENDED)
            assert (ended["code"], ended["signal"]) == (3, None)

        self.play(tmp_path, scenario)

    def test_facts_are_numbered_without_gaps_and_in_order_of_time(self, tmp_path: Path) -> None:
        async def scenario(stage: Stage) -> None:
            job = await stage.launch(Behaviour.LEAVES)
            await stage.backend.stop([stop(job)])
            await stage.until(job, FactName.GONE)
            facts = stage.facts(job)
            assert [fact["n"] for fact in facts] == list(range(1, len(facts) + 1))
            assert all(first["w"] <= second["w"] for first, second in itertools.pairwise(facts))
            assert {fact["a"] for fact in facts} == {1}

        self.play(tmp_path, scenario)

    def test_a_launch_is_in_the_journal_when_it_returns(self, tmp_path: Path) -> None:
        async def scenario(stage: Stage) -> None:
            order = stage.order(Behaviour.LEAVES)
            await stage.backend.launch(order)
            launch = stage.one(order.job, FactName.LAUNCH)
            assert launch["argv"] == list(order.argv)
            assert launch["isolation"] == order.isolation.value

        self.play(tmp_path, scenario)

    def test_a_repeated_launch_does_nothing(self, tmp_path: Path) -> None:
        async def scenario(stage: Stage) -> None:
            job = await stage.launch(Behaviour.LEAVES)
            await stage.backend.launch(stage.order(Behaviour.LEAVES))
            await stage.backend.stop([stop(job)])
            await stage.until(job, FactName.GONE)
            await stage.backend.launch(stage.order(Behaviour.LEAVES))
            assert len(stage.named(job, FactName.LAUNCH)) == len(stage.named(job, FactName.STARTED)) == 1

        self.play(tmp_path, scenario)

    def test_a_program_that_cannot_be_executed(self, tmp_path: Path) -> None:
        async def scenario(stage: Stage) -> None:
            job = await stage.launch(Behaviour.MISSING)
            failed = await stage.until(job, FactName.NOT_EXECUTED)
            await stage.until(job, FactName.GONE)
            assert failed["code"] == 127
            assert failed["reason"]
            assert not stage.named(job, FactName.EXECUTED)

        self.play(tmp_path, scenario)

    def test_case_01_a_stop_is_written_down_before_its_signal(self, tmp_path: Path) -> None:
        async def scenario(stage: Stage) -> None:
            job = await stage.launch(Behaviour.LEAVES)
            await stage.backend.stop([stop(job)])
            signal = stage.one(job, FactName.SIGNAL)
            await stage.until(job, FactName.GONE)
            order, ended = stage.one(job, FactName.STOP), stage.one(job, FactName.ENDED)
            assert order["n"] < signal["n"] < ended["n"]
            assert signal["outcome"] == "sent"
            assert (order["grace"], order["cause"]) == (LONG, "requested")
            assert signal["deadline"] >= signal["t"] + LONG * 1e9
            assert (ended["code"], ended["signal"]) == (5, None)
            assert not stage.named(job, FactName.KILL)

        self.play(tmp_path, scenario)

    def test_case_02_a_program_that_stays_is_killed_at_the_deadline_and_not_before(self, tmp_path: Path) -> None:
        async def scenario(stage: Stage) -> None:
            job = await stage.launch(Behaviour.IGNORES)
            await stage.backend.stop([stop(job, SHORT)])
            await stage.until(job, FactName.GONE)
            kill, ended = stage.one(job, FactName.KILL), stage.one(job, FactName.ENDED)
            assert kill["why"] == KillReason.DEADLINE.value
            assert kill["t"] >= stage.one(job, FactName.SIGNAL)["deadline"]
            assert (ended["code"], ended["signal"], ended["killer"]) == (None, "SIGKILL", "runner")

        self.play(tmp_path, scenario)

    def test_case_07_a_second_stop_changes_nothing(self, tmp_path: Path) -> None:
        async def scenario(stage: Stage) -> None:
            job = await stage.launch(Behaviour.IGNORES)
            await stage.backend.stop([stop(job, SHORT)])
            await stage.backend.stop([stop(job, LONG)])
            await stage.until(job, FactName.GONE)
            assert len(stage.named(job, FactName.STOP)) == len(stage.named(job, FactName.SIGNAL)) == 1

        self.play(tmp_path, scenario)

    def test_case_10_a_stop_of_an_ended_program_changes_nothing(self, tmp_path: Path) -> None:
        async def scenario(stage: Stage) -> None:
            job = await stage.launch(Behaviour.EXITS_WITH_3)
            await stage.until(job, FactName.GONE)
            before = stage.facts(job)
            await stage.backend.stop([stop(job)])
            await stage.backend.kill([job], KillReason.NOW)
            assert stage.facts(job) == before

        self.play(tmp_path, scenario)

    def test_a_job_that_is_not_there_is_left_out(self, tmp_path: Path) -> None:
        async def scenario(stage: Stage) -> None:
            job = await stage.launch(Behaviour.LEAVES)
            await stage.backend.stop([stop("training/unknown"), stop(job)])
            await stage.backend.kill(["training/unknown"], KillReason.NOW)
            await stage.backend.forget("training/unknown")
            await stage.until(job, FactName.GONE)

        self.play(tmp_path, scenario)

    def test_many_jobs_are_stopped_at_once_each_with_its_own_grace(self, tmp_path: Path) -> None:
        async def scenario(stage: Stage) -> None:
            patient = [await stage.launch(Behaviour.LEAVES, f"training/{number}") for number in range(3)]
            deaf = await stage.launch(Behaviour.IGNORES, "training/deaf")
            await stage.backend.stop([*(stop(job) for job in patient), stop(deaf, SHORT)])
            for job in (*patient, deaf):
                await stage.until(job, FactName.GONE)
            assert [stage.one(job, FactName.STOP)["grace"] for job in (*patient, deaf)] == [LONG, LONG, LONG, SHORT]
            assert not any(stage.named(job, FactName.KILL) for job in patient)

        self.play(tmp_path, scenario)

    def test_a_kill_does_not_wait_and_says_why(self, tmp_path: Path) -> None:
        async def scenario(stage: Stage) -> None:
            job = await stage.launch(Behaviour.IGNORES)
            await stage.backend.stop([stop(job)])
            await stage.backend.kill([job], KillReason.NOW)
            await stage.until(job, FactName.GONE)
            kill = stage.one(job, FactName.KILL)
            assert kill["why"] == KillReason.NOW.value
            assert kill["t"] < stage.one(job, FactName.SIGNAL)["deadline"]

        self.play(tmp_path, scenario)

    def test_all_output_is_in_the_log_when_the_job_is_gone(self, tmp_path: Path) -> None:
        async def scenario(stage: Stage) -> None:
            job = await stage.launch(Behaviour.LEAVES)
            await stage.backend.stop([stop(job)])
            gone = await stage.until(job, FactName.GONE)
            folder = stage.folder(job)
            assert base.log(folder).read_bytes() == b"ready\n"
            assert gone["log"] == len(b"ready\n")
            wall, size = list(struct.iter_unpack("<qq", base.marks(folder).read_bytes()))[-1]
            assert size == len(b"ready\n")
            assert stage.one(job, FactName.LAUNCH)["w"] <= wall <= gone["w"]

        self.play(tmp_path, scenario)

    def test_a_look_shows_the_main_process(self, tmp_path: Path) -> None:
        async def scenario(stage: Stage) -> None:
            job = await stage.launch(Behaviour.LEAVES)
            await stage.backend.look(job)
            look = await stage.until(job, FactName.LOOK)
            main = stage.one(job, FactName.STARTED)["pid"]
            assert [process["sigterm"] for process in look["processes"] if process["pid"] == main] == ["caught"]

        self.play(tmp_path, scenario)

    def test_files_of_watched_folders_are_told_at_the_stop_and_at_the_end(self, tmp_path: Path) -> None:
        async def scenario(stage: Stage) -> None:
            watched = Watched(tmp_path / "model", "/somewhere/model", "model")
            watched.folder.mkdir()
            job = await stage.launch(Behaviour.LEAVES, watched=[watched])
            assert stage.one(job, FactName.LAUNCH)["watched"] == [
                {"role": "model", "path": "/somewhere/model", "asked": False}
            ]
            await stage.backend.stop([stop(job)])
            await stage.until(job, FactName.GONE)
            files = stage.named(job, FactName.FILES)
            assert [fact["moment"] for fact in files] == ["stop", "end"]
            assert files[0]["n"] < stage.one(job, FactName.SIGNAL)["n"] < files[1]["n"]
            assert all((fact["saved"], fact["open"], fact["missed"]) == (0, [], False) for fact in files)

        self.play(tmp_path, scenario)

    def test_no_files_are_told_of_a_job_that_watches_no_folder(self, tmp_path: Path) -> None:
        async def scenario(stage: Stage) -> None:
            job = await stage.launch(Behaviour.LEAVES)
            await stage.backend.stop([stop(job)])
            await stage.until(job, FactName.GONE)
            assert stage.one(job, FactName.LAUNCH)["watched"] == []
            assert not stage.named(job, FactName.FILES)

        self.play(tmp_path, scenario)

    def test_another_attempt_goes_on_with_the_journal(self, tmp_path: Path) -> None:
        async def scenario(stage: Stage) -> None:
            job = await stage.launch(Behaviour.EXITS_WITH_3)
            first = await stage.until(job, FactName.GONE)
            await stage.backend.launch(stage.order(Behaviour.LEAVES, job, attempt=2))
            second = stage.facts(job)[first["n"]]
            assert (second["n"], second["a"], second["fact"]) == (first["n"] + 1, 2, FactName.LAUNCH.value)

        self.play(tmp_path, scenario)

    def test_a_job_that_the_backend_has_is_not_buried(self, tmp_path: Path) -> None:
        async def scenario(stage: Stage) -> None:
            job = await stage.launch(Behaviour.LEAVES)
            await stage.backend.bury(job, stage.folder(job))
            await stage.backend.stop([stop(job)])
            await stage.until(job, FactName.GONE)
            assert not stage.named(job, FactName.LOST)

        self.play(tmp_path, scenario)

    def test_a_job_whose_keeper_died_is_buried_once(self, tmp_path: Path) -> None:
        async def scenario(stage: Stage) -> None:
            ended = await stage.launch(Behaviour.EXITS_WITH_3, "training/ended")
            await stage.until(ended, FactName.GONE)
            # What a keeper leaves that is killed while it writes a line.
            lost, written = "training/lost", base.journal(stage.folder(ended)).read_bytes().split(b"\n")
            stage.folder(lost).mkdir(parents=True)
            base.journal(stage.folder(lost)).write_bytes(b"\n".join([*written[:2], written[2][:9]]))
            for _ in range(2):
                await stage.backend.bury(lost, stage.folder(lost))
            text = base.journal(stage.folder(lost)).read_bytes()
            last = json.loads(text.split(b"\n")[-2])
            assert (last["fact"], last["n"]) == (FactName.LOST.value, 3)
            assert text.count(b'"lost"') == 1

        self.play(tmp_path, scenario)

    def test_close_kills_what_is_left(self, tmp_path: Path) -> None:
        async def scenario(stage: Stage) -> None:
            job = await stage.launch(Behaviour.IGNORES)
            await stage.backend.close()
            assert stage.one(job, FactName.KILL)["why"] == KillReason.CLOSED.value
            assert stage.facts(job)[-1]["fact"] == FactName.GONE.value

        self.play(tmp_path, scenario)
