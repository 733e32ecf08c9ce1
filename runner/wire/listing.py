"""What the List operations have in common: their query, and an opaque token for the next page."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import Any

from runner.jobs.base import Kind
from runner.wire.calls import Call, Fault, Members
from runner.wire.validation import violated

_FILTERS = {
    "StatusEquals": "status",
    "NameContains": "name_contains",
    "CreationTimeAfter": "created_after",
    "CreationTimeBefore": "created_before",
    "LastModifiedTimeAfter": "modified_after",
    "LastModifiedTimeBefore": "modified_before",
}
_PAGING = ("NextToken", "MaxResults")
DEFAULT_PAGE = 10
"""Jobs on a page where MaxResults is absent: the model says so of some operations, users see it of the others."""


async def page(call: Call, kind: Kind, request: Members, sort: str) -> Members:
    """`{"jobs": what Describe says of each, "NextToken": …}`; `sort`: where the request is silent."""
    query: dict[str, Any] = {ours: request[theirs] for theirs, ours in _FILTERS.items() if theirs in request}
    query["sort"] = request.get("SortBy", sort)
    query["descending"] = is_descending(request)
    query["limit"] = request.get("MaxResults", DEFAULT_PAGE)
    query["after"] = position(kind.value, request)
    found = await call.service.page(kind, query)
    following = None if found["next"] is None else token(kind.value, request, found["next"])
    return {"jobs": found["jobs"], "NextToken": following}


def is_descending(request: Members) -> bool:
    """`SortOrder`, Ascending where the request is silent: so the model has it of all lists of jobs."""
    return bool(request.get("SortOrder") == "Descending")


def token(of: str, request: Members, after: Any) -> str:
    """For the page that follows the position `after`, of the same list. `of`: what it lists, unlike all the others."""
    text = json.dumps([_digest(of, request), after], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode()


def position(of: str, request: Members) -> Any:
    """Where the token of a request says that its page begins; None without one. Raises Fault."""
    given = request.get("NextToken")
    if not given:
        return None
    try:
        digest, after = json.loads(base64.b64decode(given.encode("ascii"), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise not_ours() from None
    if digest != _digest(of, request):
        raise not_ours()
    return after


def not_ours() -> Fault:
    """The token is none of this list."""
    rule = "must be the NextToken of an answer to the same request"
    return violated([f"Value at 'nextToken' failed to satisfy constraint: Member {rule}"])


def _digest(of: str, request: Members) -> str:
    """Of what makes the list: of other jobs, or with another filter or order, a position means nothing."""
    asked = {name: value for name, value in request.items() if name not in _PAGING}
    return hashlib.sha256(json.dumps([of, asked], sort_keys=True).encode()).hexdigest()[:12]
