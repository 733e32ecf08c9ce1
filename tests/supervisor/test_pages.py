"""Pages of jobs: sorted and filtered as Describe shows them, each job once, whatever comes and goes in between."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.errors import InvalidRequest, NoSuchJob
from runner.jobs.base import Defaults, Kind
from runner.lifecycle.phases import Cause, Phase
from runner.lifecycle.transitions import State
from runner.records import documents, history, jobs, results
from runner.records.database import Database
from runner.records.documents import Document
from runner.records.history import Entry
from runner.records.jobs import NewJob, Record
from runner.supervisor.archive import Archive
from runner.supervisor.layout import Layout
from runner.supervisor.offline import Offline
from tests.jobs.requests import compilation, training, tuning
from tests.supervisor.stage import COMPILATION, TRAINING, TUNING, Stage, play

REQUESTS = {
    COMPILATION: lambda name: compilation(CompilationJobName=name),
    TRAINING: lambda name: training(TrainingJobName=name),
    TUNING: lambda name: tuning(HyperParameterTuningJobName=name),
}
MEMBERS = {COMPILATION: "CompilationJob", TRAINING: "TrainingJob", TUNING: "HyperParameterTuningJob"}
SECOND = 1_000_000_000


class Shelf:
    """Records in any state, made as nobody makes them, and the pages of them."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(folder / "records.sqlite")
        self.archive = Archive(self.database, Layout(folder), Defaults())

    def add(
        self,
        name: str,
        state: State | None = None,
        *,
        kind: Kind = TRAINING,
        created: int = 1,
        parent: str | None = None,
        **changes: Any,
    ) -> Record:
        new = NewJob(kind.value, name, 120.0, "pid1", created * SECOND, parent)
        with self.database.transaction():
            record = jobs.insert(self.database, new, State())
            documents.insert(self.database, record.id, Document(REQUESTS[kind](name), "/", {}))
            record = record.changed(record.created, state=state or State(), **changes)
            jobs.update(self.database, record)
            history.append(self.database, record.id, Entry(record.state, record.created))
        return record

    def delete(self, record: Record) -> None:
        with self.database.transaction():
            jobs.delete(self.database, record)

    def page(self, kind: Kind = TRAINING, **query: Any) -> tuple[list[str], Any]:
        answer = json.loads(json.dumps(self.archive.page(kind, query)))
        return [job[f"{MEMBERS[kind]}Name"] for job in answer["jobs"]], answer["next"]

    def names(self, kind: Kind = TRAINING, **query: Any) -> list[str]:
        """Of all pages."""
        names, after = self.page(kind, **query)
        while after is not None:
            more, after = self.page(kind, **query, after=after)
            assert more
            names += more
        return names

    def refusal(self, **query: Any) -> str:
        with pytest.raises(InvalidRequest) as refused:
            self.archive.page(TRAINING, query)
        return refused.value.field


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    made = Shelf(tmp_path)
    yield made
    made.database.close()


