"""A supervisor that is a process of its own: it serves its socket until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import Any, Protocol

from runner.backends.base import Backend
from runner.supervisor.options import Options
from runner.supervisor.server import Server
from runner.supervisor.service import Service
from runner.supervisor.verbs import Verbs

Ending = Callable[[Verbs], Coroutine[Any, Any, None]]
"""Runs beside the stop of all jobs, to show it, and is cancelled when the last one has ended."""


class Face(Protocol):
    """Another way to reach the service than its socket."""

    variables: Mapping[str, str]
    """By which the jobs' own clients find it."""
    s3: str | None
    """Endpoint of an S3 that it offers besides, in which the jobs' objects are then, too."""

    def serving(self, service: Service) -> AbstractAsyncContextManager[None]:
        """Open while it is entered."""


async def unseen(verbs: Verbs) -> None:
    """Show nothing of the end."""


async def serve(
    data_dir: Path,
    backend: Backend,
    options: Options,
    ready: Callable[[], None],
    ending: Ending = unseen,
    face: Face | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; then stop every job, each with its own grace, and return. A second one kills them.

    `ready` is called once clients can connect, `ending` when it has been told to stop. Raises what `Service.open`
    raises.
    """
    service = Service(data_dir, backend, options)
    server = Server(service, data_dir)
    told = asyncio.Event()
    hurried = asyncio.Event()
    loop = asyncio.get_running_loop()

    def signalled() -> None:
        (hurried if told.is_set() else told).set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signalled)
    await service.open()
    try:
        await server.open()
        async with AsyncExitStack() as opened:
            if face is not None:
                await opened.enter_async_context(face.serving(service))
            ready()
            await told.wait()
            hurrying = asyncio.create_task(_hurry(service, hurried))
            showing = asyncio.create_task(ending(service))
            # Clients may go on asking while jobs end; new jobs are refused.
            await service.finish()
            hurrying.cancel()
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)
    finally:
        await server.close()
        await service.close()


async def _hurry(service: Service, hurried: asyncio.Event) -> None:
    await hurried.wait()
    await service.hurry()
