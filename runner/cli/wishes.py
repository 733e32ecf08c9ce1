"""What was asked of a check on the command line."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from runner.cli import terminal
from runner.cli.triggers import Trigger
from runner.errors import InvalidRequest

MOST_RUNS = 1_000


class Resume(NamedTuple):
    """Start the program again after the stop."""

    line: str | None = None
    """Expression for the line that it prints when it goes on; None: judged by the files that it opens."""
    load: str | None = None
    """Shell command that reads what was saved."""


class Output(NamedTuple):
    """Where the report goes."""

    as_json: bool = False
    html: Path | None = None
    junit: Path | None = None


class Wish(NamedTuple):
    """One check."""

    command: Sequence[str]
    grace: float
    trigger: Trigger
    give_up: float
    isolation: str | None
    full_grace: bool
    cwd: Path
    checkpoints: Sequence[Path] = ()
    repeat: int | None = None
    resume: Resume | None = None


def here() -> Path:
    """The folder in which the command was given. Raises InvalidRequest if it is gone."""
    try:
        return Path(os.getcwd())
    except FileNotFoundError:
        raise InvalidRequest("working directory", "must be a folder that exists: it has been removed") from None


def folders(given: Sequence[Path]) -> list[Path]:
    """The folders of `--checkpoint`. Raises InvalidRequest for one that is none."""
    for folder in given:
        shown = repr(str(folder))
        if not folder.exists():
            raise InvalidRequest("--checkpoint", f"must be a folder that exists: there is no {shown}")
        if not folder.is_dir():
            raise InvalidRequest("--checkpoint", f"must be a folder: {shown} is none")
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise InvalidRequest("--checkpoint", f"must be a folder that can be written: {shown} cannot")
    return [folder.absolute() for folder in given]


def repetitions(value: int | None) -> int | None:
    """`--repeat`. Raises InvalidRequest."""
    if value is not None and not 1 <= value <= MOST_RUNS:
        raise InvalidRequest("--repeat", f"must be a whole number from 1 to {MOST_RUNS:,}, not {value}")
    return value


def resume_of(resume: bool, resumed: str | None, load: str | None) -> Resume | None:
    """`--resume` and what goes with it. Raises InvalidRequest."""
    for option, value in (("--resumed", resumed), ("--load", load)):
        if value is not None and not resume:
            raise InvalidRequest(option, "goes with --resume: the program has to be started again for it")
    if load is not None and not load.strip():
        raise InvalidRequest("--load", "must be a command")
    if resumed is not None:
        terminal.pattern("--resumed", resumed)
    return Resume(resumed, load) if resume else None