def test_by_default_ten_in_the_order_of_their_creation(shelf: Shelf) -> None:
    for number in range(12):
        shelf.add(f"job-{11 - number:02}", created=number // 3)
    names, after = shelf.page()
    assert names == [f"job-{number:02}" for number in range(11, 1, -1)]
    assert shelf.page(after=after) == (["job-01", "job-00"], None)


def test_a_page_that_is_just_full_is_the_last(shelf: Shelf) -> None:
    for name in "abc":
        shelf.add(name)
    assert shelf.page(limit=3) == (["a", "b", "c"], None)
    assert shelf.page(TUNING) == ([], None)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort", ["CreationTime", "Name", "Status"])
def test_pages_of_any_size_are_one_sorted_list(shelf: Shelf, sort: str, descending: bool) -> None:
    dice = random.Random(7)
    phases = [phase for phase in Phase if phase is not Phase.DELETED]
    records = [
        shelf.add(f"job-{number:03}", State(dice.choice(phases)), created=dice.randrange(9))
        for number in dice.sample(range(200), 60)
    ]
    status = {record.name: shelf.archive.summary(TRAINING, record.name)["status"] for record in records}
    keys = {
        "CreationTime": lambda record: (record.created, record.id),
        "Name": lambda record: record.name,
        "Status": lambda record: (status[record.name], record.created, record.id),
    }
    expected = [record.name for record in sorted(records, key=keys[sort], reverse=descending)]
    for limit in (1, 7, 59, 60, 100):
        assert shelf.names(sort=sort, descending=descending, limit=limit) == expected


@pytest.mark.parametrize("kind", Kind)
def test_a_status_has_exactly_the_jobs_that_describe_shows_with_it(shelf: Shelf, kind: Kind) -> None:
    for phase in Phase:
        for cause in (None, *Cause):
            if phase is not Phase.DELETED:
                shelf.add(f"{phase.value}-{cause and cause.value}"[:32].strip("-"), State(phase, cause), kind=kind)
    member = f"{MEMBERS[kind]}Status"
    shown: dict[str, set[str]] = {}
    for summary in shelf.archive.list(kind):
        try:
            described = shelf.archive.describe(kind, summary["name"])
        except NoSuchJob:
            continue
        shown.setdefault(described[member], set()).add(summary["name"])
    assert len(shown) == 6
    for status, names in shown.items():
        for sort in ("CreationTime", "Name", "Status"):
            assert set(shelf.names(kind, status=status, sort=sort, limit=4)) == names
        assert {job[member] for job in shelf.archive.page(kind, {"status": status, "limit": 100})["jobs"]} == {status}
    assert set(shelf.names(kind)) == set.union(*shown.values())


def test_a_compilation_that_is_being_deleted_is_gone(shelf: Shelf) -> None:
    shelf.add("gone", State(Phase.DELETING), kind=COMPILATION)
    assert [shelf.names(COMPILATION, sort=sort) for sort in ("Name", "Status")] == [[], []]


def test_a_status_of_the_api_that_is_never_shown_here(shelf: Shelf) -> None:
    shelf.add("a", kind=TUNING)
    assert shelf.names(TUNING, status="DeleteFailed") == []


@pytest.mark.parametrize("sort", ["CreationTime", "Name", "Status"])
def test_jobs_that_come_and_go_between_pages_shift_nothing(shelf: Shelf, sort: str) -> None:
    records = {name: shelf.add(name, State(Phase.STOPPED), created=10) for name in "bdfhjl"}
    first, after = shelf.page(sort=sort, limit=3)
    assert first == ["b", "d", "f"]
    shelf.delete(records["b"])
    shelf.delete(records["f"])  # the one behind which the next page begins
    shelf.delete(records["j"])
    shelf.add("a", State(Phase.COMPLETED), created=5)  # before them in every order
    assert shelf.page(sort=sort, limit=3, after=after) == (["h", "l"], None)


def test_filters(shelf: Shelf) -> None:
    for number, name in enumerate(["alpha-1", "alpha-2", "beta-1", "Alpha-3"]):
        record = shelf.add(name, created=number + 1)
        with shelf.database.transaction():
            jobs.update(shelf.database, record.changed(record.created + 10 * SECOND))
    assert shelf.names(name_contains="alpha") == ["alpha-1", "alpha-2"]
    assert shelf.names(name_contains="%") == []
    assert shelf.names(created_after=1, created_before=4) == ["alpha-2", "beta-1"]
    assert shelf.names(created_after=0.999, created_before=1.001) == ["alpha-1"]
    assert shelf.names(modified_after=13) == ["Alpha-3"]
    assert shelf.names(modified_before=11.5, name_contains="alpha") == ["alpha-1"]
    assert shelf.names(created_after=-1e300, created_before=1e300) == shelf.names()
    assert shelf.names(created_after=3.5, sort="Status", status="Completed") == []


def test_times_are_compared_as_describe_shows_them(shelf: Shelf) -> None:
    record = shelf.add("a", created=0)
    for created in (1_795_834_026_457_316_790, 1_795_834_026_457_316_210, 1_795_834_026_000_000_000):
        shelf.database.execute("UPDATE jobs SET created = ? WHERE id = ?", (created, record.id))
        shown = shelf.archive.describe(TRAINING, "a")["CreationTime"]
        assert shelf.names(created_after=shown) == shelf.names(created_before=shown) == []
        assert shelf.names(created_after=shown - 1e-3, created_before=shown + 1e-3) == ["a"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"status": "COMPLETED"}, "StatusEquals"),
        ({"status": 7}, "StatusEquals"),
        ({"sort": "Size"}, "SortBy"),
        ({"descending": "yes"}, "SortOrder"),
        ({"limit": 0}, "MaxResults"),
        ({"limit": 101}, "MaxResults"),
        ({"limit": True}, "MaxResults"),
        ({"created_after": "today"}, "CreationTimeAfter"),
        ({"created_before": float("nan")}, "CreationTimeBefore"),
        ({"modified_after": float("inf")}, "LastModifiedTimeAfter"),
        ({"modified_before": True}, "LastModifiedTimeBefore"),
        ({"name_contains": "\ud800"}, "NameContains"),
        ({"colour": "red"}, "query"),
    ],
)
def test_a_query_that_is_none(shelf: Shelf, query: dict[str, Any], field: str) -> None:
    assert shelf.refusal(**query) == field


