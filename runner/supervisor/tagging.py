"""The tags of a job: those of its request, until they are changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runner.errors import InvalidRequest
from runner.jobs import shared
from runner.jobs.base import Defaults, Kind
from runner.jobs.naming import shown
from runner.jobs.reading import Part, check_text
from runner.lifecycle.stops import Isolation
from runner.records import documents, tags
from runner.records.database import Database
from runner.records.jobs import Record

Tags = dict[str, str]


def current(database: Database, record: Record) -> Tags:
    """The job's tags, in the order in which they were added."""
    changed = tags.read(database, record.id)
    if changed is not None:
        return changed
    return {tag["Key"]: tag["Value"] for tag in documents.get(database, record.id).request.get("Tags") or ()}


def tagged(database: Database, record: Record, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """The job's request with the tags that it has now."""
    changed = tags.read(database, record.id)
    return request if changed is None else {**request, "Tags": shared.tag_list(changed)}


def checked(found: object) -> Tags:
    """Tags to add. Raises InvalidRequest for what is no map from text to text."""
    if not isinstance(found, Mapping):
        raise InvalidRequest("Tags", f"must be an object of texts, not {shown(found)}")
    return shared.tags_of(Part({"Tags": shared.tag_list(found)}))


def checked_keys(found: object) -> frozenset[str]:
    """Keys of tags to take away. Raises InvalidRequest for what is no list of texts."""
    if isinstance(found, str) or not isinstance(found, Sequence):
        raise InvalidRequest("TagKeys", f"must be a list of texts, not {shown(found)}")
    return frozenset(check_text(f"TagKeys[{number}]", key) for number, key in enumerate(found))


def isolation(found: Tags) -> Isolation | None:
    """Which isolation all tags of a job ask for. Raises InvalidRequest if they cannot be all tags of a job."""
    return shared.wishes(Part({"Tags": shared.tag_list(found)}), Kind.TUNING, Defaults()).isolation


def put(database: Database, record: Record, found: Tags) -> None:
    """These are all tags of the job from now on. Raises InvalidRequest if they cannot be."""
    isolation(found)
    tags.put(database, record.id, found)
