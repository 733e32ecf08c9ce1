"""Where things are in a data directory."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

SOCKET_NAME = "supervisor.sock"


class Layout(NamedTuple):
    """The paths below one data directory."""

    root: Path

    @property
    def database(self) -> Path:
        return self.root / "records.sqlite"

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def objects(self) -> Path:
        """The default object store: `s3://BUCKET/KEY` is `BUCKET/KEY` below it."""
        return self.root / "objects"

    @property
    def unsent(self) -> Path:
        """What could not be uploaded."""
        return self.root / "unsent"

    def folder(self, key: str) -> Path:
        """The folder of the job with this key."""
        return self.root / "jobs" / key
