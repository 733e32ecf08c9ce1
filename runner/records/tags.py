"""Tags that were changed after a job's creation. Until then its request has them, and nothing is stored here."""

from __future__ import annotations

import json
from collections.abc import Mapping

from runner.records.database import Database


def put(database: Database, job: int, tags: Mapping[str, str]) -> None:
    """These are all tags of the job with this row number from now on, in this order."""
    database.execute(
        "INSERT INTO tags (job, tags) VALUES (?, ?) ON CONFLICT (job) DO UPDATE SET tags = excluded.tags",
        (job, json.dumps(dict(tags))),
    )


def read(database: Database, job: int) -> dict[str, str] | None:
    """The tags of the job with this row number; None if they were never changed."""
    row = database.execute("SELECT tags FROM tags WHERE job = ?", (job,)).fetchone()
    return None if row is None else {str(key): str(value) for key, value in json.loads(row[0]).items()}
