"""How a command ends when whoever reads it has enough, or whoever waits for it."""

from __future__ import annotations

import os
import select
import stat
import sys
import warnings
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import typer

from runner.cli import terminal

_T = TypeVar("_T")
INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 and the number of SIGINT, as in shells."""


@contextmanager
def may_close() -> Iterator[None]:
    """A reader of stdout that has gone (`head`) is no error: the command ends as if all had been read."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # What is left in the buffer would fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC), sys.stdout.fileno())
        raise typer.Exit(0) from None


@contextmanager
def interruptible(saying: str = "interrupted") -> Iterator[None]:
    """Ctrl-C ends the command, and says what goes on without it."""
    try:
        yield
    except KeyboardInterrupt:
        # It may have come between the making of a coroutine and its hand-over to the loop.
        warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
        terminal.say(saying)
        raise typer.Exit(INTERRUPTED) from None


def pause(seconds: float) -> None:
    """Wait, but raise BrokenPipeError as soon as the reader of stdout has gone."""
    watched = select.poll()
    watched.register(sys.stdout.fileno(), 0)  # that nobody reads (POLLERR, poll(2)) is told without being asked for
    if watched.poll(seconds * 1000):
        raise BrokenPipeError


async def while_read(waiting: Coroutine[Any, Any, _T]) -> _T:
    """What is waited for, or BrokenPipeError as soon as the reader of stdout has gone."""
    import asyncio

    loop, output = asyncio.get_running_loop(), sys.stdout.fileno()
    if not stat.S_ISFIFO(os.fstat(output).st_mode):  # of a terminal or a socket the loop would tell what is typed, too
        return await waiting
    gone = asyncio.Event()
    # From this end of a pipe nothing can be read: the loop calls when nobody has the other one any more (POLLERR).
    loop.add_reader(output, gone.set)
    answer, unread = asyncio.ensure_future(waiting), asyncio.ensure_future(gone.wait())
    try:
        await asyncio.wait((answer, unread), return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise BrokenPipeError
        return answer.result()
    finally:
        loop.remove_reader(output)
        answer.cancel()
        unread.cancel()
