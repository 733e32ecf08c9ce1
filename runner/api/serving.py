"""A supervisor as a process of its own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner import settings as configuration
from runner.settings import Settings
from runner.supervisor import lock
from runner.supervisor.layout import Layout
from runner.supervisor.verbs import Verbs

__all__ = ["Ending", "Verbs", "holder", "serve"]

Ending = Callable[[Verbs], Coroutine[Any, Any, None]]
"""See `supervisor.serving`."""

if TYPE_CHECKING:
    from runner.supervisor.serving import Face


def serve(
    data_dir: str | os.PathLike[str] | None = None,
    *,
    settings: Settings | None = None,
    ready: Callable[[], None] = lambda: None,
    face: Face | None = None,
    ending: Ending | None = None,
) -> None:
    """Serve a data directory on its socket; the main thread of the process is taken for it.

    Returns after SIGTERM or SIGINT, when every job has been stopped with its own grace; a second one kills them.
    `ready` is called once clients can connect; `ending` runs from the first signal until every job has ended, to show
    it. `face`: another way to reach it than its socket. Jobs survive the death of this process. Raises
    DataDirectoryInUse, DataDirectoryUnusable, KeeperFailed.
    """
    from runner.api import embedding

    embedding.check_machine()
    from runner.supervisor import serving

    folder = configuration.data_dir() if data_dir is None else Path(data_dir).absolute()
    options = embedding.options(settings or Settings(), "serve")
    if face is not None:
        options = options._replace(variables=face.variables, s3=face.s3)
    backend = embedding.local(folder, "serve")
    asyncio.run(serving.serve(folder, backend, options, ready, ending or serving.unseen, face))


def holder(data_dir: Path) -> int | None:
    """The process that has a data directory, if one has; not to be asked by that process itself."""
    return lock.holder(Layout(data_dir).lock)
