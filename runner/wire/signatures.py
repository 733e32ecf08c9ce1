"""What the signature of a request says: for which service and in which region it was made."""

from __future__ import annotations

import re
from typing import NamedTuple

_SCOPE = re.compile(
    r"Credential=[^,\s]*?/[0-9]{8}/(?:(?P<region>[^/,\s]+)/)?(?P<service>[^/,\s]+)/aws4_request", re.ASCII
)
"""`KEY/DATE/REGION/SERVICE/aws4_request`; signatures of version 4A have no region."""


class CredentialScope(NamedTuple):
    """Of AWS's signatures, version 4; nothing of it is verified."""

    region: str | None
    service: str


def credential_scope(text: str) -> CredentialScope | None:
    """That in an Authorization header, or in a query without its percent signs; None if there is none."""
    found = _SCOPE.search(text)
    return CredentialScope(found["region"], found["service"].lower()) if found else None
