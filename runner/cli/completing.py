"""What the shell is offered where a job's name is asked for: from the data directory, without starting anything."""

from __future__ import annotations

from pathlib import Path

from runner import settings
from runner.errors import RunnerError


def names(data_dir: Path | None, kind: str | None) -> list[str]:
    """The names of its jobs, the latest first; none where they cannot be read: nobody could read a message."""
    from runner.api import Runner

    try:
        with Runner.read(data_dir or settings.data_dir()) as reader:
            found = [str(job["name"]) for job in reader.list(kind)]
    except RunnerError:
        return []
    return list(dict.fromkeys(reversed(found)))
