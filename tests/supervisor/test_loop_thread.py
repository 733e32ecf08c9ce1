"""The loop's thread and those that call it while it is being closed."""

from __future__ import annotations

import asyncio
import contextlib
import threading

import pytest

from runner.errors import RunnerClosed
from runner.supervisor.loop_thread import LoopThread

PATIENCE = 20
TIMES = 20


def test_who_calls_while_it_is_closed_gets_an_answer() -> None:
    for _ in range(TIMES):
        thread = LoopThread()
        begin = threading.Barrier(5)

        def call(thread: LoopThread = thread, begin: threading.Barrier = begin) -> None:
            begin.wait(PATIENCE)
            with contextlib.suppress(RunnerClosed):
                while True:
                    thread.call(asyncio.sleep(0))

        callers = [threading.Thread(target=call, daemon=True) for _ in range(4)]
        for caller in callers:
            caller.start()
        begin.wait(PATIENCE)
        thread.close()
        for caller in callers:
            caller.join(PATIENCE)
        assert not any(caller.is_alive() for caller in callers), "a call is never answered"


def test_it_is_closed_once() -> None:
    thread = LoopThread()
    thread.close()
    thread.close()
    with pytest.raises(RunnerClosed, match="has been closed"):
        thread.call(asyncio.sleep(0))
