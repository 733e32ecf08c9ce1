"""The fixture `launch_job`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from runner.errors import InvalidRequest, RunnerError
from runner.pytest_plugin.jobs import Jobs

if TYPE_CHECKING:
    from runner.api import Job, Runner

PATIENCE = 60.0
"""Seconds for which a line is waited for."""

Command = Sequence[str | os.PathLike[str]] | str | os.PathLike[str]
"""A program and its arguments, or the path of a Python program."""


class Wishes(TypedDict, total=False):
    """What a test may say of a job; see `Runner.train`."""

    name: str | None
    grace: float | None
    isolation: str | None
    environment: Mapping[str, str] | None
    hyperparameters: Mapping[str, Any] | None
    inputs: Mapping[str, str | os.PathLike[str]] | None
    checkpoints: Sequence[str | os.PathLike[str]] | None
    max_runtime: int | None
    cwd: str | os.PathLike[str] | None
    tags: Mapping[str, str] | None


class LaunchJob:
    """Launches programs as training jobs of one test."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def __repr__(self) -> str:
        return "<fixture launch_job>"

    @property
    def runner(self) -> Runner:
        """The runner of this test, for what a training job is not: it is closed after the test."""
        return self._jobs.runner

    def __call__(
        self, command: Command, *, ready: str | None = None, timeout: float = PATIENCE, **wishes: Unpack[Wishes]
    ) -> Job:
        """Launch a command; with `ready`, return once that regular expression is found in a line of its output.

        The command is a list of words, or the path of a Python program (`train.py`), which the interpreter of the
        test runs. What `wishes` leave open, the options of the pytest run say; they are those of `Runner.train`.

        Raises WaitTimeout if the line has not come after `timeout` seconds, JobEnded if the program ends without it;
        both quote its last lines. Else as `Runner.train`.
        """
        __tracebackhide__ = True
        try:
            job = self._jobs.launch(words_of(command), **wishes)
            if ready is not None:
                job.wait_for_log(ready, timeout)
        except RunnerError as error:
            raise error.with_traceback(None) from None
        return job


def words_of(command: Command) -> list[str]:
    """The words of a command. Raises InvalidRequest for a text that is not the path of a Python program.

    A text with blanks is most likely a command line (`python train.py`): such a path has to be a `Path`.
    """
    if not isinstance(command, str | os.PathLike):
        return [os.fspath(word) for word in command]
    path = os.fspath(command)
    if not path.endswith(".py") or (isinstance(command, str) and len(command.split()) > 1):
        raise InvalidRequest("command", f"must be a list of words, or the path of a Python program, not {path!r}")
    return [sys.executable, path]
