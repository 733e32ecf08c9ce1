"""What a job was created from: its request, working directory, environment, folders and region. Written once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from runner.records.database import Database


class Document(NamedTuple):
    """One row of `documents`, with its environment."""

    request: Mapping[str, Any]
    cwd: str
    environment: Mapping[str, str]
    checkpoints: Sequence[str] = ()
    """Folders in which the program saves, as it has them, that whoever asked for the job has named."""
    region: str | None = None
    """Of the job's ARN. None: it was recorded before regions were."""


def insert(database: Database, job: int, document: Document) -> None:
    """Keep what the job with this row number was created from."""
    database.execute(
        "INSERT INTO documents (job, request, cwd, environment, checkpoints, region) VALUES (?, ?, ?, ?, ?, ?)",
        (
            job,
            json.dumps(document.request),
            document.cwd,
            _environment(database, document.environment),
            json.dumps(list(document.checkpoints)),
            document.region,
        ),
    )


def get(database: Database, job: int) -> Document:
    """What the job with this row number was created from. Raises LookupError for a number that is not recorded."""
    row = database.execute(
        "SELECT request, cwd, text, checkpoints, region"
        " FROM documents JOIN environments ON environments.id = environment WHERE job = ?",
        (job,),
    ).fetchone()
    if row is None:
        raise LookupError(f"job {job} has no document")
    return Document(json.loads(row[0]), row[1], json.loads(row[2]), tuple(json.loads(row[3])), row[4])


def forget_environments(database: Database) -> None:
    """Remove the environments that no job refers to any more."""
    database.execute("DELETE FROM environments WHERE id NOT IN (SELECT environment FROM documents)")


def _environment(database: Database, environment: Mapping[str, str]) -> int:
    # Bytes of the environment that are no UTF-8 are lone surrogates in Python, which SQLite refuses and JSON escapes.
    text = json.dumps(environment, sort_keys=True)
    digest = hashlib.sha256(text.encode()).digest()
    database.execute("INSERT OR IGNORE INTO environments (digest, text) VALUES (?, ?)", (digest, text))
    (number,) = database.execute("SELECT id FROM environments WHERE digest = ?", (digest,)).fetchone()
    return int(number)
