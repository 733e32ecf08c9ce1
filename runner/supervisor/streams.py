"""Log streams: the output of each attempt of each job, under the names that its job type gives them.

Functions here read files, as many as there are streams in question, so they are called in threads. No file stays open
between two calls: a place is all that a page needs to be continued.
"""

from __future__ import annotations

import heapq
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice, takewhile
from pathlib import Path
from typing import NamedTuple

from runner.backends import base
from runner.jobs.base import Kind
from runner.jobs.types import TYPES
from runner.lifecycle.facts import FactName
from runner.records.jobs import Ran
from runner.supervisor import journals
from runner.supervisor.events import Event, Part, Reader

LARGEST_PAGE = 1 << 20
"""Bytes of UTF-8 on a page, unless its only event has more."""
OVERHEAD = 26
"""Bytes that each event counts besides, as in PutLogEvents."""
MOST_SEARCHED = 4 << 20
"""Bytes of events that one search looks at before it answers with what it has found until then."""
_MOST_EVENTS = 10_000
_LARGEST_BATCH = 256
_NS = 1_000_000
"""Of a millisecond, which is what times of events are compared by."""


@dataclass(frozen=True)
class Stream:
    """The output of one attempt."""

    name: str
    job: int
    """Number of the job on record. It may be that of a job that was deleted before."""
    started: int
    """ns since 1970: its program was executed."""
    part: Part

    @property
    def id(self) -> str:
        """No stream that there ever was in this data directory has the same."""
        return f"{self.job}.{self.started}"


class Ends(NamedTuple):
    """A stream with the times of its first and its last event, ms since 1970."""

    stream: Stream
    first: int
    last: int


class Page(NamedTuple):
    """Events of one stream in the order of the log, and the places before and behind them."""

    events: Sequence[Event]
    before: int
    behind: int


class Position(NamedTuple):
    """Where a search is: at the event that begins at this place."""

    ms: int
    """Since 1970."""
    stream: str
    id: str
    """Of the stream: of its name there may be another one since."""
    begin: int


class Match(NamedTuple):
    """An event that was searched for."""

    stream: Stream
    event: Event


class Matches(NamedTuple):
    """Some of what was searched for; `next`: the last event that was looked at, if there are more behind it."""

    found: Sequence[Match]
    next: Position | None


@dataclass(frozen=True)
class Search:
    """What is searched for, in the order of time, then of the streams' names, then of the log."""

    wanted: Callable[[str], bool]
    since: int = 0
    """ns since 1970."""
    before: int | None = None
    after: Position | None = None
    """The last event that was looked at."""
    latest_first: bool = False
    count: int = _MOST_EVENTS


def milliseconds(wall: int) -> int:
    """ns as CloudWatch Logs tells times."""
    return wall // _NS


def owner(stream: str) -> str:
    """The name of the job that has the stream of this name: all that comes before the first slash."""
    return stream.partition("/")[0]


# --- which there are


def of_jobs(kind: Kind, jobs: Iterable[Ran], folder: Callable[[str], Path], beginning: str = "") -> list[Stream]:
    """The streams of these jobs whose names begin so, in the order of their names. `folder` tells that of a job."""
    found = [stream for job in jobs for stream in _of_job(kind, job, folder(job.name))]
    return sorted((one for one in found if one.name.startswith(beginning)), key=lambda one: one.name)


def _of_job(kind: Kind, job: Ran, folder: Path) -> Iterable[Stream]:
    # One attempt is the rule, and for that the journal need not be read.
    attempts = [(job.started, 0, None)] if job.attempt == 1 else list(_attempts(folder))
    found: dict[str, Stream] = {}
    for started, begin, end in attempts:
        named = TYPES[kind].log_stream(job.name, datetime.fromtimestamp(started / 1e9, UTC))
        if named is None:
            continue
        _, name = named
        # A type that has one name for all attempts has one stream; so have two attempts within one second.
        part = Part(folder, begin, end, job.ended or end is not None, started)
        if name in found:
            part = replace(part, begin=found[name].part.begin, since=found[name].started)
        found[name] = Stream(name, job.id, part.since, part)
    return found.values()


