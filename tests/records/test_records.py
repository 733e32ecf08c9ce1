"""Records: migrations, one row that changes, times that never run backwards, transactions that are whole."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from runner.errors import DataDirectoryUnusable
from runner.lifecycle.phases import Cause, Phase
from runner.lifecycle.transitions import State
from runner.records import documents, history, jobs, notes, results, tags
from runner.records.database import Contradiction, Database, Durability
from runner.records.documents import Document
from runner.records.history import Entry
from runner.records.jobs import NewJob, Record
from runner.records.schema import MIGRATIONS


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "records.sqlite")
    yield opened
    opened.close()


def insert(database: Database, name: str, kind: str = "training", parent: str | None = None) -> Record:
    with database.transaction():
        return jobs.insert(database, NewJob(kind, name, 120.0, "pid1", 1_000, parent), State())


def settings(path: Path, *names: str) -> list[object]:
    database = Database(path, Durability.FULL)
    try:
        return [database.execute(f"PRAGMA {name}").fetchone()[0] for name in names]
    finally:
        database.close()


def test_the_database_is_in_wal_mode_and_checkpoints_only_when_told(tmp_path: Path) -> None:
    found = settings(tmp_path / "a", "journal_mode", "synchronous", "wal_autocheckpoint", "foreign_keys")
    assert found == ["wal", 2, 0, 1]


def test_nobody_else_may_read_the_database(tmp_path: Path) -> None:
    Database(tmp_path / "a").close()
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


def test_migrations_are_applied_once(tmp_path: Path) -> None:
    for _ in range(2):
        assert settings(tmp_path / "a", "user_version") == [len(MIGRATIONS)]


def test_a_job_of_the_first_version_has_none_of_what_came_later(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a", isolation_level=None)) as connection:
        connection.executescript(f"{MIGRATIONS[0]}; PRAGMA user_version = 1")
        connection.execute(
            "INSERT INTO jobs (id, kind, name, phase, attempt, fact, created, modified, grace, isolation)"
            " VALUES (7, 'training', 'a', 'completed', 1, 3, 1, 1, 120, 'pid1')"
        )
        connection.execute("INSERT INTO environments (id, digest, text) VALUES (1, x'00', '{}')")
        connection.execute("INSERT INTO documents (job, request, cwd, environment) VALUES (7, '{}', '/', 1)")
    database = Database(tmp_path / "a")
    try:
        assert documents.get(database, 7) == Document({}, "/", {}, (), None)
        assert tags.read(database, 7) is None
    finally:
        database.close()


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a")) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(DataDirectoryUnusable, match="newer version"):
        Database(tmp_path / "a")


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("something else" * 100)
    with pytest.raises(DataDirectoryUnusable, match="not a database"):
        Database(tmp_path / "a")


def test_a_record_is_read_as_it_was_written(database: Database) -> None:
    record = insert(database, "a", parent="search")
    changed = record.changed(
        2_000,
        state=State(Phase.STOPPED, Cause.RUNTIME_EXCEEDED),
        attempt=2,
        fact=17,
        started=1_500,
        ended=2_000,
        executed=7,
        exit_code=3,
        exit_signal="SIGKILL",
        failure="why",
        grace=0.5,
        isolation="plain",
        killed="now",
    )
    with database.transaction():
        jobs.update(database, changed)
    assert jobs.find(database, "training", "a") == jobs.get(database, record.id) == changed


def test_times_never_run_backwards(database: Database) -> None:
    record = insert(database, "a").changed(5_000)
    assert record.changed(4_000).modified == 5_000


def test_a_name_is_taken_within_its_type(database: Database) -> None:
    insert(database, "a", "training")
    insert(database, "a", "compilation")
    with pytest.raises(Contradiction, match="UNIQUE"):
        insert(database, "a", "training")


def test_a_transaction_is_whole_or_not_at_all(database: Database) -> None:
    def fail() -> None:
        with database.transaction():
            jobs.insert(database, NewJob("training", "a", 1.0, "plain", 1), State())
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert jobs.find(database, "training", "a") is None
    insert(database, "a")


def test_what_was_committed_is_seen_by_another_process_at_once(database: Database) -> None:
    insert(database, "a")
    with closing(sqlite3.connect(database.path)) as other:
        assert other.execute("SELECT name FROM jobs").fetchall() == [("a",)]


def test_unfinished_jobs_are_those_that_have_not_ended(database: Database) -> None:
    records = {phase: insert(database, phase.value) for phase in Phase}
    with database.transaction():
        for phase, record in records.items():
            jobs.update(database, record.changed(1, state=State(phase)))
    ended = {Phase.COMPLETED, Phase.FAILED, Phase.STOPPED}
    assert {record.state.phase for record in jobs.unfinished(database)} == set(Phase) - ended


def test_jobs_are_listed_by_type_in_the_order_of_their_creation(database: Database) -> None:
    for name, kind in (("b", "training"), ("c", "tuning"), ("a", "training")):
        insert(database, name, kind)
    assert [record.name for record in jobs.every(database)] == ["b", "c", "a"]
    assert [record.name for record in jobs.every(database, "training")] == ["b", "a"]


def test_children_are_those_of_one_tuning_job(database: Database) -> None:
    insert(database, "other", parent="else")
    search = insert(database, "search", "tuning")
    insert(database, "first", parent="search")
    insert(database, "second", parent="search")
    assert [record.name for record in jobs.children(database, search)] == ["first", "second"]
    jobs.delete(database, search)
    again = insert(database, "search", "tuning")
    assert list(jobs.children(database, again)) == []


def test_a_deleted_job_leaves_nothing_behind(database: Database) -> None:
    record = insert(database, "a")
    with database.transaction():
        documents.insert(database, record.id, Document({}, "/", {"A": "1"}))
        history.append(database, record.id, Entry(State(), 1))
        results.put(database, record.id, {"artifacts": "s3://bucket/key"})
        tags.put(database, record.id, {"team": "vision"})
        jobs.delete(database, record)
        documents.forget_environments(database)
    tables = ("jobs", "documents", "transitions", "results", "environments", "tags")
    assert [database.execute(f"SELECT count(*) FROM {table}").fetchone() for table in tables] == [(0,)] * 6


def test_jobs_share_an_environment(database: Database) -> None:
    first, second = insert(database, "a"), insert(database, "b")
    document = Document({"Name": "ä"}, "/work", {"PATH": "/bin", "ODD": "\udcff"}, ("/ckpt\udcff",), "eu-west-1")
    with database.transaction():
        documents.insert(database, first.id, document)
        documents.insert(database, second.id, document)
    assert documents.get(database, second.id) == document
    assert database.execute("SELECT count(*) FROM environments").fetchone() == (1,)


def test_history_is_kept_in_order(database: Database) -> None:
    record = insert(database, "a")
    entries = [Entry(State(), 5), Entry(State(Phase.STOPPING, Cause.REQUESTED), 5), Entry(State(Phase.STOPPED), 6)]
    with database.transaction():
        for entry in entries:
            history.append(database, record.id, entry)
    assert history.read(database, record.id) == entries


def test_a_result_is_replaced(database: Database) -> None:
    record = insert(database, "a")
    for value in (1, [2]):
        with database.transaction():
            results.put(database, record.id, {"launched": value})
    assert results.read(database, record.id) == {"launched": [2]}


def test_tags_are_replaced_as_a_whole_and_keep_their_order(database: Database) -> None:
    record = insert(database, "a")
    assert tags.read(database, record.id) is None
    found: dict[str, str] = {}
    for found in ({"b": "1", "a": "ä"}, {"z": "", "b": "2"}, {}):
        with database.transaction():
            tags.put(database, record.id, found)
        assert list((tags.read(database, record.id) or {}).items()) == list(found.items())
    assert tags.read(database, record.id) == {}


def test_a_note_is_replaced(database: Database) -> None:
    assert notes.read(database, "policy") is None
    for value in ("named", "serve"):
        with database.transaction():
            notes.write(database, "policy", value)
    assert notes.read(database, "policy") == "serve"


def test_a_checkpoint_empties_the_wal(database: Database) -> None:
    insert(database, "a")
    database.checkpoint()
    (frames, moved) = database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1:]
    assert frames == moved > 0


@pytest.mark.parametrize("query", ["unfinished", "one job", "children"])
def test_a_stop_looks_only_at_the_rows_that_it_needs(database: Database, query: str) -> None:
    conditions = {
        "unfinished": "WHERE phase NOT IN ('completed', 'failed', 'stopped')",
        "one job": "WHERE kind = 'training' AND name = 'a'",
        "children": "WHERE parent = 'search' ORDER BY id",
    }
    plan = database.execute(f"EXPLAIN QUERY PLAN SELECT * FROM jobs {conditions[query]}").fetchall()
    assert all("USING INDEX" in row[3] for row in plan), plan


def test_a_new_database_that_is_opened_by_several_at_once(tmp_path: Path) -> None:
    """A directory may be read while its first supervisor begins."""
    for number in range(20):
        barrier = threading.Barrier(4)

        def opened(path: Path, barrier: threading.Barrier = barrier) -> None:
            barrier.wait(timeout=20)
            Database(path).close()

        with ThreadPoolExecutor(4) as threads:
            found = [threads.submit(opened, tmp_path / f"{number}.sqlite") for _ in range(4)]
            for one in found:
                one.result(timeout=20)
