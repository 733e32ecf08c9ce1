"""One worker per job: it carries the job's orders out one after the other, while other jobs' go on."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from runner.lifecycle.facts import KillReason
from runner.lifecycle.phases import Order
from runner.supervisor.live import Live

_logger = logging.getLogger(__name__)

Task = Order | KillReason
"""What a worker does: an order of the table, or, for a stop that shall not wait for its deadline, a kill."""


class Workers:
    """The queues of all jobs. A job without orders has no task: an idle supervisor costs nothing."""

    def __init__(self, carry_out: Callable[[Live, Task], Awaitable[None]]) -> None:
        self._carry_out = carry_out
        self._queues: dict[Live, deque[Task]] = {}
        self._running: set[asyncio.Task[None]] = set()

    def push(self, live: Live, tasks: Iterable[Task]) -> None:
        """Do these, in this order, after all that was pushed for the job before."""
        queue = self._queues.get(live)
        if queue is not None:
            queue.extend(tasks)
            return
        self._queues[live] = deque(tasks)
        running = asyncio.get_running_loop().create_task(self._run(live), name=f"orders of {live.key}")
        # The loop itself holds tasks only weakly.
        self._running.add(running)
        running.add_done_callback(self._running.discard)

    async def close(self) -> None:
        """Give up what has not been done; recovery would repeat it."""
        for running in tuple(self._running):
            running.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _run(self, live: Live) -> None:
        queue = self._queues[live]
        try:
            while queue:
                await self._carry_out(live, queue.popleft())
        finally:
            del self._queues[live]
