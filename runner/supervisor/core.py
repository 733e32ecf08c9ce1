"""The parts of a supervisor, put together: records, engine, workers, timers, waiters, recovery."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from runner import clock
from runner.artifacts.stores import DirectoryStore, ObjectStore
from runner.backends.base import Backend, Listener
from runner.errors import InvalidRequest, NameInUse, RunnerError
from runner.jobs.base import Kind, Spec, key
from runner.jobs.types import TYPES
from runner.lifecycle import transitions
from runner.lifecycle.facts import KillReason
from runner.lifecycle.phases import Event, Order, Phase
from runner.records import documents, jobs, notes
from runner.records.database import Database
from runner.records.documents import Document
from runner.records.jobs import Record
from runner.supervisor import intake, recovery
from runner.supervisor.capacity import Capacity
from runner.supervisor.changes import Change
from runner.supervisor.engine import Consequences, Engine
from runner.supervisor.layout import Layout
from runner.supervisor.limits import RuntimeLimits
from runner.supervisor.live import LAUNCHED, Live
from runner.supervisor.options import Options, Policy
from runner.supervisor.orders import Orders, Outcome, ProgramOrders
from runner.supervisor.transfers import Transfers
from runner.supervisor.tuner import Tuner
from runner.supervisor.waiting import Waiters
from runner.supervisor.workers import Task, Workers

_logger = logging.getLogger(__name__)

_POLICY, _BOOT = "policy", "boot"
"""Notes to the next supervisor."""
UNHEEDED = "unheeded"
"""Result of a job: what of its request was accepted and is not honoured, see `Spec.unheeded`."""
_DESPITE: dict[Task, Event] = {
    Order.ADMIT: Event.LAUNCH_FAILED,
    Order.PREPARE: Event.LAUNCH_FAILED,
    Order.LAUNCH: Event.LAUNCH_FAILED,
    Order.CLEAR: Event.CLEARED,
    Order.ERASE: Event.ERASED,
}
"""What happens to a job when an order fails in a way that nobody foresaw: it must not hang for ever."""


class Core:
    """All that runs in a supervisor; `service` has the verbs."""

    def __init__(self, layout: Layout, database: Database, backend: Backend, options: Options) -> None:
        self.layout = layout
        self.database = database
        self.backend = backend
        self.options = options
        self.waiters = Waiters(backend)
        self.engine = Engine(database, Consequences(self._ordered, self._changed))
        self._capacity = Capacity(options.places)
        self._workers = Workers(self._carry_out)
        self._limits = RuntimeLimits(lambda live: self.engine.post(live, live.type.runtime_event))
        self._tuner = Tuner(database, self.engine, self._add_child, self.kill)
        self.transfers = Transfers(layout, _store(layout, options))
        programs = ProgramOrders(database, backend, options, self.transfers, self._capacity)
        programs.admitted = lambda live: self.engine.post(live, Event.ADMITTED)
        self._orders: dict[Kind, Orders] = {
            Kind.COMPILATION: programs,
            Kind.TRAINING: programs,
            Kind.TUNING: self._tuner,
        }
        self._is_open = False
        self._mending: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Start the backend, and go on with what an earlier supervisor left."""
        await self.backend.open(Listener(self.engine.grown, self.waiters.logged, self._broken))
        lives = [self.load(record) for record in jobs.unfinished(self.database)]
        for live in lives:
            self.engine.lives[live.key] = live
            live.known = live.phase in LAUNCHED
            if live.phase is not Phase.PENDING:
                self._capacity.take(live.key)
        await self._bury(lives)
        self._take_over(lives)
        # Until here no order was given: what each job's phase asks for is given once, now.
        self._is_open = True
        for live in lives:
            self._go_on(live)

    async def close(self) -> None:
        """Do nothing more. What has not been done is on record, and the next supervisor goes on with it."""
        self._is_open = False
        if self._mending is not None:
            self._mending.cancel()
        for live in self.engine.lives.values():
            self._limits.drop(live)
        await self._workers.close()
        await self.engine.close()

    def add(self, change: Change, spec: Spec, document: Document, isolation: str, parent: str | None = None) -> Live:
        """Record a new job. Raises NameInUse."""
        kind = spec.kind.value
        if jobs.find(self.database, kind, spec.name) is not None:
            raise NameInUse(f"a {kind} job with the name {spec.name} exists already")
        step = transitions.begin()
        new = jobs.NewJob(kind, spec.name, spec.grace, isolation, clock.wall_ns(), parent)
        record = jobs.insert(self.database, new, step.state)
        documents.insert(self.database, record.id, document)
        live = Live(record, TYPES[spec.kind], spec, self.layout.folder(key(spec.kind, spec.name)))
        change.begin(live, step)
        if spec.unheeded:
            change.add_results(live, {UNHEEDED: list(spec.unheeded)})
        return live

    def load(self, record: Record) -> Live:
        """A job that is on record, as it is held in memory."""
        kind = Kind(record.kind)
        folder = self.layout.folder(key(kind, record.name))
        return Live(record, TYPES[kind], self._spec(record), folder)

    def kill(self, live: Live, why: KillReason) -> None:
        """End a job that is being stopped without waiting for its deadline."""
        with self.engine.change() as change:
            change.patch(live, killed=why.value)
        self.push_kill(live, why)

    def push_kill(self, live: Live, why: KillReason) -> None:
        """Carry out a kill that is on record."""
        self._workers.push(live, (why,))

    def _spec(self, record: Record) -> Spec:
        kind, request = Kind(record.kind), documents.get(self.database, record.id).request
        try:
            return TYPES[kind].parse(request, self.options.defaults)
        except InvalidRequest as error:  # it was valid to the version that recorded it
            reason = f"ClientError: {error}"
            return Spec(kind, record.name, request, record.grace, None, None, no_command=reason)

    def _add_child(self, change: Change, parent: Live, request: Mapping[str, Any]) -> Live:
        document = documents.get(self.database, parent.record.id)._replace(request=request)
        spec = TYPES[Kind.TRAINING].parse(request, self.options.defaults)
        return self.add(change, spec, document, change.record(parent).isolation, parent.spec.name)

    async def _bury(self, lives: Sequence[Live]) -> None:
        """Read on in all journals; those of jobs that died with their keeper are ended first."""
        for live in recovery.unburied(lives):
            live.folder.mkdir(parents=True, exist_ok=True)
            await self.backend.bury(live.key, live.folder)
        with self.engine.change() as change:
            for live in lives:
                recovery.step_back(change, live)
                intake.absorb(change, live)

    def _take_over(self, lives: Sequence[Live]) -> None:
        before = {name: notes.read(self.database, name) for name in (_POLICY, _BOOT)}
        boot = recovery.boot_id()
        with self.engine.change() as change:
            notes.write(self.database, _POLICY, self.options.policy.value)
            notes.write(self.database, _BOOT, boot)
            for live in lives:
                if before[_BOOT] != boot:
                    recovery.count_anew(change, live)
                if before[_POLICY] != Policy.SERVE.value and not live.phase.is_terminal:
                    # The supervisor that had them was to take them with it, and was killed before it could.
                    change.advance(live, Event.STOP_REQUESTED, clock.wall_ns())

    def _go_on(self, live: Live) -> None:
        if live.phase.is_terminal and live.phase is not Phase.DELETING:
            return
        self._workers.push(live, recovery.standing(live))
        if live.record.killed is not None:
            self._workers.push(live, (KillReason(live.record.killed),))
        if live.kind is Kind.TUNING:
            self._tuner.take_up(live)
        self._limits.changed(live)

    def _ordered(self, live: Live, orders: tuple[Order, ...]) -> None:
        if self._is_open:
            self._workers.push(live, orders)

    def _changed(self, live: Live, before: Record) -> None:
        if self._is_open:
            self._limits.changed(live)
            self._tuner.changed(live, before)
        self.waiters.changed(live)

    async def _carry_out(self, live: Live, task: Task) -> None:
        try:
            outcome = await self._orders[live.kind].carry_out(live, task)
        except Exception as error:
            _logger.exception("%s: %s failed", live.key, task.value)
            event = _DESPITE.get(task)
            failure = {"failure": f"InternalServerError: {task.value}: {error}"}
            outcome = Outcome(event, failure if event is Event.LAUNCH_FAILED else {})
        if outcome.results:
            # On record before the next order: what was uploaded must never be uploaded again from cleared folders.
            await self.engine.certainly(lambda change: change.add_results(live, outcome.results))
        if outcome.event is not None:
            self.engine.post(live, outcome.event, **outcome.changes)

    def _broken(self, reason: str) -> None:
        _logger.error("the backend is gone: %s", reason)
        if self._is_open and self._mending is None:
            self._mending = asyncio.create_task(self._mend())

    async def _mend(self) -> None:
        """Start a new backend, and end the jobs that died with the old one."""
        try:
            await self.backend.open(Listener(self.engine.grown, self.waiters.logged, self._broken))
            await self._bury(list(self.engine.lives.values()))
        except RunnerError:
            _logger.exception("the backend cannot be started again")
        finally:
            self._mending = None


def _store(layout: Layout, options: Options) -> ObjectStore:
    files = DirectoryStore(layout.objects)
    if options.s3 is None:
        return files
    from runner.artifacts.mirrored import MirroredStore

    return MirroredStore(files, options.s3)
