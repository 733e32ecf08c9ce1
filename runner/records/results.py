"""What was found out about a job besides its state: where its artifacts are, its metrics, a tuning job's counter."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from runner.records.database import Database


def put(database: Database, job: int, results: Mapping[str, Any]) -> None:
    """Write these results of the job with this row number; one of the same name is replaced."""
    for name, value in results.items():
        database.execute(
            "INSERT INTO results (job, name, value) VALUES (?, ?, ?)"
            " ON CONFLICT (job, name) DO UPDATE SET value = excluded.value",
            (job, name, json.dumps(value)),
        )


def read(database: Database, job: int) -> dict[str, Any]:
    """All results of the job with this row number."""
    rows = database.execute("SELECT name, value FROM results WHERE job = ?", (job,))
    return {name: json.loads(value) for name, value in rows}
