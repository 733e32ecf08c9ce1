"""Checkpoint folders as they were before a series of runs: each run begins with that, and afterwards it is there again.

The copy lies outside the private data directory, which is removed whatever happens: if the command is killed, it stays,
and the message at its beginning has said where.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from runner.cli import terminal
from runner.errors import InvalidRequest, RunnerError


class Before:
    """A copy of folders, from entering to leaving. `back` makes them what they were."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = list(dict.fromkeys(folders))
        self._copies: Path | None = None

    def __enter__(self) -> Self:
        """Raises InvalidRequest for a folder that cannot be copied."""
        full = [folder for folder in self._folders if any(folder.iterdir())]
        if full:
            self._copies = Path(tempfile.mkdtemp(prefix="runner-before-"))
            terminal.say(f"what is in the checkpoint folders is kept in {self._copies} until the end")
        for folder in full:
            try:
                shutil.copytree(folder, self._copy(folder), symlinks=True)
            except (OSError, shutil.Error) as error:
                self._forget()
                raise InvalidRequest("--checkpoint", f"{folder} cannot be copied, for --repeat: {error}") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.back()
        self._forget()

    def back(self) -> None:
        """Make the folders what they were. Raises RunnerError; the copy is there still then."""
        for folder in self._folders:
            try:
                self._back(folder)
            except (OSError, shutil.Error) as error:
                where = "" if self._copies is None else f"; what was in it is in {self._copy(folder)}"
                raise RunnerError(f"{folder} cannot be made what it was: {error}{where}") from None

    def _back(self, folder: Path) -> None:
        _empty(folder)
        if self._copies is not None and self._copy(folder).is_dir():
            shutil.copytree(self._copy(folder), folder, symlinks=True, dirs_exist_ok=True)

    def _forget(self) -> None:
        if self._copies is not None:
            shutil.rmtree(self._copies)

    def _copy(self, folder: Path) -> Path:
        assert self._copies is not None
        return self._copies / str(self._folders.index(folder))


def _empty(folder: Path) -> None:
    """The folder itself stays, or is made again: it may be a mount, and has its own owner."""
    if folder.is_symlink() and not folder.exists():
        folder.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
