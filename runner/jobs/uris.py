"""S3 URIs of requests: `s3://BUCKET/KEY`, and the addresses of the same object that begin with `https://`.

The service model's pattern, `(https|s3)://([^/]+)/?(.*)`, lets both in. Which hosts are S3's: "Virtual hosting of
general purpose buckets" of the S3 user guide, path-style requests and the older endpoints with a dash included.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from runner.errors import InvalidRequest
from runner.jobs.naming import shown

_S3 = re.compile(r"s3://(?P<bucket>[^/]+)(?:/(?P<key>.*))?", re.DOTALL)
_BUCKET = re.compile("[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]")
"""Today's buckets have lower-case letters without "_"; older ones, in us-east-1, may have both."""
_REGION = "[a-z]{2,4}(?:-[a-z]+)+-[0-9]+"
_HTTPS = re.compile(
    rf"https://(?:(?P<bucket>[^/?#]+)\.)?s3(?:[.-]{_REGION})?\.amazonaws\.com(?:\.cn)?(?:/(?P<path>[^?#]*))?", re.DOTALL
)
_FORMS = "s3://BUCKET/KEY or an address of S3 (https://BUCKET.s3.REGION.amazonaws.com/KEY)"


def check_uri(path: str, uri: str, *, key_required: bool = False) -> str:
    """What an S3 URI names, as `s3://BUCKET/KEY`; InvalidRequest for the member at `path` if it is none.

    No part of the key may be `.` or `..`: keys are also names of files.
    """
    found = _from_https(uri) if uri.startswith("https://") else uri
    match = _S3.fullmatch(found or "")
    if found is None or match is None or "\0" in found:
        raise InvalidRequest(path, f"must be {_FORMS}, not {shown(uri)}")
    if not _BUCKET.fullmatch(match["bucket"]):
        rule = "must name a bucket of 3 to 63 letters, digits, '.', '_' or '-' with a letter or digit at both ends"
        raise InvalidRequest(path, f"{rule}, not {shown(uri)}")
    key = match["key"] or ""
    if key_required and not key.strip("/"):
        raise InvalidRequest(path, f"must name an object (s3://BUCKET/KEY), not only a bucket: {shown(uri)}")
    if {".", ".."} & set(key.split("/")):
        raise InvalidRequest(path, f"must not have '.' or '..' as a part of its key: {shown(uri)}")
    return found


def _from_https(uri: str) -> str | None:
    """None for what is no address of S3, and for one that asks for more than an object (`?versionId=…`)."""
    match = _HTTPS.fullmatch(uri)
    if match is None:
        return None
    try:
        named = unquote(match["path"] or "", errors="strict")
    except UnicodeDecodeError:
        return None
    return f"s3://{match['bucket']}/{named}" if match["bucket"] else f"s3://{named}"
