"""What one supervisor leaves to the next one of the same data directory."""

from __future__ import annotations

from runner.records.database import Database


def write(database: Database, name: str, value: str) -> None:
    """Leave a note; one of the same name is replaced."""
    database.execute(
        "INSERT INTO notes (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )


def read(database: Database, name: str) -> str | None:
    """The note of this name, if one was left."""
    row = database.execute("SELECT value FROM notes WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])
