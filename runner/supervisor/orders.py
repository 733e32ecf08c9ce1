"""Carrying out the orders of a job that has a program. Each may be repeated: recovery does, when it cannot know."""

from __future__ import annotations

import asyncio
import functools
import os
import shutil
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from runner.artifacts.uploads import Nothing, Sent, Unsent
from runner.backends.base import Backend, Launch, Stop, Watched
from runner.errors import RunnerError
from runner.jobs import naming
from runner.jobs.base import NONE, Upload
from runner.lifecycle.facts import KillReason
from runner.lifecycle.phases import Cause, Event, Order, Phase
from runner.lifecycle.stops import Isolation
from runner.records import documents, results
from runner.records.database import Database
from runner.supervisor import environment, folders, metrics
from runner.supervisor.capacity import Capacity
from runner.supervisor.live import Live
from runner.supervisor.options import Options
from runner.supervisor.transfers import Transfers
from runner.supervisor.workers import Task

_MODEL = "model"
"""The folder that `ModelArtifacts` is made from."""


class Outcome(NamedTuple):
    """What came of an order."""

    event: Event | None = None
    changes: Mapping[str, Any] = NONE
    """Members of the record that change with the event."""
    results: Mapping[str, Any] = NONE


NOTHING = Outcome()


class Orders(Protocol):
    """Who carries out the orders of one sort of job."""

    async def carry_out(self, live: Live, task: Task) -> Outcome:
        """Do it. Raises nothing that is the job's own fault: that is an outcome."""


