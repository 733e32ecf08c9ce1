"""Every verb of a supervisor, once. All faces (Python, socket, HTTP) call these."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from runner import clock
from runner.backends.base import Backend
from runner.errors import InvalidRequest, JobEnded, JobNotEnded, JobStopping, NoSuchJob, RunnerClosed, WaitTimeout
from runner.jobs import asked, unheeded
from runner.jobs.base import Kind, Request, key
from runner.jobs.expressions import compiled
from runner.jobs.naming import check_region
from runner.jobs.shared import ISOLATION_TAG
from runner.jobs.types import TYPES
from runner.lifecycle.facts import KillReason
from runner.lifecycle.phases import Event, Phase, Refusal
from runner.lifecycle.stops import check_grace
from runner.records.database import Database
from runner.records.documents import Document
from runner.records.jobs import Record
from runner.supervisor import logs, tagging, views, waiting
from runner.supervisor.archive import Archive
from runner.supervisor.changes import Change
from runner.supervisor.core import Core
from runner.supervisor.environment import inherited
from runner.supervisor.layout import Layout
from runner.supervisor.live import LAUNCHED, Live
from runner.supervisor.lock import DirectoryLock
from runner.supervisor.options import Options, Policy
from runner.supervisor.tagging import Tags
from runner.supervisor.verbs import Summaries

if TYPE_CHECKING:
    from runner.supervisor.log_streams import LogStreams

_logger = logging.getLogger(__name__)

_NOT_SIGNALLED = frozenset({Phase.PENDING, Phase.PREPARING, Phase.LAUNCHING, Phase.RUNNING})
"""Phases in which no deadline has been set, so that a grace still counts."""
_LAST_LINES = 5
_QUOTED = 1_000
"""Characters of a line that an error quotes."""


class _StopOrder(NamedTuple):
    grace: float | None
    now: bool
    once: bool


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
        region: str | None = None,
    ) -> str:
        """Record a job and start it; returns its name once that is durable.

        `request` is the API's own Create request. `cwd` and `environment` are those of the caller; without them,
        those of this supervisor. `checkpoints`: folders in which a training saves (`jobs.asked`). What of the request
        is accepted and not honoured (`jobs.unheeded`) is logged in brief, and is among the results in the job's report.

        `region` is that of the job's ARN, and what its program is told; without it, that of the settings. A tuning
        job's trainings are in its region. There is one name space for all regions, where SageMaker has one for each: a
        name that is taken in one is taken in all, and every verb finds a job whatever region it is in.

        Raises InvalidRequest, NameInUse, IsolationUnavailable.
        """
        self._check_open()
        spec = TYPES[kind].parse(request, self._options.defaults)
        document = _document(request, cwd, self._environment if environment is None else environment)
        if checkpoints and kind is not Kind.TRAINING:
            raise InvalidRequest(asked.FIELD, f"must not be there: a {kind.value} job has none")
        isolation = await self._backend.isolation(spec.isolation)
        document = document._replace(
            checkpoints=asked.checkpoints(checkpoints, document.cwd, isolation),
            region=check_region("region", self._options.defaults.region if region is None else region),
        )

        def add(change: Change) -> None:
            self._check_open()  # it may have been told to end meanwhile
            self._core.add(change, spec, document, isolation.value)

        await self._core.engine.soon(add)
        if spec.unheeded:
            _logger.warning(
                "%s/%s: accepted, and not honoured: %s; `runner describe` and Job.detail() tell what happens instead",
                *(kind.value, spec.name, unheeded.brief(spec.unheeded)),
            )
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

    async def page(self, kind: Kind, query: Mapping[str, Any]) -> dict[str, Any]:
        """A page of the jobs of one type: `{jobs: [what describe answers, …], next: where the next page begins}`.

        Of tuning jobs their best training is left out, which no list of the API has.

        Members of `query`, all of them optional:
        `status`           as the API spells it for this type: exactly the jobs whose Describe says so
        `name_contains`    a part of the name, as it is spelt
        `created_after`, `created_before`, `modified_after`, `modified_before`
                           seconds since 1970; neither includes the instant itself, which is that of Describe
        `sort`             `CreationTime` (the default), `Name`, or `Status`, which goes by the API's spelling
        `descending`       false by default
        `limit`            1 to 100, 10 by default
        `after`            `next` of the page before, None for the first; with the same sort and direction

        `next` is None on the last page. Jobs that come or go between pages shift nothing. No job is listed twice,
        unless it changes its own place: by another status, where pages are sorted by that. A compilation that is being
        deleted is in no page, because Describe does not find it. Raises InvalidRequest, which names the member of the
        API's List operations: `NextToken` for an `after` that is none.
        """
        return self._archive.page(kind, query)

    async def children(self, name: str) -> Summaries:
        """See `views.children`: what ListTrainingJobsForHyperParameterTuningJob shows, times as seconds since 1970."""
        return self._archive.children(name)

    async def tags(self, kind: Kind, name: str) -> dict[str, str]:
        """The job's tags, in the order in which they were added."""
        return self._archive.tags(kind, name)

    async def tag(self, kind: Kind, name: str, tags: Mapping[str, str]) -> None:
        """Add tags, or give those that are there other values. A job has at most 50.

        Tags of a tuning job go to every training that it launches afterwards, `runner:grace-seconds` and
        `runner:isolation` among them ("but not to training jobs that the hyperparameter tuning job launched before you
        called this API", AddTags). Of a training or a compilation that exists such tags change nothing but what `tags`
        answers: its grace and its isolation stay those that it was created with. Raises InvalidRequest,
        IsolationUnavailable.
        """
        added = tagging.checked(tags)
        await self._retag(kind, name, lambda now: now | added, ISOLATION_TAG in added)

    async def untag(self, kind: Kind, name: str, keys: Sequence[str]) -> None:
        """Take tags away; keys that the job does not have are passed over. See `tag`."""
        gone = tagging.checked_keys(keys)
        await self._retag(kind, name, lambda now: _without(now, gone), ISOLATION_TAG in gone)

    async def _retag(self, kind: Kind, name: str, changed: Callable[[Tags], Tags], isolates: bool) -> None:
        """`isolates`: the tag that says in which isolation trainings are launched is among those that change."""
        wanted = tagging.isolation(changed(self._archive.tags(kind, name)))
        isolation = await self._backend.isolation(wanted) if isolates and kind is Kind.TUNING else None

        def retag(change: Change) -> None:
            record = self._archive.find(kind, name)
            tagging.put(self._database, record, changed(tagging.current(self._database, record)))
            live = self._live_in(change, kind, name)
            if live is not None and isolation is not None:
                change.patch(live, isolation=isolation.value)

        await self._core.engine.soon(retag)

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

    @property
    def log_streams(self) -> LogStreams:
        """The jobs' output as CloudWatch Logs has it; imported when the endpoint asks for it."""
        from runner.supervisor.log_streams import LogStreams

        return LogStreams(self._archive)

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

    async def stop(
        self, kind: Kind, name: str, grace: float | None = None, now: bool = False, *, once: bool = False
    ) -> None:
        """Begin the job's stop; returns once it is durable and on its way. The stop belongs to the job from then on.

        `grace` (seconds) takes the place of the job's own. A job that is being stopped already keeps its deadline;
        only `now` ends it sooner. Raises JobEnded, InvalidRequest, and JobStopping if it is to be stopped `once`.
        """
        order = _StopOrder(_checked(grace), now, once)
        live = await self._core.engine.soon(lambda change: self._stop(change, self._in(change, kind, name), order))
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

    def _live_in(self, change: Change, kind: Kind, name: str) -> Live | None:
        """As `_live`; also the job that this very change has created, or begun to delete."""
        return change.touched(key(kind, name)) or self._live(kind, name)

    def _fresh(self, kind: Kind, name: str) -> Live:
        return self._live(kind, name) or self._core.load(self._archive.find(kind, name))

    def _in(self, change: Change, kind: Kind, name: str) -> Live:
        return self._live_in(change, kind, name) or self._core.load(self._archive.find(kind, name))

    def _check_open(self) -> None:
        if not self._takes_jobs:
            raise RunnerClosed("this supervisor is ending and takes no more jobs")

    def _stop(self, change: Change, live: Live, order: _StopOrder) -> Live:
        record = change.record(live)
        if order.once and record.state.phase.is_stopping:
            raise JobStopping(f"{live.key} is being stopped already", views.status(record))
        more: dict[str, Any] = {}
        if order.grace is not None and record.state.phase in _NOT_SIGNALLED:
            more["grace"] = order.grace
        if order.now:
            more["killed"] = KillReason.NOW.value
        step = change.advance(live, Event.STOP_REQUESTED, clock.wall_ns(), **more)
        if step is Refusal.GONE:
            raise NoSuchJob(f"{live.key} has just been deleted")
        if isinstance(step, Refusal):
            raise _ended(record)
        return live

    def _delete(self, change: Change, kind: Kind, name: str) -> Live:
        live = self._in(change, kind, name)
        step = change.advance(live, Event.DELETE_REQUESTED, clock.wall_ns())
        if step is Refusal.NOT_ENDED:
            status = views.status(change.record(live))
            raise JobNotEnded(f"{live.key} has not ended: it is {status}", status)
        if isinstance(step, Refusal):
            raise NoSuchJob(f"{live.key} is being deleted")
        return live


def _without(tags: Tags, keys: Collection[str]) -> Tags:
    return {key: value for key, value in tags.items() if key not in keys}


def _checked(grace: float | None) -> float | None:
    try:
        return None if grace is None else check_grace(grace)
    except ValueError as error:
        raise InvalidRequest("grace", str(error)) from None


def _document(request: Request, cwd: str | None, environment: Mapping[str, str]) -> Document:
    try:
        folder = os.getcwd() if cwd is None else cwd
    except FileNotFoundError:
        raise InvalidRequest(
            "cwd", "must be a folder that exists; the one that this supervisor was started in is gone"
        ) from None
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
