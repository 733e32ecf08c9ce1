"""One SQLite database, opened and migrated, with one way to write to it: a transaction.

WAL mode. With synchronous NORMAL a commit survives the death of every process of ours, because its pages are in the
kernel's cache; a power loss may lose the last second and never corrupts (sqlite.org/pragma.html#pragma_synchronous).
With FULL each commit waits for the disk.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from enum import Enum, unique
from pathlib import Path
from typing import Any

from runner import clock
from runner.errors import DataDirectoryUnusable, RunnerError
from runner.records.schema import MIGRATIONS


@unique
class Durability(Enum):
    """What a commit survives."""

    NORMAL = "normal"
    """The death of any process. A power loss may take the last second."""
    FULL = "full"
    """A power loss too; each commit waits for the disk."""


_PATIENCE = 5.0
"""Seconds that another process may hold the database."""
_PAUSE = 0.01


class NotRecorded(RunnerError):
    """The database could not be written, perhaps because the disk is full. Nothing has changed; later it may work."""


class Contradiction(RunnerError):
    """A statement contradicts what is recorded. It has done nothing, and never will; the transaction can go on."""


class Database:
    """The connection of the one writer; used from one thread."""

    def __init__(self, path: Path, durability: Durability = Durability.NORMAL) -> None:
        """Open the database, making or migrating it. Raises DataDirectoryUnusable when that cannot be done."""
        self.path = path
        try:
            # SQLite gives its -wal and -shm files the mode of the database: environments hold secrets.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._connection = _connect(path, durability)
        except (OSError, sqlite3.Error) as error:
            raise DataDirectoryUnusable(f"{path} cannot be opened: {error}") from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written inside is committed as one, or, after an exception, not at all."""
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            # A COMMIT that failed (the disk is full) may have left the transaction open, or not.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def execute(self, statement: str, values: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        """Run one statement. Raises NotRecorded or Contradiction."""
        try:
            return self._connection.execute(statement, values)
        except sqlite3.OperationalError as error:
            raise NotRecorded(f"{self.path}: {error}") from error
        except sqlite3.IntegrityError as error:
            raise Contradiction(f"{self.path}: {error}") from error

    def checkpoint(self) -> None:
        """Move what is in the WAL into the database as far as nobody is in the way. Any thread may call this.

        Done when the supervisor is idle, on a connection of its own: left to itself SQLite does it inside a
        commit, which then takes ten times as long.
        """
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        """Close the connection; SQLite then folds the WAL into the database."""
        self._connection.close()


def _connect(path: Path, durability: Durability) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=_PATIENCE)
    try:
        _use_wal(connection)
        for setting in (
            f"synchronous = {durability.name}",
            "wal_autocheckpoint = 0",
            "foreign_keys = ON",
        ):
            connection.execute(f"PRAGMA {setting}")
        _migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _use_wal(connection: sqlite3.Connection) -> None:
    # SQLite does not wait, as it does elsewhere, where two connections turn a new database into one with a WAL.
    latest = clock.monotonic_ns() + round(_PATIENCE * 1e9)
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or clock.monotonic_ns() > latest:
                raise
            time.sleep(_PAUSE)


def _migrate(connection: sqlite3.Connection) -> None:
    while (version := _version(connection)) < len(MIGRATIONS):
        # executescript commits what is open before it begins, so the transaction is part of the script.
        script = f"BEGIN IMMEDIATE; {MIGRATIONS[version]}; PRAGMA user_version = {version + 1}; COMMIT;"
        try:
            connection.executescript(script)
        except sqlite3.OperationalError:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            # Whoever reads a new directory while its supervisor begins may have done the same meanwhile.
            if _version(connection) == version:
                raise
    if version > len(MIGRATIONS):
        raise sqlite3.DatabaseError(f"it was made by a newer version (schema {version}, known {len(MIGRATIONS)})")


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)
