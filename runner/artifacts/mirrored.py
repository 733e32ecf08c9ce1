"""A store of files whose objects are in an S3, too: the one that `runner serve --services s3` has in memory.

The files are what counts: they are there after the server's end. Before a job gets an input, what lies at that address
in the S3 and among the files is made the same, deletions included; what a job leaves is put into the S3 after it is a
file. So a client of either finds both.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from runner.artifacts.stores import Address, DirectoryStore, Version, address

_logger = logging.getLogger(__name__)
_T = TypeVar("_T")

_PATIENCE = 10
"""Seconds for a connection and for each answer."""


class _Same(NamedTuple):
    """An object and its file when they had the same content."""

    tag: str | None = None
    """The object's ETag; None: there was none."""
    version: Version | None = None
    """None: there was no file."""


class MirroredStore:
    """See `stores.ObjectStore`."""

    def __init__(self, store: DirectoryStore, url: str) -> None:
        """`url`: endpoint of the S3, which takes any credentials. It is asked when there is something to ask for."""
        self._store = store
        self._url = url
        self._same: dict[Address, _Same] = {}
        """As long-lived as what is in the S3: both are of one process."""
        self._said: set[tuple[str, str]] = set()
        self._comparing = threading.Lock()

    def fetch(self, uri: str, folder: Path) -> None:
        """See ObjectStore. What lies at that address in the S3 and among the files is made the same before.

        Raises OSError, too, if something of it cannot be got from the S3.
        """
        with self._comparing:
            self._compare(address(uri))
        self._store.fetch(uri, folder)

    def put(self, path: Path, uri: str) -> None:
        """See ObjectStore."""
        self._store.put(path, uri)
        with self._comparing:
            self._push(address(uri))

    def take(self, path: Path, uri: str) -> None:
        """See ObjectStore."""
        self._store.take(path, uri)
        with self._comparing:
            self._push(address(uri))

    def remove(self, uri: str) -> None:
        """See ObjectStore."""
        with self._comparing:
            self._store.remove(uri)
            self._push(address(uri))

    def _compare(self, prefix: Address) -> None:
        """Make all that begins with `prefix` the same in the S3 and among the files."""
        objects = self._try("list {} of", prefix, lambda: self._objects(prefix))
        if objects is None:
            return
        known = {one for one in self._same if one.bucket == prefix.bucket and one.key.startswith(prefix.key)}
        files = {self._store.path(one.uri) for one in (*objects, *known)}
        # A file may have another key than its path says: `a//b` is the file a/b.
        unknown = [one for one in self._store.below(prefix) if self._store.path(one.uri) not in files]
        # What is gone first: where the object `a` was may be the folder of `a/b` now.
        for one in sorted({*unknown, *known, *objects}, key=lambda one: (one in objects, one)):
            self._bring(one, objects.get(one))

    def _bring(self, one: Address, tag: str | None) -> None:
        """Make an object and its file the same. What has changed counts; of both, what has come into the S3."""
        was, version = self._same.get(one, _Same()), self._store.version(one.uri)
        if tag not in (None, was.tag):
            self._pull(one)
        elif version != was.version:
            self._push(one)
        elif tag != was.tag:
            self._store.remove(one.uri)
            self._same.pop(one)

    def _pull(self, one: Address) -> None:
        """Raises OSError: an input of which something lacks must not look like the whole."""
        from botocore.exceptions import BotoCoreError, ClientError

        with tempfile.NamedTemporaryFile(prefix="runner-object-") as copy:
            try:
                tag = self._download(one, copy)
            except (BotoCoreError, ClientError) as error:
                raise OSError(f"could not get {one.uri!r} from the S3 at {self._url}: {error}") from error
            self._store.put(Path(copy.name), one.uri)
            self._same[one] = _Same(tag, self._store.version(one.uri))

    def _push(self, one: Address) -> None:
        """Make the object as the file is, which may not be there."""
        version = self._store.version(one.uri)
        if version is None:
            self._try("remove {} from", one, lambda: self._delete(one))
            self._same.pop(one, None)
            return
        tag = self._try("put {} into", one, lambda: self._upload(one))
        if tag is not None:
            self._same[one] = _Same(tag, version)

    def _objects(self, prefix: Address) -> Mapping[Address, str]:
        """The ETags of what begins with it."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=prefix.bucket, Prefix=prefix.key)
        try:
            found = [one for page in pages for one in page.get("Contents", ())]
        except self._s3.exceptions.NoSuchBucket:
            return {}
        # A key that ends with a slash is how S3 spells a folder without anything in it.
        return {Address(prefix.bucket, one["Key"]): one["ETag"] for one in found if not one["Key"].endswith("/")}

    def _download(self, one: Address, copy: Any) -> str:
        answer = self._s3.get_object(Bucket=one.bucket, Key=one.key)
        with contextlib.closing(answer["Body"]) as body:
            shutil.copyfileobj(body, copy)
        copy.flush()
        return str(answer["ETag"])

    def _upload(self, one: Address) -> str:
        # What is there already is answered 200 in us-east-1 only.
        with contextlib.suppress(self._s3.exceptions.BucketAlreadyOwnedByYou):
            self._s3.create_bucket(Bucket=one.bucket)
        with self._store.path(one.uri).open("rb") as file:
            self._s3.upload_fileobj(file, one.bucket, one.key)
        return str(self._s3.head_object(Bucket=one.bucket, Key=one.key)["ETag"])

    def _delete(self, one: Address) -> None:
        with contextlib.suppress(self._s3.exceptions.NoSuchBucket):
            self._s3.delete_object(Bucket=one.bucket, Key=one.key)

    def _try(self, what: str, where: Address, act: Callable[[], _T]) -> _T | None:
        """What `act` returns; None if it fails, which is no failure of a job: the files are what counts.

        It is said: once of each kind, because what fails for one object does so for thousands.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return act()
        except (BotoCoreError, ClientError, OSError, UnicodeEncodeError) as error:
            kind = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
            is_new = (what, kind) not in self._said
            self._said.add((what, kind))
            _logger.log(
                logging.WARNING if is_new else logging.INFO,
                "could not %s the S3 at %s: %s; what else fails like this is not told",
                *(what.format(repr(where.uri)), self._url, error),
            )
            return None

    @cached_property
    def _s3(self) -> Any:
        import boto3
        from botocore.config import Config

        return boto3.session.Session().client(
            "s3",
            endpoint_url=self._url,
            region_name="us-east-1",
            aws_access_key_id="runner",
            aws_secret_access_key="runner",
            config=Config(
                connect_timeout=_PATIENCE,
                read_timeout=_PATIENCE,
                retries={"total_max_attempts": 2},
                s3={"addressing_style": "path"},
            ),
        )
