"""The verbs that need no supervisor, answered from the records of a data directory in which none runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from runner.errors import NoSupervisor
from runner.jobs.base import Defaults, Kind, Request
from runner.records.database import Database
from runner.supervisor.archive import Archive
from runner.supervisor.layout import Layout
from runner.supervisor.lock import unusable
from runner.supervisor.verbs import Summaries


class Offline:
    """See `Verbs`. What would change something, or wait for something to happen, raises NoSupervisor."""

    def __init__(self, data_dir: Path, defaults: Defaults | None = None) -> None:
        self._layout = Layout(data_dir)
        self._defaults = defaults or Defaults()

    async def open(self) -> None:
        """Open the records. Raises NoSupervisor if there are none, DataDirectoryUnusable if they cannot be read."""
        try:
            self._layout.database.stat()
        except FileNotFoundError:
            raise NoSupervisor(f"{self._layout.root} is no data directory, and no supervisor runs there") from None
        except OSError as error:
            raise unusable(self._layout.root, error) from None
        self._database = Database(self._layout.database)
        self._archive = Archive(self._database, self._layout, self._defaults)

    async def close(self) -> None:
        """Close the records."""
        self._database.close()

    async def kinds(self, name: str) -> Sequence[str]:
        """See `Archive.kinds`."""
        return self._archive.kinds(name)

    async def summary(self, kind: Kind, name: str) -> dict[str, Any]:
        """See `Archive.summary`."""
        return self._archive.summary(kind, name)

    async def describe(self, kind: Kind, name: str) -> dict[str, Any]:
        """See `Archive.describe`."""
        return self._archive.describe(kind, name)

    async def list(self, kind: Kind | None = None) -> Summaries:
        """See `Archive.list`."""
        return self._archive.list(kind)

    async def page(self, kind: Kind, query: Mapping[str, Any]) -> dict[str, Any]:
        """See `Archive.page`."""
        return self._archive.page(kind, query)

    async def children(self, name: str) -> Summaries:
        """See `Archive.children`."""
        return self._archive.children(name)

    async def tags(self, kind: Kind, name: str) -> dict[str, str]:
        """See `Archive.tags`."""
        return self._archive.tags(kind, name)

    async def trainings(self, name: str, at_least: int = 0, timeout: float | None = None) -> Summaries:
        """See `Archive.trainings`: there is nobody who could launch more."""
        return self._archive.trainings(name)

    async def logs(self, kind: Kind, name: str, after: int = 0) -> dict[str, Any]:
        """See `Archive.logs`."""
        return self._archive.logs(kind, name, after)

    async def more_logs(self, kind: Kind, name: str, after: int = 0) -> dict[str, Any]:
        """As `logs`: nothing more will come."""
        return self._archive.logs(kind, name, after)

    async def report(self, kind: Kind, name: str) -> dict[str, Any]:
        """See `Archive.report`."""
        return self._archive.report(kind, name)

    async def progress(self, kind: Kind, name: str) -> dict[str, Any]:
        """See `Archive.progress`."""
        return self._archive.progress(kind, name)

    async def wait(self, kind: Kind, name: str, timeout: float | None = None) -> dict[str, Any]:
        """The summary of a job that has ended."""
        summary = self._archive.summary(kind, name)
        if not summary["terminal"]:
            self._refuse()
        return summary

    async def create(
        self,
        kind: Kind,
        request: Request,
        cwd: str | None = None,
        environment: Mapping[str, str] | None = None,
        checkpoints: Sequence[str] = (),
        region: str | None = None,
    ) -> str:
        """Needs a supervisor."""
        self._refuse()

    async def put(self, path: str, uri: str) -> None:
        """Needs a supervisor."""
        self._refuse()

    async def tag(self, kind: Kind, name: str, tags: Mapping[str, str]) -> None:
        """Needs a supervisor."""
        self._refuse()

    async def untag(self, kind: Kind, name: str, keys: Sequence[str]) -> None:
        """Needs a supervisor."""
        self._refuse()

    async def wait_for_log(self, kind: Kind, name: str, pattern: str, timeout: float | None = None) -> tuple[int, str]:
        """Needs a supervisor."""
        self._refuse()

    async def stop(self, kind: Kind, name: str, grace: float | None = None, now: bool = False) -> None:
        """Needs a supervisor."""
        self._refuse()

    async def kill(self, kind: Kind, name: str, why: str) -> None:
        """Needs a supervisor."""
        self._refuse()

    async def look(self, kind: Kind, name: str) -> None:
        """Needs a supervisor."""
        self._refuse()

    async def delete(self, kind: Kind, name: str) -> None:
        """Needs a supervisor."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise NoSupervisor(f"no supervisor runs in {self._layout.root}")
