"""Waiting for jobs and for lines of their logs, woken by what happens and never by a clock that looks again."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

from runner.backends.base import Backend
from runner.errors import RunnerError
from runner.jobs.base import Kind
from runner.jobs.expressions import Expression
from runner.lifecycle.phases import Phase
from runner.supervisor import logs
from runner.supervisor.live import LAUNCHED, Live
from runner.supervisor.logs import Line


class Waiters:
    """Those who wait for a job's end or for its log."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._ends: defaultdict[Live, list[asyncio.Future[None]]] = defaultdict(list)
        self._erasures: defaultdict[Live, list[asyncio.Future[None]]] = defaultdict(list)
        self._logs: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    async def end(self, live: Live) -> None:
        """Returns when the job has ended."""
        if not live.phase.is_terminal:
            await _turn(self._ends[live])

    async def erased(self, live: Live) -> None:
        """Returns when a job that is being deleted is gone."""
        if live.phase is not Phase.DELETED:
            await _turn(self._erasures[live])

    def changed(self, live: Live) -> None:
        """The job's record has changed."""
        if live.phase.is_terminal:
            _tell(self._ends.pop(live, ()))
        if live.phase is Phase.DELETED:
            _tell(self._erasures.pop(live, ()))
        if live.phase not in LAUNCHED:
            self.logged(live.key)
        if live.record.parent is not None:
            self.logged(f"{Kind.TUNING.value}/{live.record.parent}")

    def logged(self, key: str) -> None:
        """The job's log may have grown."""
        for event in self._logs.get(key, ()):
            event.set()

    @asynccontextmanager
    async def following(self, live: Live) -> AsyncIterator[asyncio.Event]:
        """An event that is set whenever the log may have grown or the job has changed."""
        event = asyncio.Event()
        self._logs[live.key].add(event)
        live.followers += 1
        try:
            if live.followers == 1 and live.known:
                await self._backend.follow(live.key, True)
            yield event
        finally:
            live.followers -= 1
            self._logs[live.key].discard(event)
            if not self._logs[live.key]:
                del self._logs[live.key]
            if live.followers == 0 and live.known and live.phase in LAUNCHED:
                with suppress(RunnerError):  # a backend that is gone wakes nobody any more
                    await self._backend.follow(live.key, False)


async def _turn(waiting: list[asyncio.Future[None]]) -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    waiting.append(future)
    try:
        await future
    finally:
        waiting.remove(future)


def _tell(waiting: Iterable[asyncio.Future[None]]) -> None:
    for future in waiting:
        if not future.done():  # whoever waited may have given up
            future.set_result(None)


class Found(NamedTuple):
    """A line that was waited for."""

    line: Line


async def more(waiters: Waiters, live: Live, after: int) -> None:
    """Returns when there are lines behind the offset, or the job has ended."""
    async with waiters.following(live) as event:
        while not live.phase.is_terminal and logs.read(live.folder, after).next == after:
            await event.wait()
            event.clear()


async def until(waiters: Waiters, live: Live, condition: Callable[[], bool]) -> None:
    """Returns when the condition holds, or the job has ended; looked at whenever it or a job of its has changed."""
    async with waiters.following(live) as event:
        while not (live.phase.is_terminal or condition()):
            await event.wait()
            event.clear()


async def line(waiters: Waiters, live: Live, expression: Expression) -> Found | None:
    """The first line of the log that the expression matches; None if the job ended without one.

    Raises ExpressionTooSlow.
    """
    after = 0
    async with waiters.following(live) as event:
        while True:
            event.clear()
            # Looked at before the log is: what is written in between is read now or wakes us again.
            ended = live.phase.is_terminal
            page = logs.read(live.folder, after, ended=ended)
            found = await _first(page.lines, expression)
            if found is not None:
                return Found(found)
            if page.next != after:
                after = page.next
                await asyncio.sleep(0)  # a log of gigabytes must not hold up the loop
            elif ended:
                return None
            else:
                await event.wait()


async def _first(lines: Sequence[Line], expression: Expression) -> Line | None:
    """The first that matches. An expression may take its time: then it is looked for in a thread, for nobody else
    shall wait for it.
    """
    wanted = True

    def first() -> Line | None:
        return next((line for line in lines if wanted and expression.found(line.text)), None)

    if expression.is_quick or not lines:
        return first()
    try:
        return await asyncio.to_thread(first)
    finally:
        wanted = False  # whoever waited may have given up: the thread ends with the line it is at
