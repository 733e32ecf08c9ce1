"""The part of CloudWatch Logs that reads: DescribeLogGroups, DescribeLogStreams, GetLogEvents, FilterLogEvents.

What is shown is the output of the jobs: a group for each job type that runs programs, a stream for each attempt. A
group is there as soon as a job of its type has run, and a stream from its first event on. Rules are those of the API
reference; where it is silent, the measured behaviour of clients decides (docs/logs.md).

A request that is sent again may find more than before, and never anything else: an event keeps its message, its time
and its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from runner.errors import NoSuchJob
from runner.jobs.base import Kind
from runner.jobs.types import TYPES
from runner.supervisor.streams import Ends, Listing, Position, Search, Stream, Wish, milliseconds
from runner.wire import patterns
from runner.wire.calls import Call, Fault, Members, Operation

GROUPS: Mapping[str, Kind] = {
    found[0]: kind for kind, facts in TYPES.items() if (found := facts.log_stream("", datetime.fromtimestamp(0, UTC)))
}
INVALID = "InvalidParameterException"
"""Where other services answer ValidationException."""
_NS = 1_000_000
_MOST_DESCRIBED = 50
_MOST_EVENTS = 10_000
_FIRST_OF_LATEST_FIRST = 1_704_067_200_000
"""2024-01-01 in ms: FilterLogEvents with startFromHead false "is supported only when startTime is on or after" it."""
_ARN = re.compile(r"arn:aws[a-z-]*:logs:(?P<region>[^:]*):(?P<account>[^:]*):log-group:(?P<name>[^:]+)(?::\*)?")


# --- groups


async def describe_log_groups(call: Call, request: Members) -> Members:
    """By name, those with a prefix or a part of a name, or those that are named."""
    wanted = _wanted_groups(call, request)
    token = request.get("nextToken", "")
    if token and token not in GROUPS:
        raise _invalid_token()
    names = [name for name in sorted(GROUPS) if name > token and wanted(name)]
    started = [
        (name, found) for name in names if (found := call.service.log_streams.first_run(GROUPS[name])) is not None
    ]
    limit = request.get("limit", _MOST_DESCRIBED)
    shown = [_group(call, name, milliseconds(ns)) for name, ns in started[:limit]]
    if request.get("logGroupNamePattern"):
        # "then only arn, creationTime, and logGroupName are included in the response"
        shown = [{member: group[member] for member in ("arn", "creationTime", "logGroupName")} for group in shown]
    return {"logGroups": shown} | ({"nextToken": started[limit - 1][0]} if len(started) > limit else {})


def _wanted_groups(call: Call, request: Members) -> Callable[[str], bool]:
    prefix, part = request.get("logGroupNamePrefix"), request.get("logGroupNamePattern")
    named, group_class = request.get("logGroupIdentifiers"), request.get("logGroupClass")
    if prefix and part:
        raise _invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
    if named and (prefix or part or group_class):
        raise _invalid("logGroupIdentifiers cannot be combined with other filters.")
    if named:
        return {_name(call, one) for one in named}.__contains__
    if group_class not in (None, "STANDARD"):
        return lambda name: False
    return lambda name: name.startswith(prefix or "") and (part or "") in name


def _group(call: Call, name: str, created: int) -> Members:
    arn = f"arn:aws:logs:{call.region}:{call.account}:log-group:{name}"
    return {
        "logGroupName": name,
        "creationTime": created,
        "metricFilterCount": 0,
        "arn": f"{arn}:*",
        "storedBytes": 0,
        "logGroupClass": "STANDARD",
        "logGroupArn": arn,
    }


def _kind(call: Call, request: Members) -> Kind:
    """The job type of the group that the request names."""
    name, identifier = request.get("logGroupName"), request.get("logGroupIdentifier")
    if (name is None) == (identifier is None):
        raise _invalid("Exactly one of logGroupName and logGroupIdentifier must be given.")
    kind = GROUPS.get(str(name) if identifier is None else _name(call, identifier))
    if kind is None or call.service.log_streams.first_run(kind) is None:
        raise Fault("ResourceNotFoundException", "The specified log group does not exist.")
    return kind


def _name(call: Call, identifier: str) -> str:
    """The group's name in a name or an ARN; nothing in the ARN of another account or region."""
    if not identifier.startswith("arn:"):
        return identifier
    found = _ARN.fullmatch(identifier)
    if found is None:
        raise _invalid(f"Invalid log group identifier: {identifier}")
    return found["name"] if (found["region"], found["account"]) == (call.region, call.account) else ""


# --- streams


async def describe_log_streams(call: Call, request: Members) -> Members:
    """In the order of names or of last events. No token is given if these are all."""
    kind = _kind(call, request)
    prefix, by_time = request.get("logStreamNamePrefix", ""), request.get("orderBy") == "LastEventTime"
    if prefix and by_time:
        raise _invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
    limit = request.get("limit", _MOST_DESCRIBED)
    after = _stream_token(request, by_time)
    # One more than is shown tells whether there are more.
    listing = Listing(by_time, request.get("descending", False), after, limit + 1)
    found = await call.service.log_streams.listed(kind, prefix, listing)
    answer: Members = {"logStreams": [_stream(call, request, one) for one in found[:limit]]}
    if len(found) <= limit:
        return answer
    last = found[limit - 1]
    order = f"t/{last.last}" if by_time else "n"
    return {**answer, "nextToken": f"{order}/{last.stream.name}"}


def _stream_token(request: Members, by_time: bool) -> tuple[int, str] | None:
    token = request.get("nextToken")
    if token is None:
        return None
    found = re.fullmatch(r"t/(\d{1,19})/(.+)" if by_time else r"n()/(.+)", token)
    if found is None:
        raise _invalid_token()
    return int(found[1] or 0), found[2]


