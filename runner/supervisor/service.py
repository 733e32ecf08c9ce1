"""Every verb of a supervisor, once. All faces (Python, socket, HTTP) call these."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple

from runner import clock
from runner.backends.base import Backend
from runner.errors import InvalidRequest, JobEnded, JobNotEnded, NoSuchJob, RunnerClosed, WaitTimeout
from runner.jobs import asked
from runner.jobs.base import Kind, Request, key
from runner.jobs.expressions import compiled
from runner.jobs.types import TYPES
from runner.lifecycle.facts import KillReason
from runner.lifecycle.phases import Event, Phase, Refusal
from runner.lifecycle.stops import check_grace
from runner.records.database import Database
from runner.records.documents import Document
from runner.records.jobs import Record
from runner.supervisor import logs, views, waiting
from runner.supervisor.archive import Archive
from runner.supervisor.changes import Change
from runner.supervisor.core import Core
from runner.supervisor.environment import inherited
from runner.supervisor.layout import Layout
from runner.supervisor.live import LAUNCHED, Live
from runner.supervisor.lock import DirectoryLock
from runner.supervisor.options import Options, Policy
from runner.supervisor.verbs import Summaries

_NOT_SIGNALLED = frozenset({Phase.PENDING, Phase.PREPARING, Phase.LAUNCHING, Phase.RUNNING})
"""Phases in which no deadline has been set, so that a grace still counts."""
_LAST_LINES = 5
_QUOTED = 1_000
"""Characters of a line that an error quotes."""


class _StopOrder(NamedTuple):
    grace: float | None
    now: bool


class Service:
    """A supervisor of one data directory: open, use, close, all in one event loop.

    Answers are JSON: times are seconds since 1970 unless said otherwise. Each verb that names a job raises NoSuchJob.
    """

    def __init__(self, data_dir: Path, backend: Backend, options: Options | None = None) -> None:
        self._layout = Layout(data_dir)
        self._backend = backend
        self._options = options or Options()
        self._environment = inherited(os.environ)
        self._lock: DirectoryLock | None = None
        self._takes_jobs = False

    async def open(self) -> None:
        """Claim the data directory and go on with what is in it.

        Raises DataDirectoryInUse, DataDirectoryUnusable, KeeperFailed.
        """
        lock = DirectoryLock(self._layout.root, self._layout.lock)
        async with AsyncExitStack() as failed:
            failed.callback(lock.release)
            if self._options.policy is Policy.PRIVATE:
                # It may have been begun already, and has no jobs of an earlier supervisor.
                failed.push_async_callback(self._backend.close)
            self._database = Database(self._layout.database, self._options.durability)
            failed.callback(self._database.close)
            self._archive = Archive(self._database, self._layout, self._options.defaults)
            self._core = Core(self._layout, self._database, self._backend, self._options)
            await self._core.open()
            failed.pop_all()
        self._lock = lock
        self._takes_jobs = True

    async def create(
        self,
        kind: Kind,
        request: Request,
        cwd: str | None = None,
        environment: Mapping[str, str] | None = None,
        checkpoints: Sequence[str] = (),
    ) -> str:
        """Record a job and start it; returns its name once that is durable.

        `request` is the API's own Create request. `cwd` and `environment` are those of the caller; without them,
        those of this supervisor. `checkpoints`: folders in which a training saves (`jobs.asked`). Raises
        InvalidRequest, NameInUse, IsolationUnavailable.
        """
        if not self._takes_jobs:
            raise RunnerClosed("this supervisor is ending and takes no more jobs")
        spec = TYPES[kind].parse(request, self._options.defaults)
        document = _document(request, cwd, self._environment if environment is None else environment)
        if checkpoints and kind is not Kind.TRAINING:
            raise InvalidRequest(asked.FIELD, f"must not be there: a {kind.value} job has none")
        isolation = await self._backend.isolation(spec.isolation)
        document = document._replace(checkpoints=asked.checkpoints(checkpoints, document.cwd, isolation))
        await self._core.engine.soon(lambda change: self._core.add(change, spec, document, isolation.value))
        return spec.name

    async def put(self, path: str, uri: str) -> None:
        """Copy a file, or all files of a folder, into the object store, so that a job can have them as its input.

        Raises InvalidRequest.
        """
        try:
            await self._core.transfers.put(Path(path), uri)
        except OSError as error:
            raise InvalidRequest("path", f"must be a file or folder that can be read: {error}") from None

    async def kinds(self, name: str) -> Sequence[str]:
        """See `Archive.kinds`."""
        return self._archive.kinds(name)

    async def summary(self, kind: Kind, name: str) -> dict[str, Any]:
        """See `Archive.summary`."""
        return self._archive.summary(kind, name)

    async def describe(self, kind: Kind, name: str) -> dict[str, Any]:
        """See `Archive.describe`."""
        return self._archive.describe(kind, name)

    async def list(self, kind: Kind | None = None) -> Summaries:
        """See `Archive.list`."""
        return self._archive.list(kind)

    async def trainings(self, name: str, at_least: int = 0, timeout: float | None = None) -> Summaries:
        """Summaries of what a tuning job has launched, once there are `at_least` so many, or it has ended.

        Raises WaitTimeout.
        """
        found = self._archive.trainings(name)
        live = self._live(Kind.TUNING, name)
        if live is None or len(found) >= at_least:
            return found
        try:
            await asyncio.wait_for(waiting.until(self._core.waiters, live, lambda: self._has(name, at_least)), timeout)
        except TimeoutError:
            raise WaitTimeout(f"{live.key} has not launched {at_least} trainings within {timeout:g} s") from None
        return self._archive.trainings(name)

    def _has(self, name: str, trainings: int) -> bool:
        return len(self._archive.trainings(name)) >= trainings

    async def logs(self, kind: Kind, name: str, after: int = 0) -> dict[str, Any]:
        """See `Archive.logs`."""
        return self._archive.logs(kind, name, after)

    async def more_logs(self, kind: Kind, name: str, after: int = 0) -> dict[str, Any]:
        """As `logs`, but waits until there is something behind `after`; nothing means that the job has ended."""
        live = self._fresh(kind, name)
        await waiting.more(self._core.waiters, live, after)
        return self._archive.logs(kind, name, after)

    async def report(self, kind: Kind, name: str) -> dict[str, Any]:
        """See `Archive.report`."""
        return self._archive.report(kind, name)

    async def progress(self, kind: Kind, name: str) -> dict[str, Any]:
        """See `Archive.progress`."""
        return self._archive.progress(kind, name)

    async def wait(self, kind: Kind, name: str, timeout: float | None = None) -> dict[str, Any]:
        """The job's summary once it has ended; everyone who waits gets the same. Raises WaitTimeout."""
        live = self._fresh(kind, name)
        try:
            # Not wait_for: with a timeout of 0 it does not even look.
            async with asyncio.timeout(timeout):
                await self._core.waiters.end(live)
        except TimeoutError:
            status = views.status(live.record)
            raise WaitTimeout(f"{live.key} has not ended after {timeout:g} s: it is {status}") from None
        return views.summary(live.record)

    async def wait_for_log(self, kind: Kind, name: str, pattern: str, timeout: float | None = None) -> tuple[int, str]:
        """The first line of the job's output that the regular expression is found in, as (wall ns, text).

        Of a line its first 10,000 characters are looked at. Raises WaitTimeout, JobEnded if the job ends without such
        a line, InvalidRequest, ExpressionTooSlow.
        """
        expression = compiled("pattern", pattern)
        live = self._fresh(kind, name)
        try:
            async with asyncio.timeout(timeout):
                found = await waiting.line(self._core.waiters, live, expression)
        except TimeoutError:
            raise WaitTimeout(f"no line of {live.key} matched {pattern!r} within {timeout:g} s{_last(live)}") from None
        if found is None:
            status = views.status(live.record)
            raise JobEnded(
                f"{live.key} has ended ({status}) without a line that matches {pattern!r}{_last(live)}", status
            )
        return found.line.wall, found.line.text

    async def stop(self, kind: Kind, name: str, grace: float | None = None, now: bool = False) -> None:
        """Begin the job's stop; returns once it is durable and on its way. The stop belongs to the job from then on.

        `grace` (seconds) takes the place of the job's own. A job that is being stopped already keeps its deadline;
        only `now` ends it sooner. Raises JobEnded, InvalidRequest.
        """
        order = _StopOrder(_checked(grace), now)
        live = await self._core.engine.soon(lambda change: self._stop(change, self._fresh(kind, name), order))
        if now and live.phase in LAUNCHED:
            self._core.push_kill(live, KillReason.NOW)

    async def kill(self, kind: Kind, name: str, why: str) -> None:
        """End a job that is being stopped without waiting for its deadline; `why` is a KillReason. Raises JobEnded."""
        live = self._live(kind, name)
        if live is None:
            raise _ended(self._archive.find(kind, name))
        self._core.kill(live, KillReason(why))

    async def look(self, kind: Kind, name: str) -> None:
        """Have a look at all processes of a running job written into its journal."""
        live = self._live(kind, name)
        if live is not None and live.known:
            await self._backend.look(live.key)

    async def delete(self, kind: Kind, name: str) -> None:
        """Delete a job that has ended, with its journal and log; its name is free afterwards. Raises JobNotEnded."""
        live = await self._core.engine.soon(lambda change: self._delete(change, kind, name))
        await self._core.waiters.erased(live)

    async def idle(self) -> None:
        """Returns when every job has ended, and what was asked for until then is on record. More may come at once."""
        while True:
            # What a client has asked for that hung up before the commit is done with this one.
            await self._core.engine.certainly(lambda change: None)
            lives = tuple(self._core.engine.lives.values())
            if not lives:
                return
            for live in lives:
                await self._core.waiters.end(live)

    def retire(self) -> bool:
        """Take no more jobs, if there is none: False, and nothing has changed, if one lives or is being recorded."""
        if self._core.engine.lives or self._core.engine.is_busy:
            return False
        self._takes_jobs = False
        return True

    async def finish(self) -> None:
        """Take no more jobs, stop those that run, each with its own grace, and wait until all have ended."""
        self._takes_jobs = False

        def stop(change: Change) -> tuple[Live, ...]:
            lives = tuple(self._core.engine.lives.values())
            for live in lives:
                change.advance(live, Event.STOP_REQUESTED, clock.wall_ns())
            return lives

        while self._core.engine.lives:
            for live in await self._core.engine.certainly(stop):
                await self._core.waiters.end(live)

    async def close(self) -> None:
        """Leave. Jobs of a private directory are killed; those of others are stopped first, see `finish`."""
        if self._lock is None:
            return
        if self._options.policy is not Policy.PRIVATE:
            await self.finish()
        lock, self._lock, self._takes_jobs = self._lock, None, False
        await self._core.close()
        await self._backend.close()
        self._database.close()
        lock.release()

    async def hurry(self) -> None:
        """Kill all jobs that `finish` waits for."""
        for live in tuple(self._core.engine.lives.values()):
            if live.phase in LAUNCHED:
                self._core.kill(live, KillReason.NOW)

    def _live(self, kind: Kind, name: str) -> Live | None:
        return self._core.engine.lives.get(key(kind, name))

    def _fresh(self, kind: Kind, name: str) -> Live:
        return self._live(kind, name) or self._core.load(self._archive.find(kind, name))

    def _stop(self, change: Change, live: Live, order: _StopOrder) -> Live:
        record = change.record(live)
        more: dict[str, Any] = {}
        if order.grace is not None and record.state.phase in _NOT_SIGNALLED:
            more["grace"] = order.grace
        if order.now:
            more["killed"] = KillReason.NOW.value
        if isinstance(change.advance(live, Event.STOP_REQUESTED, clock.wall_ns(), **more), Refusal):
            raise _ended(record)
        return live

    def _delete(self, change: Change, kind: Kind, name: str) -> Live:
        live = change.touched(key(kind, name)) or self._fresh(kind, name)
        step = change.advance(live, Event.DELETE_REQUESTED, clock.wall_ns())
        if step is Refusal.NOT_ENDED:
            raise JobNotEnded(f"{live.key} has not ended: it is {views.status(live.record)}")
        if isinstance(step, Refusal):
            raise NoSuchJob(f"{live.key} is being deleted")
        return live


def _checked(grace: float | None) -> float | None:
    try:
        return None if grace is None else check_grace(grace)
    except ValueError as error:
        raise InvalidRequest("grace", str(error)) from None


def _document(request: Request, cwd: str | None, environment: Mapping[str, str]) -> Document:
    folder = os.getcwd() if cwd is None else cwd
    if not os.path.isdir(folder):
        raise InvalidRequest("cwd", f"must be a folder that exists, not {folder!r}")
    try:
        json.dumps(request)
    except (TypeError, ValueError) as error:
        raise InvalidRequest("request", f"must be JSON: {error}") from None
    return Document(request, folder, inherited(environment))


def _ended(record: Record) -> JobEnded:
    status = views.status(record)
    return JobEnded(f"the {record.kind} job {record.name} has ended: it is {status}", status)


def _last(live: Live) -> str:
    """The end of the job's output, for an error."""
    lines = logs.tail(live.folder, _LAST_LINES)
    return (
        "; its output ends with:\n" + "\n".join(line.text[:_QUOTED] for line in lines)
        if lines
        else "; it has no output"
    )
