"""An event loop in a thread of its own, for programs that have none or one of their own.

It touches nothing of the host's: no signal handler, no child, no event loop.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from runner.errors import RunnerClosed

_T = TypeVar("_T")


class LoopThread:
    """Runs coroutines for other threads, from its making to `close`."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._loop = asyncio.new_event_loop()
        # A daemon: a host that ends without having closed its runner must not hang for it.
        self._thread = threading.Thread(target=self._loop.run_forever, name="runner-supervisor", daemon=True)
        self._thread.start()
        self._is_closed = False
        # What is handed over comes before the end is, or is refused: after it nobody would ever answer.
        self._entrance = threading.RLock()

    @property
    def is_inherited(self) -> bool:
        """This is a forked child of the process that made it: the thread does not exist here."""
        return os.getpid() != self._pid

    def call(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        """Run the coroutine and wait for what it returns or raises. Raises RunnerClosed."""
        if self.is_inherited:
            coroutine.close()
            raise RunnerClosed("this runner is used in a forked child of the process that made it")
        with self._entrance:
            if self._is_closed:
                coroutine.close()
                raise RunnerClosed("this runner has been closed")
            future = self._hand_over(coroutine)
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            raise RunnerClosed("this runner was closed meanwhile") from None
        finally:
            # After a KeyboardInterrupt nobody waits for it any more.
            future.cancel()

    def close(self) -> None:
        """Give up what is still running, wait for what runs in threads, and end."""
        if self.is_inherited:
            return
        with self._entrance:
            if self._is_closed:
                return
            self._is_closed = True
            given_up = self._hand_over(_give_up())
        try:
            given_up.result()
        except BaseException:
            self._is_closed = False
            raise
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _hand_over(self, coroutine: Coroutine[Any, Any, _T]) -> concurrent.futures.Future[_T]:
        try:
            return asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        except BaseException:
            # A KeyboardInterrupt can come here too. The loop may have it already, and then ends it in `close`.
            with contextlib.suppress(ValueError):
                coroutine.close()
            raise


async def _give_up() -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_default_executor()
