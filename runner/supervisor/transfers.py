"""Inputs and results on their way: everything of `artifacts` blocks, so it is done in threads."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from runner.artifacts.archives import Skipped
from runner.artifacts.checkpoints import keep, restore
from runner.artifacts.stores import ObjectStore
from runner.artifacts.uploads import Nothing, Places, Sent, Unsent, upload
from runner.jobs.base import Upload
from runner.supervisor import folders
from runner.supervisor.layout import Layout


class Transfers:
    """Between jobs' folders and the object store."""

    def __init__(self, layout: Layout, store: ObjectStore) -> None:
        self._layout = layout
        self._store = store

    async def fetch(self, uri: str, folder: Path) -> None:
        """Bring objects into a folder. Raises RunnerError or OSError."""
        await asyncio.to_thread(self._store.fetch, uri, folder)

    async def put(self, path: Path, uri: str) -> None:
        """Copy a file into the store, or all files of a folder below `uri`. Raises OSError or InvalidRequest."""
        await asyncio.to_thread(self._put, path, uri)

    def _put(self, path: Path, uri: str) -> None:
        if not path.is_dir():
            self._store.put(path, uri)
            return
        for parent, _, names in os.walk(path):
            for name in names:
                file = Path(parent, name)
                self._store.put(file, f"{uri.rstrip('/')}/{file.relative_to(path)}")

    async def send(self, job: str, what: Upload) -> Sent | Nothing | Unsent:
        """Keep what the job with this key left in a folder of its `/opt/ml`."""
        return await asyncio.to_thread(self._send, job, what)

    def _send(self, job: str, what: Upload) -> Sent | Nothing | Unsent:
        folder = self._layout.folder(job)
        left = folder / folders.ML / what.folder
        places = Places(scratch=folder / folders.SCRATCH, unsent=self._layout.unsent / job)
        if what.plain:
            if os.path.realpath(left) != os.path.join(os.path.realpath(folder), folders.ML, what.folder):
                return Nothing(what.uri, [Skipped(what.folder, "a link: what it leads to is not the job's own")])
            # Beside what `restore` has noted: that is of the checkpoints alone.
            apart = places if what.restored else places._replace(scratch=places.scratch / "plain")
            return keep(left, what.uri, self._store, apart)
        return upload(left, what.uri, self._store, places, always=what.always, ready=what.ready)

    async def restore(self, job: str, what: Upload) -> None:
        """Bring back what an earlier job left. Raises RunnerError or OSError."""
        folder = self._layout.folder(job)
        place, scratch = folder / folders.ML / what.folder, folder / folders.SCRATCH
        await asyncio.to_thread(restore, what.uri, place, self._store, scratch)
