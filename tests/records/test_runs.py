"""Which jobs have run: what log streams are looked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.lifecycle.phases import Phase
from runner.lifecycle.transitions import State
from runner.records import jobs
from runner.records.database import Database
from runner.records.jobs import NewJob


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "records.sqlite")
    yield opened
    opened.close()


def insert(
    database: Database, name: str, started: int | None, ended: int | None = None, phase: Phase = Phase.RUNNING
) -> None:
    with database.transaction():
        record = jobs.insert(database, NewJob("training", name, 120.0, "pid1", 1_000), State())
        jobs.update(database, record.changed(2_000, state=State(phase), started=started, ended=ended))


def names(database: Database, beginning: str = "", since: int | None = None, before: int | None = None) -> list[str]:
    return [job.name for job in jobs.ran(database, "training", beginning, since, before)]


def test_jobs_that_have_run_by_their_names_and_times(database: Database) -> None:
    insert(database, "waiting", None)
    insert(database, "a", 100, 200, Phase.COMPLETED)
    insert(database, "ab", 150)
    insert(database, "b", 300, 400, Phase.DELETING)
    insert(database, "A", 300, 400, Phase.STOPPED)
    assert names(database) == ["a", "ab", "A"]
    assert names(database, "a") == ["a", "ab"]
    assert names(database, "ab") == ["ab"]
    assert names(database, "a%") == []
    assert names(database, since=200) == ["a", "ab", "A"]
    assert names(database, since=201) == ["ab", "A"]
    assert names(database, before=300) == ["a", "ab"]
    assert names(database, since=-(10**30), before=10**30) == ["a", "ab", "A"]
    assert [job.ended for job in jobs.ran(database, "training")] == [True, False, True]
    assert jobs.ran(database, "compilation") == []
    assert jobs.first_run(database, "training") == 100
    assert jobs.first_run(database, "compilation") is None