def _attempts(folder: Path) -> Iterator[tuple[int, int, int | None]]:
    """Of each attempt: when its program was executed (ns since 1970), and from where to where the log is its own."""
    size = 0
    started: int | None = None
    for fact in journals.read(base.journal(folder)).facts:
        if fact["fact"] == FactName.EXECUTED.value:
            started = fact["w"]
        elif fact["fact"] == FactName.GONE.value:
            if started is not None:
                yield started, size, fact["log"]
            started, size = None, fact["log"]
    if started is not None:
        yield started, size, None


@dataclass(frozen=True)
class Listing:
    """Which streams are wanted, and in which order: that of their names, or that of the times of their last events."""

    by_time: bool = False
    latest_first: bool = False
    """Or the last name first."""
    after: tuple[int, str] | None = None
    """Those behind the one with this last event (ms since 1970; 0 in the order of names) and this name."""
    count: int = 50


def listed(streams: Sequence[Stream], listing: Listing) -> list[Ends]:
    """Those of these streams, which are in the order of their names, that are wanted and have events.

    A stream is there from its first event on.
    """

    def place(stream: Stream, last: int) -> tuple[int, str]:
        return last if listing.by_time else 0, stream.name

    def is_next(stream: Stream, last: int) -> bool:
        here, after = place(stream, last), listing.after
        return after is None or (here < after if listing.latest_first else here > after)

    if not listing.by_time:
        following = [stream for stream in streams if is_next(stream, 0)]
        return list(islice(_with_ends(reversed(following) if listing.latest_first else following), listing.count))
    every = sorted(_with_ends(streams), key=lambda one: place(one.stream, one.last), reverse=listing.latest_first)
    return [one for one in every if is_next(one.stream, one.last)][: listing.count]


def named(streams: Iterable[Stream], name: str) -> Stream | None:
    """The one of this name, from its first event on."""
    return next((one.stream for one in _with_ends(stream for stream in streams if stream.name == name)), None)


def _with_ends(streams: Iterable[Stream]) -> Iterator[Ends]:
    for stream in streams:
        with Reader(stream.part) as reader:
            first = next(reader.forwards(reader.begin), None)
            last = next(reader.backwards(reader.end), None)
        if first is not None and last is not None:
            yield Ends(stream, milliseconds(first.wall), milliseconds(last.wall))


# --- one of them


@dataclass(frozen=True)
class Wish:
    """Which events of a stream are wanted: some from `since` on and before `before`, both ns since 1970."""

    since: int | None = None
    before: int | None = None
    place: int | None = None
    """Those behind it, or, not `forwards`, before it. None: the first ones, or the latest."""
    forwards: bool = True
    count: int = _MOST_EVENTS


def page(stream: Stream, wish: Wish) -> Page:
    """At most `count` events, and about 1 MB."""
    with Reader(stream.part) as reader:
        first = reader.begin if wish.since is None else reader.place_at(wish.since)
        last = reader.end if wish.before is None else max(first, reader.place_at(wish.before))
        if wish.forwards:
            begin = max(first, first if wish.place is None else wish.place)
            some = takewhile(lambda event: event.end <= last, reader.forwards(begin))
            events = list(_that_fit(some, wish.count))
            return Page(events, begin, events[-1].end if events else begin)
        end = min(last, last if wish.place is None else wish.place)
        some = takewhile(lambda event: event.begin >= first, reader.backwards(end))
        events = list(_that_fit(some, wish.count))[::-1]
        return Page(events, events[0].begin if events else end, end)


def _weight(event: Event) -> int:
    return len(event.text.encode()) + OVERHEAD


