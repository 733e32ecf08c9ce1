"""The jobs' output as log streams (CloudWatch Logs): what the endpoint asks. Times are ns since 1970.

Logs are looked at in threads, because they may be long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from runner.errors import NoSuchJob
from runner.jobs.base import Kind
from runner.supervisor import streams
from runner.supervisor.archive import Archive
from runner.supervisor.streams import Ends, Listing, Matches, Page, Search, Stream, Wish


class LogStreams:
    """A stream for each attempt that was executed, by the names that its job type gives it."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def first_run(self, kind: Kind) -> int | None:
        """See `Archive.first_run`."""
        return self._archive.first_run(kind)

    async def listed(self, kind: Kind, beginning: str, listing: Listing) -> Sequence[Ends]:
        """Log streams whose names begin so."""
        find = self._archive.streams(kind, beginning)
        return await asyncio.to_thread(lambda: streams.listed(find(), listing))

    async def named(self, kind: Kind, name: str) -> Stream:
        """The log stream of this name, which has events. Raises NoSuchJob."""
        find = self._archive.streams(kind, name)
        found = await asyncio.to_thread(lambda: streams.named(find(), name))
        if found is None:
            raise NoSuchJob(f"no {kind.value} job has a log stream {name}")
        return found

    async def page(self, stream: Stream, wish: Wish) -> Page:
        """Some events of a log stream."""
        return await asyncio.to_thread(streams.page, stream, wish)

    async def search(self, kind: Kind, where: str | Sequence[str], what: Search) -> Matches:
        """Events of the log streams whose names begin so, or that have one of these names.

        Raises NoSuchJob for a name that no log stream has.
        """
        if isinstance(where, str):
            find = self._archive.streams(kind, where, what.since, what.before)
        else:
            find = partial(tuple, [await self.named(kind, name) for name in sorted(set(where))])
        return await asyncio.to_thread(lambda: streams.search(find(), what))