@pytest.mark.parametrize(
    "after",
    [
        "x",
        7,
        {},
        [],
        ["CreationTime"],
        ["CreationTime", False, 1],
        ["CreationTime", False, "1", 1],
        ["CreationTime", False, 1, 2**63],
        ["CreationTime", False, -(2**70), 1],
        ["CreationTime", True, 1, 1],
        ["CreationTime", 0, 1, 1],
        ["Name", False, "a"],
        ["CreationTime", False, 1, 1, 1],
        ["CreationTime", False, None, 1],
    ],
)
def test_a_token_that_no_page_has_given(shelf: Shelf, after: Any) -> None:
    assert shelf.refusal(after=after) == "NextToken"


def test_tokens_of_the_other_sorts(shelf: Shelf) -> None:
    assert shelf.refusal(sort="Name", after=["Name", False, "\ud800"]) == "NextToken"
    assert shelf.refusal(sort="Name", after=["CreationTime", False, 1, 1]) == "NextToken"
    assert shelf.refusal(sort="Status", after=["Status", False, 1, 1, 1]) == "NextToken"
    shelf.add("a")
    assert shelf.page(sort="Status", after=["Status", False, "Nonsense", 1, 1]) == ([], None)


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ({}, "jobs_created"),
        ({"descending": True}, "jobs_created"),
        ({"created_after": 3.0}, "jobs_created"),
        ({"status": "Stopped"}, "jobs_ended"),
        ({"status": "Failed", "descending": True}, "jobs_ended"),
        ({"status": "InProgress"}, "jobs_unfinished"),
        ({"sort": "Name"}, "sqlite_autoindex_jobs_1"),
    ],
)
def test_a_page_reads_an_index_and_sorts_nothing(
    shelf: Shelf, query: dict[str, Any], index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, tuple[Any, ...]]] = []
    execute = shelf.database.execute

    def note(statement: str, values: tuple[Any, ...] = ()) -> Any:
        asked.append((statement, values))
        return execute(statement, values)

    monkeypatch.setattr(shelf.database, "execute", note)
    shelf.archive.page(TRAINING, query)
    ((statement, values),) = [one for one in asked if "FROM jobs" in one[0]]
    plan = " ".join(row[3] for row in execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall())
    assert f"USING INDEX {index}" in plan
    # Those of unfinished jobs are few.
    assert ("TEMP B-TREE" in plan) is (index == "jobs_unfinished")