def _stream(call: Call, request: Members, one: Ends) -> Members:
    group = request.get("logGroupName") or _name(call, request["logGroupIdentifier"])
    name = one.stream.name
    return {
        "logStreamName": name,
        "creationTime": milliseconds(one.stream.started),
        "firstEventTimestamp": one.first,
        "lastEventTimestamp": one.last,
        "lastIngestionTime": one.last,
        "uploadSequenceToken": one.stream.id.replace(".", ""),
        "arn": f"arn:aws:logs:{call.region}:{call.account}:log-group:{group}:log-stream:{name}",
        "storedBytes": 0,  # "always reported as zero"
    }


# --- events of one stream


async def get_log_events(call: Call, request: Members) -> Members:
    """A page of a stream, with tokens for what comes before and behind it. They stay valid when more arrives.

    startTime is inclusive, endTime exclusive. Without a token the latest events, or with startFromHead the first; with
    a token its own direction counts.
    """
    kind = _kind(call, request)
    with _stream_is_there():
        stream = await call.service.log_streams.named(kind, request["logStreamName"])
    forwards, place = _event_token(request, stream)
    since, before = request.get("startTime"), request.get("endTime")
    wish = Wish(
        since=None if since is None else since * _NS,
        before=None if before is None else before * _NS,
        place=place,
        forwards=forwards,
        count=request.get("limit", _MOST_EVENTS),
    )
    page = await call.service.log_streams.page(stream, wish)
    return {
        "events": [_event(wall, text) for _, _, wall, text in page.events],
        "nextForwardToken": f"f/{stream.id}/{page.behind}",
        "nextBackwardToken": f"b/{stream.id}/{page.before}",
    }


def _event(wall: int, text: str) -> Members:
    ms = milliseconds(wall)
    return {"timestamp": ms, "message": text, "ingestionTime": ms}


def _event_token(request: Members, stream: Stream) -> tuple[bool, int | None]:
    """In which direction, and from which place. A token of another stream, or of one that was deleted, is refused."""
    token = request.get("nextToken")
    if token is None:
        return request.get("startFromHead", False), None
    found = re.fullmatch(rf"([fb])/{re.escape(stream.id)}/(\d{{1,18}})", token, re.ASCII)
    if found is None:
        raise _invalid_token()
    return found[1] == "f", int(found[2])


# --- events of many streams


async def filter_log_events(call: Call, request: Members) -> Members:
    """Events of a group in the order of time, those of several streams interleaved. Both times are inclusive.

    A page may be empty and have a token: then the search goes on behind what was looked at until then.
    """
    kind = _kind(call, request)
    names, prefix = request.get("logStreamNames"), request.get("logStreamNamePrefix")
    if names is not None and prefix is not None:
        raise _invalid("logStreamNames and logStreamNamePrefix are mutually exclusive parameters.")
    try:
        wanted = patterns.compiled(request.get("filterPattern", ""))
    except patterns.InvalidPattern as error:
        raise _invalid(str(error)) from None
    since, before = request.get("startTime", 0), request.get("endTime")
    after, latest_first = _search_token(request)
    if latest_first and request.get("startTime") is not None and since < _FIRST_OF_LATEST_FIRST:
        raise _invalid("startFromHead can be false only if startTime is on or after Jan 1, 2024 00:00:00 UTC.")
    what = Search(
        wanted=wanted,
        since=since * _NS,
        before=None if before is None else (before + 1) * _NS,
        after=after,
        latest_first=latest_first,
        count=request.get("limit", _MOST_EVENTS),
    )
    with _stream_is_there():
        matches = await call.service.log_streams.search(kind, names if names is not None else prefix or "", what)
    answer: Members = {
        "events": [
            {
                "logStreamName": stream.name,
                **_event(event.wall, event.text),
                "eventId": _event_id(stream, event.begin, event.wall),
            }
            for stream, event in matches.found
        ],
        "searchedLogStreams": [],  # "This parameter returns an empty list"
    }
    if matches.next is None:
        return answer
    ms, name, stream_id, begin = matches.next
    return {**answer, "nextToken": f"{'b' if latest_first else 'f'}/{ms}/{begin}/{stream_id}/{name}"}


def _search_token(request: Members) -> tuple[Position | None, bool]:
    """The event that was looked at last, and whether the latest come first: of a token its own direction counts."""
    token = request.get("nextToken")
    if token is None:
        return None, not request.get("startFromHead", True)
    found = re.fullmatch(r"([fb])/(\d{1,18})/(\d{1,18})/([\d.]+)/(.+)", token, re.ASCII)
    if found is None:
        raise _invalid_token()
    direction, ms, begin, stream_id, name = found.groups()
    return Position(int(ms), name, stream_id, int(begin)), direction == "b"


def _event_id(stream: Stream, begin: int, wall: int) -> str:
    """56 digits as AWS's have, and as with those in the order of time. The same event always has the same."""
    return f"{milliseconds(wall):013}{milliseconds(stream.started):013}{stream.job:012}{begin:018}"


# --- faults


@contextmanager
def _stream_is_there() -> Iterator[None]:
    """Raises Fault if what is done meanwhile misses a log stream."""
    try:
        yield
    except NoSuchJob:
        raise Fault("ResourceNotFoundException", "The specified log stream does not exist.") from None


def _invalid(message: str) -> Fault:
    return Fault(INVALID, message)


def _invalid_token() -> Fault:
    return _invalid("The specified nextToken is invalid.")


OPERATIONS: Mapping[str, Operation] = {
    "DescribeLogGroups": describe_log_groups,
    "DescribeLogStreams": describe_log_streams,
    "GetLogEvents": get_log_events,
    "FilterLogEvents": filter_log_events,
}
