"""How a command ends when whoever reads it has enough, or whoever waits for it."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from runner.cli import terminal

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
