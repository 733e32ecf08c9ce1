"""The one writer: every change of state goes through here, in transactions that are shared where they can be.

What several requests and journals bring in one turn of the event loop is one commit. Only after it are the
consequences carried out: orders go to the jobs' workers, waiters are told.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum, unique
from functools import partial
from typing import Any, NamedTuple, TypeVar

from runner import clock
from runner.lifecycle.phases import Event, Order
from runner.records.database import Database, NotRecorded
from runner.records.jobs import Record
from runner.supervisor import intake
from runner.supervisor.changes import Change
from runner.supervisor.live import Live

_logger = logging.getLogger(__name__)
_T = TypeVar("_T")

_RETRY = 1.0
"""Seconds until what could not be committed (the disk is full) is tried again."""
_IDLE = 1.0
"""Seconds without a commit after which the WAL is folded into the database."""


@unique
class _OnFailure(Enum):
    """What becomes of work that could not be committed."""

    TELL = "tell"
    REPEAT = "repeat"


class _Work(NamedTuple):
    do: Callable[[Change], Any]
    answer: asyncio.Future[Any] | None = None
    """Someone waits for the result."""
    on_failure: _OnFailure = _OnFailure.REPEAT


class _Outcome(NamedTuple):
    answer: asyncio.Future[Any] | None
    result: Any
    error: Exception | None

    def tell(self) -> None:
        if self.answer is None:
            if self.error is not None:
                _logger.error("a change of state failed", exc_info=self.error)
        elif self.answer.done():  # whoever asked has gone
            return
        elif self.error is not None:
            self.answer.set_exception(self.error)
        else:
            self.answer.set_result(self.result)


def _attempt(work: _Work, change: Change) -> _Outcome:
    """Do one piece of work: what goes wrong in it concerns no other job, but a failing database concerns them all."""
    try:
        return _Outcome(work.answer, work.do(change), None)
    except NotRecorded:
        raise
    except Exception as error:
        return _Outcome(work.answer, None, error)


class Consequences(NamedTuple):
    """Who is told after a commit."""

    ordered: Callable[[Live, tuple[Order, ...]], None]
    changed: Callable[[Live, Record], None]
    """With the record as it was before."""


class Engine:
    """The jobs that have not ended, and their changes. Used in the event loop's thread only."""

    def __init__(self, database: Database, consequences: Consequences) -> None:
        self.lives: dict[str, Live] = {}
        self._database = database
        self._consequences = consequences
        self._works: list[_Work] = []
        self._grown: dict[Live, None] = {}
        self._is_closed = False
        self._due: asyncio.Handle | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._checkpoint: asyncio.Future[None] | None = None

    @property
    def is_busy(self) -> bool:
        """There is something to do in the next shared transaction."""
        return bool(self._works or self._grown)

    @contextmanager
    def change(self) -> Iterator[Change]:
        """One transaction, now. After an exception inside nothing has changed."""
        change = Change(self._database)
        with self._database.transaction():
            yield change
            change.write()
        self._publish(change)
        self._fold_when_idle()

    def soon(self, do: Callable[[Change], _T]) -> asyncio.Future[_T]:
        """Do this in the next shared transaction; the result comes after its commit, or NotRecorded."""
        return self._add(do, _OnFailure.TELL)

    def certainly(self, do: Callable[[Change], _T]) -> asyncio.Future[_T]:
        """As `soon`, but repeated for as long as it cannot be committed."""
        return self._add(do, _OnFailure.REPEAT)

    def post(self, live: Live, event: Event, **more: Any) -> None:
        """Apply an event in the next shared transaction."""
        self.post_work(lambda change: change.advance(live, event, clock.wall_ns(), **more))

    def post_work(self, do: Callable[[Change], Any]) -> None:
        """Do this in the next shared transaction, and again if that cannot be committed. Nobody waits for it."""
        self._works.append(_Work(do))
        self._wake()

    def grown(self, key: str) -> None:
        """The journal of this job may have grown."""
        live = self.lives.get(key)
        if live is not None:
            self._grown[live] = None
            self._wake()

    async def close(self) -> None:
        """Do what is waiting, and take no more."""
        self._turn()
        self._is_closed = True
        for handle in (self._due, self._idle):
            if handle is not None:
                handle.cancel()
        if self._checkpoint is not None:
            await asyncio.wait([self._checkpoint])

    def _add(self, do: Callable[[Change], _T], on_failure: _OnFailure) -> asyncio.Future[_T]:
        answer: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
        self._works.append(_Work(do, answer, on_failure))
        self._wake()
        return answer

    def _wake(self) -> None:
        if self._due is None and not self._is_closed:
            self._due = asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._due = None
        works, self._works = self._works, []
        grown, self._grown = self._grown, {}
        if not works and not grown:
            return
        outcomes: list[_Outcome] = []
        try:
            with self.change() as change:
                for live in grown:
                    outcomes.append(_attempt(_Work(partial(intake.absorb, live=live)), change))
                outcomes.extend(_attempt(work, change) for work in works)
        except NotRecorded as error:
            self._failed(works, grown, error)
            return
        for outcome in outcomes:
            outcome.tell()

    def _failed(self, works: list[_Work], grown: dict[Live, None], error: NotRecorded) -> None:
        _logger.error("records cannot be written: %s", error)
        for work in works:
            if work.on_failure is _OnFailure.REPEAT:
                self._works.append(work)
            elif work.answer is not None and not work.answer.done():
                work.answer.set_exception(error)
        self._grown |= grown
        self._due = asyncio.get_running_loop().call_later(_RETRY, self._turn)

    def _publish(self, change: Change) -> None:
        for live, reading in change.readings.items():
            live.reading = reading
        for live, record in change.records.items():
            before, live.record = live.record, record
            self._keep(live)
            orders = change.orders.get(live)
            if orders:
                self._consequences.ordered(live, tuple(orders))
            self._consequences.changed(live, before)

    def _keep(self, live: Live) -> None:
        if live.phase.is_terminal:
            self.lives.pop(live.key, None)
        else:
            self.lives[live.key] = live

    def _fold_when_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(_IDLE, self._fold)

    def _fold(self) -> None:
        self._idle = None
        self._checkpoint = asyncio.get_running_loop().run_in_executor(None, self._database.checkpoint)
        self._checkpoint.add_done_callback(_log_failure)


def _log_failure(done: asyncio.Future[None]) -> None:
    if not done.cancelled() and (error := done.exception()) is not None:
        _logger.warning("the records' WAL could not be folded in: %s", error)