def test_a_page_of_a_supervisor_that_runs_and_of_none(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        for number in range(3):
            await stage.train("quick", f"job-{number}")
        first = await stage.service.page(TRAINING, {"limit": 2, "status": "InProgress"})
        assert [job["TrainingJobName"] for job in first["jobs"]] == ["job-0", "job-1"]
        for number in range(3):
            await stage.service.wait(TRAINING, f"job-{number}")
        assert (await stage.service.page(TRAINING, {"status": "InProgress"}))["jobs"] == []
        second = await stage.service.page(TRAINING, {"limit": 2, "after": first["next"]})
        assert second["jobs"] == [await stage.service.describe(TRAINING, "job-2")]

    play(tmp_path, scenario)

    async def offline() -> None:
        records = Offline(tmp_path)
        await records.open()
        assert len((await records.page(TRAINING, {"status": "Completed"}))["jobs"]) == 3
        await records.close()

    asyncio.run(offline())


FOUND: list[dict[str, Any]] = [
    {"metrics": [{"name": "other", "value": 9.0, "time": 1.0}, {"name": "accuracy", "value": 0.5, "time": 1.0}]},
    {"metrics": [{"name": "other", "value": 9.0, "time": 1.0}], "definition": 0},
    {"metrics": [{"name": "other", "value": 9.0, "time": 1.0}], "definition": 1},
    {"metrics": [], "definition": 1},
    {"hyperparameters": {"rate": "0.5"}},
    {},
]
"""What is on record of a training, whose objective is `accuracy`, or `other` by the second definition."""
ENDS: list[tuple[State, str | None]] = [
    (State(Phase.COMPLETED), None),
    (State(Phase.FAILED), "AlgorithmError: x, exit code: 1"),
    (State(Phase.FAILED), "AlgorithmError: y, exit code: 2"),
    (State(Phase.FAILED), "InternalServerError: lost"),
    (State(Phase.STOPPED, Cause.REQUESTED), None),
    (State(Phase.DELETING), None),
    (State(Phase.DELETING), "AlgorithmError: z, exit code: 1"),
    (State(Phase.DELETING, Cause.REQUESTED), None),
    (State(Phase.RUNNING), None),
    (State(Phase.STOPPING, Cause.REQUESTED), None),
    (State(Phase.PENDING), None),
]


def add_search(shelf: Shelf, name: str, trainings: int, dice: random.Random) -> None:
    shelf.add(name, State(Phase.COMPLETED), kind=TUNING)
    for number in range(trainings):
        state, failure = dice.choice(ENDS)
        record = shelf.add(f"{name}-{number}", state, parent=name, failure=failure)
        results.put(shelf.database, record.id, dice.choice(FOUND))


def two_definitions(name: str) -> dict[str, Any]:
    request = tuning(HyperParameterTuningJobName=name)
    config, definition = request["HyperParameterTuningJobConfig"], request.pop("TrainingJobDefinition")
    del config["HyperParameterTuningJobObjective"]
    request["TrainingJobDefinitions"] = [
        definition | {"DefinitionName": metric, "TuningObjective": {"Type": "Maximize", "MetricName": metric}}
        for metric in ("accuracy", "other")
    ]
    return request


def test_the_trainings_of_a_listed_search_are_counted_as_describe_counts_them(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = random.Random(4)
    monkeypatch.setitem(REQUESTS, TUNING, two_definitions)
    for name, trainings in (("none", 0), ("few", 5), ("many", 300)):
        add_search(shelf, name, trainings, dice)
    listed = shelf.archive.page(TUNING, {})["jobs"]
    described = [shelf.archive.describe(TUNING, job["HyperParameterTuningJobName"]) for job in listed]
    for job in described:
        job.pop("BestTrainingJob", None)
    assert listed == described
    counted = listed[-1]
    assert all(counted["ObjectiveStatusCounters"].values())
    assert all(counted["TrainingJobStatusCounters"].values())
    assert sum(counted["TrainingJobStatusCounters"].values()) == 300


def test_a_list_of_searches_asks_no_more_of_the_database_for_larger_ones(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    execute = shelf.database.execute

    def noted(statement: str, values: tuple[Any, ...] = ()) -> Any:
        asked.append(statement)
        return execute(statement, values)

    monkeypatch.setattr(shelf.database, "execute", noted)
    statements = []
    for name, trainings in (("few", 1), ("many", 40)):
        add_search(shelf, name, trainings, random.Random(4))
        asked.clear()
        assert len(shelf.archive.page(TUNING, {"name_contains": name})["jobs"]) == 1
        statements.append(len(asked))
    assert statements[0] == statements[1]
