"""The directory of a private supervisor. Loads little: its keeper can start while the supervisor's code is loaded."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from runner.backends import starting
from runner.backends.starting import Policy

if TYPE_CHECKING:
    from runner.backends.local import LocalBackend


class Private(NamedTuple):
    """A private directory, and its keeper, which ends with this process and removes the directory."""

    folder: Path
    keeper: starting.Starting

    def backend(self, data_dir: Path, policy: str) -> LocalBackend:
        """A `Maker`, of the backend that has this keeper. It has to be closed, also if it could not be opened."""
        from runner.backends.local import LocalBackend

        return LocalBackend(data_dir, Policy(policy), begun=self.keeper)


def folder() -> Path:
    """A new one, of this user alone."""
    return Path(tempfile.mkdtemp(prefix="runner-"))


def begin() -> Private:
    """A new one whose keeper is on its way. Raises KeeperFailed, UnsupportedPlatform."""
    starting.check_machine()
    made = folder()
    try:
        return Private(made, starting.begin(made, Policy.PRIVATE))
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
