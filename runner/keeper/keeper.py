"""The keeper itself: it carries out orders, reaps children, and knows what to do when its owner is gone."""

from __future__ import annotations

import contextlib
import os

from runner.keeper import burial
from runner.keeper.family import Family
from runner.keeper.isolations import Isolations
from runner.keeper.launch import Launcher
from runner.keeper.protocol import SOCKET, Policy
from runner.keeper.stacks import Stacks
from runner.lifecycle.facts import FactName, KillReason
from runner.lifecycle.phases import Cause
from runner.lifecycle.stops import Isolation, check_grace
from runner.linux import procfs
from runner.linux.process import Process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from runner.keeper.job import Job
    from runner.keeper.loop import Loop

_CLOSE_LOOK = 32
"""Up to so many jobs in one order, the other processes are looked at before the signal too."""

_SOON = 0.0005
"""Seconds until a main process that blocked every signal is looked at again."""

_REAP_A_TURN = 200
"""So that deadlines come in between, however many orphans there are."""


class OrderError(Exception):
    """An order that cannot be carried out; `kind` is what the supervisor makes an exception of."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class Keeper:
    """The jobs of one data directory. Any order may be repeated: what has been done is not done again."""

    def __init__(
        self,
        data_dir: str,
        loop: Loop,
        grown: Callable[[str, str], None],
        use_cgroups: bool,
        unkillable_after: float,
    ) -> None:
        self._data_dir = data_dir
        self._loop = loop
        self._jobs: dict[str, Job] = {}
        self._mains: dict[int, Job] = {}
        self._owner: Process | None = None
        self._policy = Policy.PRIVATE
        self._closing: list[Callable[[], None]] = []
        self._leaving = False
        self._isolations = Isolations(data_dir, use_cgroups)

        def told(news: str, job: str) -> None:
            grown(news, job)
            if self._closing or self._owner is None:
                loop.soon(self._leave_if_done)

        self._stacks = Stacks(loop)
        self._family = Family(lambda pid: pid in self._mains or pid in self._stacks)
        self._launcher = Launcher(data_dir, self._isolations, self._family, loop, told, unkillable_after)
        self._files = self._launcher.files
        self._launcher.stacks = self._stacks
        self._orders: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "own": self._own,
            "isolation": self._isolation,
            "launch": self._launch,
            "stop": self._stop,
            "kill": self._kill,
            "look": self._look,
            "follow": self._follow,
            "forget": self._forget,
            "bury": self._bury,
        }

    def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        """Carry out an order. Raises OrderError."""
        act = self._orders.get(order.get("order", ""))
        if act is None:
            raise OrderError("unknown", f"no order {order.get('order')!r}")
        return act(order)

    # --- orders

    def _own(self, order: dict[str, Any]) -> dict[str, Any]:
        self.be_owned_by(order["pid"], order["start"], Policy(order["policy"]))
        return {"pid": os.getpid(), "jobs": {key: job.attempt for key, job in self._jobs.items()}}

    def _isolation(self, order: dict[str, Any]) -> dict[str, Any]:
        if order["wanted"] is None:
            return {"isolation": self._isolations.best().value}
        wanted = Isolation(order["wanted"])
        refusal = self._isolations.refusal(wanted)
        if refusal:
            others = " and ".join(other.value for other in self._isolations.offered())
            text = f"{wanted.value} does not work on this machine: {refusal}. What works: {others}"
            raise OrderError("isolation", text)
        return {"isolation": wanted.value}

    def _launch(self, order: dict[str, Any]) -> dict[str, Any]:
        known = self._jobs.get(order["job"])
        if known is not None and known.attempt >= order["attempt"]:
            return {}
        if known is not None and not known.gone:
            raise OrderError("launch", f"attempt {known.attempt} of {order['job']} has not ended")
        refusal = self._isolations.refusal(Isolation(order["isolation"]))
        if refusal:
            raise OrderError("isolation", f"{order['isolation']} does not work on this machine: {refusal}")
        try:
            job = self._launcher.launch(order)
        except OSError as error:
            raise OrderError("launch", f"{error.filename or order['folder']}: {error.strerror}") from None
        self._jobs[job.key] = job
        if not job.gone:
            self._mains[job.main.pid] = job
        return {}

    def _stop(self, order: dict[str, Any]) -> dict[str, Any]:
        # Checked before the first is begun: half a stop would leave jobs that nobody can stop any more.
        self._stop_jobs([{**stop, "grace": check_grace(stop["grace"])} for stop in order["stops"]])
        return {}

    def _stop_jobs(self, stops: list[dict[str, Any]]) -> None:
        begun = []
        for stop in stops:
            job = self._jobs.get(stop["job"])
            if job and job.attempt == stop["attempt"] and job.order_stop(stop):
                begun.append(job)
        self._signal_jobs(begun, closely=len(stops) <= _CLOSE_LOOK)

    def _signal_jobs(self, jobs: list[Job], closely: bool) -> None:
        """In passes over all of them, so that the signals go out together: looks, signals, instants, looks."""
        ready, again = [], []
        self._files.drain()
        for job in jobs:
            if job.see_before_signal(closely):
                ready.append((job, job.disposition()))
            else:
                again.append(job)
        outcomes = [(job, job.send_sigterm(disposition)) for job, disposition in ready]
        for job, outcome in outcomes:
            job.signal_sent(outcome)
        for job, _ in outcomes:
            job.look_after_signal()
        if again:
            self._loop.deadlines.after(
                _SOON, lambda: self._signal_jobs([job for job in again if job.stoppable], closely)
            )

    def _kill(self, order: dict[str, Any]) -> dict[str, Any]:
        for key in order["jobs"]:
            if key in self._jobs:
                self._jobs[key].kill(KillReason(order["why"]))
        return {}

    def _look(self, order: dict[str, Any]) -> dict[str, Any]:
        if order["job"] in self._jobs:
            self._jobs[order["job"]].look("asked")
        return {}

    def _follow(self, order: dict[str, Any]) -> dict[str, Any]:
        if order["job"] in self._jobs:
            self._jobs[order["job"]].follow(order["on"])
        return {}

    def _forget(self, order: dict[str, Any]) -> dict[str, Any]:
        job = self._jobs.get(order["job"])
        if job and job.gone:
            del self._jobs[order["job"]]
        return {}

    def _bury(self, order: dict[str, Any]) -> dict[str, Any]:
        if order["job"] not in self._jobs:
            burial.bury(order["folder"])
        return {}

    def close(self, done: Callable[[], None]) -> None:
        """Kill every job, call `done` when nothing is left, and leave."""
        self._closing.append(done)
        self._kill_all(KillReason.CLOSED)
        self._leave_if_done()

    # --- children

    def reap(self) -> None:
        """Wait for every child that has ended: main processes, orphans that came to this subreaper, py-spies."""
        waited_for: list[int] = []
        mains: list[tuple[Job, int, float | None]] = []
        while len(waited_for) < _REAP_A_TURN:
            try:
                # WNOWAIT: a zombie still shows what it was in /proc.
                info = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                break
            if info is None:
                break
            waited_for.append(info.si_pid)
            self._wait_for(info.si_pid, mains)
        else:
            self._loop.deadlines.after(0, self.reap)
        self._family.renew(waited_for)
        if mains:
            # What is written from here on, somebody else than a main process writes.
            self._files.drain()
        # Last: with its main process a job may be over, and then nothing more is written down of it.
        for job, status, cpu in mains:
            if os.WIFSIGNALED(status):
                job.main_ended(None, os.WTERMSIG(status), cpu)
            else:
                job.main_ended(os.WEXITSTATUS(status), None, cpu)
        self._leave_if_done()

    def _wait_for(self, pid: int, mains: list[tuple[Job, int, float | None]]) -> None:
        if self._stacks.wait_for(pid):
            return
        job = self._mains.pop(pid, None)
        cpu = None
        if job is not None:
            # After the wait /proc could not tell any more.
            job.see_execution()
            with contextlib.suppress(OSError):
                cpu = round(procfs.read_stat(pid).cpu, 3)
        _, status = os.waitpid(pid, 0)
        if job is not None:
            job.main.waited_for = True
            mains.append((job, status, cpu))
        else:
            any(job.child_ended(pid, status) for job in self._jobs.values() if not job.gone)

    # --- the owner

    def be_owned_by(self, pid: int, start: int, policy: Policy) -> None:
        """Have a supervisor as owner from now on; watch it by its pidfd, since forked children keep sockets open."""
        try:
            owner = Process.open(pid)
        except OSError:
            owner = None
        self._forget_owner()
        self._policy = policy
        self._owner = owner
        if owner is None or owner.start != start:
            self._owner_gone()
        else:
            self._loop.add(owner.fd, self._owner_gone)

    def _forget_owner(self) -> None:
        if self._owner is not None:
            self._loop.remove(self._owner.fd)
            self._owner.close()
        self._owner = None

    def _owner_gone(self) -> None:
        self._forget_owner()
        living = [job for job in self._jobs.values() if not job.gone]
        for job in living:
            job.journal.add(FactName.OWNER_GONE)
        if self._policy is Policy.PRIVATE:
            self._kill_all(KillReason.OWNER_GONE)
        elif self._policy is Policy.NAMED:
            cause = Cause.REQUESTED.value
            self._stop_jobs(
                [{"job": job.key, "attempt": job.attempt, "grace": job.grace, "cause": cause} for job in living]
            )
        for job in living:
            job.journal.flush()
        self._leave_if_done()

    def _kill_all(self, why: KillReason) -> None:
        for job in self._jobs.values():
            job.kill(why)

    def _leave_if_done(self) -> None:
        if self._leaving or any(not job.gone for job in self._jobs.values()):
            return
        if (self._closing or self._owner is None) and self._family.kill_all():
            return  # of whatever job they were; the end of each brings us back here
        if self._closing:
            self._leave()
            for done in self._closing:
                done()
        elif self._owner is None:
            self._leave()
            if self._policy is Policy.PRIVATE:
                remove_private(self._data_dir)

    def _leave(self) -> None:
        self._leaving = True
        self._stacks.close()
        # Before anybody is told: the next keeper listens at the same place.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self._data_dir, SOCKET))
        self._loop.leave()


def remove_private(data_dir: str) -> None:
    """Remove a private data directory, but not one with something in it that could not be uploaded."""
    unsent = os.path.join(data_dir, "unsent")
    if os.path.isdir(unsent) and os.listdir(unsent):
        return
    import shutil  # not before: it brings the compression libraries with it, 1 MB

    shutil.rmtree(data_dir, ignore_errors=True)