class StopBatch:
    """Stops that are ordered in one turn of the event loop go to the backend in one call: all signals at once."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._waiting: list[Stop] = []
        self._sent: asyncio.Task[None] | None = None

    async def stop(self, stop: Stop) -> None:
        """Returns once the signal is out."""
        self._waiting.append(stop)
        if self._sent is None:
            self._sent = asyncio.create_task(self._send())
        # A worker that is given up must not take the others' stops with it.
        await asyncio.shield(self._sent)

    async def _send(self) -> None:
        stops, self._waiting, self._sent = self._waiting, [], None
        await self._backend.stop(stops)


class ProgramOrders:
    """Orders of compilation and training jobs."""

    def __init__(
        self, database: Database, backend: Backend, options: Options, transfers: Transfers, capacity: Capacity
    ) -> None:
        self._database = database
        self._backend = backend
        self._options = options
        self._transfers = transfers
        self._capacity = capacity
        self._stops = StopBatch(backend)
        self.admitted: Callable[[Live], None] = lambda live: None
        """Called when a job got its place."""
        self._how: dict[Order, Callable[[Live], Awaitable[Outcome]]] = {
            Order.ADMIT: self._admit,
            Order.PREPARE: self._prepare,
            Order.LAUNCH: self._launch,
            Order.STOP: self._stop,
            Order.UPLOAD: self._upload,
            Order.CLEAR: self._clear,
            Order.ERASE: self._erase,
        }

    async def carry_out(self, live: Live, task: Task) -> Outcome:
        """See `Orders`."""
        if isinstance(task, KillReason):
            await self._backend.kill([live.key], task)
            return NOTHING
        return await self._how[task](live)

    async def _admit(self, live: Live) -> Outcome:
        # The answer may come much later, and the job's worker must stay free for a stop until then.
        self._capacity.ask(live.key, lambda: self.admitted(live))
        return NOTHING

    async def _prepare(self, live: Live) -> Outcome:
        isolation = Isolation(live.record.isolation)
        place = folders.place(live.folder, isolation)
        try:
            folders.make(live.folder, place.host, live.type.config_files(live.spec, place))
            folders.make_watched(live.folder, self._watched(live))
            for channel in live.spec.channels:
                if live.phase is not Phase.PREPARING:
                    break  # a stop came first
                folder = folders.channel(live.folder, channel.name)
                if channel.uri is not None:
                    await self._transfers.fetch(channel.uri, folder)
            await self._restore(live)
        except (RunnerError, OSError) as error:
            return Outcome(Event.LAUNCH_FAILED, {"failure": _reason(error)})
        return Outcome(Event.PREPARED)

    async def _restore(self, live: Live) -> None:
        if live.record.attempt > 1:
            return  # what the attempt before has saved lies there still, and is newer
        for upload in live.spec.uploads:
            if upload.restored and live.phase is Phase.PREPARING:
                await self._transfers.restore(live.key, upload)

    async def _launch(self, live: Live) -> Outcome:
        if not live.spec.command:
            return Outcome(Event.LAUNCH_FAILED, {"failure": live.spec.no_command})
        try:
            await self._backend.launch(self._order(live))
        except (RunnerError, OSError) as error:
            return Outcome(Event.LAUNCH_FAILED, {"failure": _reason(error)})
        live.known = True
        if live.followers:
            await self._backend.follow(live.key, True)
        return NOTHING

    def _order(self, live: Live) -> Launch:
        isolation = Isolation(live.record.isolation)
        place = folders.place(live.folder, isolation)
        document = documents.get(self._database, live.record.id)
        arn = naming.arn(live.type, live.spec.name, self._options.defaults, document.region)
        variables = live.type.variables(live.spec, place, arn)
        return Launch(
            job=live.key,
            attempt=live.record.attempt,
            argv=live.spec.command,
            environment=environment.of_job(document.environment, variables, place.ml, self._options),
            working_directory=document.cwd,
            folder=live.folder,
            isolation=isolation,
            grace=live.record.grace,
            mounts=folders.mounts(live.folder, isolation),
            watched=self._watched(live),
            temporary=folders.temporary(live.folder),
            stacks=_py_spy(),
        )

    def _watched(self, live: Live) -> Sequence[Watched]:
        asked = documents.get(self._database, live.record.id).checkpoints
        return folders.watched(live.folder, Isolation(live.record.isolation), live.spec.saves, asked)

    async def _stop(self, live: Live) -> Outcome:
        record = live.record
        cause = record.state.cause or Cause.REQUESTED
        await self._stops.stop(Stop(live.key, record.attempt, record.grace, cause))
        return NOTHING

    async def _upload(self, live: Live) -> Outcome:
        # Done before, by a supervisor that was killed: what is left of the folders must not replace what was sent.
        if not live.spec.uploads or "uploads" in results.read(self._database, live.record.id):
            return NOTHING
        due = self._due(live)
        sent = [await self._transfers.send(live.key, upload) for upload in due]
        metrics_found = await asyncio.to_thread(metrics.of_training, live.folder, live.spec.request)
        found: dict[str, Any] = {"uploads": [_told(upload) for upload in sent]}
        for upload, what in zip(sent, due, strict=True):
            if what.folder == _MODEL and not what.restored and isinstance(upload, Sent):
                found["artifacts"] = upload.uri
        if metrics_found:
            found["metrics"] = metrics_found
        return Outcome(results=found)

    def _due(self, live: Live) -> list[Upload]:
        completed = live.phase is Phase.UPLOADING_COMPLETED
        return [upload for upload in live.spec.uploads if completed or not upload.completed_only]

    async def _clear(self, live: Live) -> Outcome:
        try:
            uploads = results.read(self._database, live.record.id).get("uploads", ())
            unsent = [Path(upload["kept"]) for upload in uploads if "kept" in upload]
            await asyncio.to_thread(folders.clear, live.folder, unsent)
            if live.known:
                await self._backend.forget(live.key)
        finally:
            self._capacity.release(live.key)
        return Outcome(Event.CLEARED)

    async def _erase(self, live: Live) -> Outcome:
        await asyncio.to_thread(folders.remove, live.folder)
        return Outcome(Event.ERASED)


@functools.cache
def _py_spy() -> str | None:
    """The program of the extra `stacks`, as it is installed with this interpreter or on the path; None without it."""
    beside = Path(sys.executable).with_name("py-spy")
    return str(beside) if os.access(beside, os.X_OK) else shutil.which("py-spy")


def _told(upload: Sent | Nothing | Unsent) -> dict[str, Any]:
    """An upload as records and reports show it."""
    told: dict[str, Any] = {"uri": upload.uri, "sent": isinstance(upload, Sent)}
    if isinstance(upload, Unsent):
        told |= {"kept": str(upload.kept), "reason": upload.reason}
    if upload.skipped:
        told["skipped"] = [entry._asdict() for entry in upload.skipped]
    return told


def _reason(error: Exception) -> str:
    """What became of an input, as a FailureReason: some errors are worded as one already."""
    text = str(error)
    return text if text.startswith("ClientError:") else f"InternalServerError: {text}"
