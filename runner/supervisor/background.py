"""A supervisor that nobody looks after: it serves its socket for as long as it is needed."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from runner.backends.base import Backend
from runner.supervisor.options import Options
from runner.supervisor.server import Server
from runner.supervisor.service import Service

_logger = logging.getLogger(__name__)

_FIRST_VISIT = 10.0
"""Seconds that whoever has started it has to connect."""


async def serve(data_dir: Path, backend: Backend, options: Options, ready: Callable[[], None]) -> None:
    """Serve until every job has ended and nobody is connected any more, then return.

    SIGTERM or SIGINT stops every job with its own grace, and then it returns; a second one kills them. `ready` is
    called once clients can connect. Raises what `Service.open` raises.
    """
    service = Service(data_dir, backend, options)
    server = Server(service, data_dir)
    told, hurried = asyncio.Event(), asyncio.Event()

    def signalled() -> None:
        (hurried if told.is_set() else told).set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, signalled)
    await service.open()
    try:
        await server.open()
        ready()
        _logger.info("supervisor %d listens", os.getpid())
        if await _first(told.wait(), retired(service, server)) == 0:
            _logger.info("told to end: every job gets its stop")
            await _first(service.finish(), _hurry(service, hurried))
        _logger.info("supervisor %d leaves: no job is left", os.getpid())
    finally:
        await server.close()
        await service.close()


async def retired(service: Service, server: Server) -> None:
    """Returns when the service is needed no more, and takes no more jobs.

    Between the last look and the refusal of new jobs nothing can come: a job is either recorded before, and then it
    is waited for, or refused, and then nothing of it is on record and its sender can try again.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(_FIRST_VISIT):
            await server.visited()
    while True:
        await server.unused()
        await service.idle()
        if not server.is_used and service.retire():
            return


async def _first(*coroutines: Coroutine[Any, Any, Any]) -> int:
    """Which of these ends first, as its number; the others are given up. Raises what it raised."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    done, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    number = next(number for number, task in enumerate(tasks) if task in done)
    await tasks[number]
    return number


async def _hurry(service: Service, hurried: asyncio.Event) -> None:
    await hurried.wait()
    await service.hurry()
    await service.finish()