def _length(event: Event) -> int:
    return event.end - event.begin


def _that_fit(events: Iterable[Event], count: int, weight: Callable[[Event], int] = _weight) -> Iterator[Event]:
    room = LARGEST_PAGE
    for number, event in enumerate(islice(events, count)):
        room -= weight(event)
        if room < 0 and number:
            return
        yield event


# --- many of them


def search(streams: Sequence[Stream], what: Search) -> Matches:
    """Events of all these streams, which are in the order of their names."""
    found: list[Match] = []
    looked = what.after
    room, left = LARGEST_PAGE, MOST_SEARCHED
    for stream, event in _merged(streams, what):
        here = Position(milliseconds(event.wall), stream.name, stream.id, event.begin)
        if left <= 0:
            return Matches(found, looked)
        left -= _length(event) + OVERHEAD
        if what.wanted(event.text):
            room -= _weight(event)
            if len(found) == what.count or (room < 0 and found):
                return Matches(found, looked)
            found.append(Match(stream, event))
        looked = here
    return Matches(found, None)


class _Head(NamedTuple):
    """What comes next of one stream. The first two members say where it comes; both are negative, latest first."""

    ms: int
    number: int
    """Of the stream."""
    event: Event | None
    """None: the stream has not been looked into yet, and nothing in it comes before `ms`."""
    rest: Iterator[Event]


def _merged(streams: Sequence[Stream], what: Search) -> Iterator[tuple[Stream, Event]]:
    """All events in the order of the search. No more streams are looked into than the time in question needs."""
    sign = -1 if what.latest_first else 1
    heap = [
        _Head(_first_possible(stream, what), sign * number, None, _walk(stream, what))
        for number, stream in enumerate(streams)
    ]
    heapq.heapify(heap)
    while heap:
        head = heap[0]
        if head.event is not None:
            yield streams[abs(head.number)], head.event
        event = next(head.rest, None)
        if event is None:
            heapq.heappop(heap)
        else:
            heapq.heapreplace(heap, head._replace(ms=sign * milliseconds(event.wall), event=event))


def _first_possible(stream: Stream, what: Search) -> int:
    """`_Head.ms` of a stream that has not been looked into. When its last event was, only its log tells."""
    if what.latest_first:
        return -sys.maxsize
    return max(milliseconds(max(stream.started, what.since)), what.after.ms if what.after else 0)


def _walk(stream: Stream, what: Search) -> Iterator[Event]:
    """The events of one stream that the search has still to look at, as they are at its beginning.

    Read in batches, between which no file is open: there may be more streams than files that may be open.
    """
    with Reader(stream.part) as reader:
        first = reader.place_at(what.since)
        last = reader.end if what.before is None else max(first, reader.place_at(what.before))
        place = _resumed(reader, stream, what)
    if place is None:
        place = last if what.latest_first else first
    size = 1
    while True:
        with Reader(stream.part) as reader:
            if what.latest_first:
                some = takewhile(lambda event: event.begin >= first, reader.backwards(min(place, last)))
            else:
                some = takewhile(lambda event: event.end <= last, reader.forwards(max(place, first)))
            batch = list(_that_fit(some, size, _length))
        if not batch:
            return
        yield from batch
        place = batch[-1].begin if what.latest_first else batch[-1].end
        size = min(_LARGEST_BATCH, 4 * size)


def _resumed(reader: Reader, stream: Stream, what: Search) -> int | None:
    """The place from which this stream's events come after the one that was looked at last."""
    if what.after is None:
        return None
    if stream.id == what.after.id:
        if what.latest_first:
            return what.after.begin
        looked = next(reader.forwards(what.after.begin), None)
        return what.after.begin if looked is None else looked.end
    # Of events at the same time those of the streams before this one have been looked at, and no others.
    earlier = stream.name < what.after.stream
    return reader.place_at((what.after.ms + (earlier or 0)) * _NS)
