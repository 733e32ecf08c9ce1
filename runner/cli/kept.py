"""Where a check keeps what its program saves in `/opt/ml/checkpoints`, so that it can be started again with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.api import Runner

_BUCKET = "runner-checkpoints"


def uri(name: str) -> str:
    """As the request of a run of this name says it."""
    return f"s3://{_BUCKET}/{name}"


def folder(runner: Runner, name: str) -> Path:
    """The same in the private object store."""
    return runner.data_dir / "objects" / _BUCKET / name
