"""docs/report.schema.json says what reports are, all of it and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError

from runner.diagnosis.afterwards import Afterwards, Load
from runner.diagnosis.moments import Where
from runner.diagnosis.overview import to_json
from runner.diagnosis.report import SCHEMA, Report, diagnose
from runner.diagnosis.series import Run, Series
from tests.diagnosis import journals, reports
from tests.diagnosis.journals import GOOD, Journal

DOCUMENT: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent.parent / "docs" / "report.schema.json").read_text(encoding="utf-8")
)


def closed(schema: Any) -> Any:
    """The schema without room for members that it does not name: readers allow them, this project documents them."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inside = {name: closed(value) for name, value in schema.items()}
    return inside | {"additionalProperties": False} if isinstance(schema.get("properties"), dict) else inside


VALIDATOR = Draft202012Validator(closed(DOCUMENT))
JOURNALS = {
    "swallowed": journals.wrapper_swallowed(),
    "left-overs": journals.left_overs(),
    "failed-signal": Journal("x").order().signal("failed", "EPERM").exit(1, 0).gone(),
    "not-executed": Journal("x").note(-4, "not-executed", stage="exec", errno=2, reason="ENOENT", code=127).gone(),
    "changed": Journal("x").stop(journals.DEAF).look(2, "change", GOOD).killed().gone(),
    "lost": Journal("x").stop(GOOD).note(1, "lost", processes=[GOOD]).facts,
    "process-ended": Journal("x")
    .stop(GOOD)
    .note(1, "process-ended", pid=7, inner=2, name="y", code=0, signal=None)
    .facts,
}


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(DOCUMENT)
    assert DOCUMENT["title"] == SCHEMA
    assert DOCUMENT["properties"]["schema"] == {"const": SCHEMA}
    several = ["runs", "worst", "run", "moment", "at", "counts"]
    assert list(DOCUMENT["properties"]) == [*diagnose([]).to_json(), *several]


@pytest.mark.parametrize("make", reports.ALL.values(), ids=reports.ALL)
def test_reports(make: Callable[[], Report]) -> None:
    VALIDATOR.validate(json.loads(json.dumps(make().to_json())))


@pytest.mark.parametrize("facts", JOURNALS.values(), ids=JOURNALS)
def test_diagnoses(facts: journals.Facts) -> None:
    VALIDATOR.validate(diagnose(facts).to_json())


@settings(deadline=None)
@given(text=st.text(min_size=1, max_size=20))
def test_hostile_reports(text: str) -> None:
    VALIDATOR.validate(reports.hostile(text).to_json())


def test_several_runs() -> None:
    found = to_json([reports.one(), reports.five()])
    VALIDATOR.validate(found)
    assert found["verdict"] == "not-graceful"
    assert [run["verdict"] for run in found["runs"]] == ["graceful", "not-graceful"]
    assert to_json([reports.one()]) == reports.one().to_json()


def test_a_series() -> None:
    runs = [Run(1, Where.TRIGGER, reports.one()), Run(2, Where.START, reports.five())]
    VALIDATOR.validate({**reports.one().to_json(), **Series(runs).to_json()})


LOADED = Load("cat", "step", None, "SIGSEGV", last=("a", "b"))


@pytest.mark.parametrize("afterwards", [Afterwards(0), Afterwards(2, True, "x"), Afterwards(2, False, "x", LOADED)])
def test_what_came_afterwards(afterwards: Afterwards) -> None:
    VALIDATOR.validate(diagnose(journals.graceful(), afterwards=afterwards).to_json())


@pytest.mark.parametrize("change", [{"verdict": "fine"}, {"grace": "2"}, {"findings": []}, {"exit": {}}, {"new": 1}])
def test_what_is_none_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        VALIDATOR.validate(reports.five().to_json() | change)


def test_readers_accept_what_is_added_later() -> None:
    Draft202012Validator(DOCUMENT).validate(reports.five().to_json() | {"new": 1})
