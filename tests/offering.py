"""S3, STS and IAM as `runner serve --services` offers them, without a supervisor."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import uvicorn

from runner.wire.beside import beside
from tests.waiting import wait_until


@contextmanager
def offered(services: Sequence[str]) -> Iterator[str]:
    """Where they answer meanwhile. What they have in memory, which is one for the whole process, is gone afterwards."""
    from moto.core.base_backend import BackendDict

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(beside(services), lifespan="off", log_level="warning"))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            wait_until(lambda: server.started, within=30, saying="the server has not started")
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(30)
            BackendDict.reset()
