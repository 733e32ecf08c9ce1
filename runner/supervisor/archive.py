"""What can be answered from records and folders alone, whether or not a supervisor runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.backends import base
from runner.errors import NoSuchJob
from runner.jobs.base import Defaults, Kind, key
from runner.lifecycle.phases import Phase
from runner.records import jobs
from runner.records.database import Database
from runner.records.jobs import Record
from runner.supervisor import journals, listing, logs, progress, tagging, views
from runner.supervisor.layout import Layout
from runner.supervisor.verbs import Summaries

if TYPE_CHECKING:
    from runner.supervisor.streams import Stream

_REPORTED_LINES = 10_000


class Archive:
    """The verbs that only read. Everything is JSON; times in `facts` and of lines are ns, others seconds since 1970."""

    def __init__(self, database: Database, layout: Layout, defaults: Defaults) -> None:
        self._database = database
        self._layout = layout
        self._defaults = defaults

    def find(self, kind: Kind, name: str) -> Record:
        """The job's record. Raises NoSuchJob."""
        record = jobs.find(self._database, kind.value, name)
        # The model has no status for a compilation that is being deleted: it is gone from that moment on.
        if record is None or (kind is Kind.COMPILATION and record.state.phase is Phase.DELETING):
            raise NoSuchJob(f"there is no {kind.value} job with the name {name}")
        return record

    def describe(self, kind: Kind, name: str) -> dict[str, Any]:
        """The job as SageMaker's Describe shows it. Raises NoSuchJob."""
        return views.describe(self._database, self.find(kind, name), self._defaults)

    def kinds(self, name: str) -> Sequence[str]:
        """The types of which there is a job with this name."""
        return [kind.value for kind in Kind if jobs.find(self._database, kind.value, name) is not None]

    def summary(self, kind: Kind, name: str) -> dict[str, Any]:
        """See `views.summary`. Raises NoSuchJob."""
        return views.summary(self.find(kind, name))

    def list(self, kind: Kind | None = None) -> Summaries:
        """Summaries of all jobs, or of all of one type, in the order of their creation."""
        return [views.summary(record) for record in jobs.every(self._database, kind and kind.value)]

    def page(self, kind: Kind, query: Mapping[str, Any]) -> dict[str, Any]:
        """See `Service.page`. Raises InvalidRequest."""
        found = listing.page(self._database, kind, query)
        described = [views.listed(self._database, record, self._defaults) for record in found.records]
        return {"jobs": described, "next": found.next}

    def children(self, name: str) -> Summaries:
        """See `Service.children`. Raises NoSuchJob."""
        return views.children(self._database, self.find(Kind.TUNING, name), self._defaults)

    def tags(self, kind: Kind, name: str) -> dict[str, str]:
        """The job's tags, in the order in which they were added. Raises NoSuchJob."""
        return tagging.current(self._database, self.find(kind, name))

    def trainings(self, name: str) -> Summaries:
        """Summaries of the training jobs that a tuning job launched. Raises NoSuchJob."""
        search = self.find(Kind.TUNING, name)
        return [views.summary(record) for record in jobs.children(self._database, search)]

    def logs(self, kind: Kind, name: str, after: int = 0) -> dict[str, Any]:
        """Output behind the offset `after`: `{lines: [[wall ns, text], …], next: offset}`. Raises NoSuchJob.

        At most about 1 MB; there is no more for now when `next` is `after`.
        """
        record = self.find(kind, name)
        page = logs.read(self._folder(record), after, ended=record.state.phase.is_terminal)
        return {"lines": [tuple(line) for line in page.lines], "next": page.next}

    def report(self, kind: Kind, name: str) -> dict[str, Any]:
        """`{facts, log, job}`: what a judgement is made from. Raises NoSuchJob."""
        record = self.find(kind, name)
        folder = self._folder(record)
        return {
            "facts": [dict(fact) for fact in journals.read(base.journal(folder)).facts],
            "log": [tuple(line) for line in logs.tail(folder, _REPORTED_LINES)],
            "job": views.detail(self._database, record),
        }

    def progress(self, kind: Kind, name: str) -> dict[str, Any]:
        """How far the job is, for who waits for its end: small, to be asked for often. Raises NoSuchJob.

        `{job, mark, over, stop, living, last_line, trainings}`: see `supervisor.progress`.
        """
        record = self.find(kind, name)
        folder = self._folder(record)
        facts = [fact for fact in journals.read(base.journal(folder)).facts if fact.get("a") == record.attempt]
        phases = [child.state.phase for child in jobs.children(self._database, record)] if kind is Kind.TUNING else None
        return {
            "job": views.summary(record),
            "mark": progress.mark(facts),
            "over": progress.over(facts),
            "stop": progress.stop(facts),
            "living": progress.living(facts),
            "last_line": logs.last(folder),
            "trainings": None if phases is None else progress.trainings(phases),
        }

    def _folder(self, record: Record) -> Path:
        return self._layout.folder(key(Kind(record.kind), record.name))

    def first_run(self, kind: Kind) -> int | None:
        """When the first job of a type, of those that have run, was started: ns since 1970."""
        return jobs.first_run(self._database, kind.value)

    def streams(
        self, kind: Kind, beginning: str = "", since: int | None = None, before: int | None = None
    ) -> Callable[[], Sequence[Stream]]:
        """How to find the log streams whose names begin so and that may have events in that time (ns since 1970).

        The records are read now; what is returned reads files, so it may be called in a thread.
        """
        name, slash, _ = beginning.partition("/")
        found = [
            job for job in jobs.ran(self._database, kind.value, name, since, before) if not slash or job.name == name
        ]
        from runner.supervisor import streams

        return partial(streams.of_jobs, kind, found, lambda name: self._layout.folder(key(kind, name)), beginning)
