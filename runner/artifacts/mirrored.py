"""A store of files whose objects are in an S3, too: the one that `runner serve --services s3` has in memory.

The files are what counts: they are there after the server's end. What a client has put into the S3 is brought into
files before a job gets it, and what a job leaves is put into the S3 after it is a file, so that a client of either
finds both.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from runner.artifacts.stores import Address, DirectoryStore, address

_logger = logging.getLogger(__name__)
_T = TypeVar("_T")

_PATIENCE = 10
"""Seconds for a connection and for each answer."""


class MirroredStore:
    """See `stores.ObjectStore`."""

    def __init__(self, store: DirectoryStore, url: str) -> None:
        """`url`: endpoint of the S3, which takes any credentials. It is asked when there is something to ask for."""
        self._store = store
        self._url = url
        self._said: set[tuple[str, str]] = set()

    def fetch(self, uri: str, folder: Path) -> None:
        """See ObjectStore. What lies in the S3 at that address replaces the files there."""
        self._pull(address(uri))
        self._store.fetch(uri, folder)

    def put(self, path: Path, uri: str) -> None:
        """See ObjectStore."""
        self._store.put(path, uri)
        self._push(uri)

    def take(self, path: Path, uri: str) -> None:
        """See ObjectStore."""
        self._store.take(path, uri)
        self._push(uri)

    def remove(self, uri: str) -> None:
        """See ObjectStore."""
        self._store.remove(uri)
        bucket, key = address(uri)
        self._try("remove {} from", uri, lambda: self._s3.delete_object(Bucket=bucket, Key=key))

    def _pull(self, source: Address) -> None:
        uri = f"s3://{source.bucket}/{source.key}"
        for key in self._try("list {} of", uri, lambda: list(self._keys(source))) or ():
            with tempfile.NamedTemporaryFile(prefix="runner-object-") as copy:
                self._s3.download_fileobj(source.bucket, key, copy)
                copy.flush()
                self._store.put(Path(copy.name), f"s3://{source.bucket}/{key}")

    def _keys(self, source: Address) -> Iterator[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=source.bucket, Prefix=source.key)
        for page in pages:
            # A key that ends with a slash is how S3 spells a folder without anything in it.
            yield from (found["Key"] for found in page.get("Contents", ()) if not found["Key"].endswith("/"))

    def _push(self, uri: str) -> None:
        bucket, key = address(uri)

        def push() -> None:
            # What is there already is answered 200 in us-east-1 only.
            with contextlib.suppress(self._s3.exceptions.BucketAlreadyOwnedByYou):
                self._s3.create_bucket(Bucket=bucket)
            with self._store.path(uri).open("rb") as file:
                self._s3.upload_fileobj(file, bucket, key)

        self._try("put {} into", uri, push)

    def _try(self, what: str, uri: str, act: Callable[[], _T]) -> _T | None:
        """The files are what counts: an S3 that cannot be reached, or refuses what files can be, fails no job.

        It is said: once of each kind, because what fails for one object does so for thousands.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return act()
        except (BotoCoreError, ClientError, UnicodeEncodeError) as error:
            kind = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
            is_new = (what, kind) not in self._said
            self._said.add((what, kind))
            _logger.log(
                logging.WARNING if is_new else logging.INFO,
                "could not %s the S3 at %s: %s; what else fails like this is not told",
                *(what.format(repr(uri)), self._url, error),
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
