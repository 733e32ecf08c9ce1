"""Journals of real stops, three of each failure mode (`make modes`), judged again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runner.diagnosis.report import LogLine, Report, diagnose
from tests.modes.programs import MODES

FOLDER = Path(__file__).parent / "recorded"
RECORDED = sorted(FOLDER.glob("*.json"))
BY_ITS_STATUS = {"grace-shortened", "no-handler"}
"""Findings that look at how a process below the main one has ended: without that another one may come first."""
BY_ITS_FILES = {"save-cut-off", "save-too-slow", "checkpoint-corrupt", "periodic-checkpoint", "nothing-saved"}


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def judge(facts: list[dict[str, Any]], kept: dict[str, Any]) -> Report:
    return diagnose(facts, log=[LogLine(*line) for line in kept["log"]])


def test_every_mode_that_a_journal_shows_is_recorded() -> None:
    recorded = {int(path.name[:2]) for path in RECORDED}
    assert recorded == set(MODES) - {20}, "mode 20 is found by starting the program again"


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_the_findings_are_computed_again(path: Path) -> None:
    kept = read(path)
    report = judge(kept["facts"], kept)
    assert [finding.code for finding in report.findings] == kept["codes"]
    assert report.verdict == kept["verdict"]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_without_the_status_of_others(path: Path) -> None:
    """As before Linux 6.15, where only the time of their end is known."""
    kept = read(path)
    blind = [
        fact | {"code": None, "signal": None} if fact["fact"] == "process-ended" else fact for fact in kept["facts"]
    ]
    report = judge(blind, kept)
    if kept["codes"][0] not in BY_ITS_STATUS:
        assert report.findings[0].code == kept["codes"][0]
    assert report.verdict == kept["verdict"] or report.findings[0].code in ("nothing-saved", "left-overs", "graceful")


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_without_files(path: Path) -> None:
    """As of a keeper that could watch nothing: nothing is said of saving, and the rest is found all the same."""
    kept = read(path)
    blind = [fact for fact in kept["facts"] if fact["fact"] != "files"]
    found = [finding.code for finding in judge(blind, kept).findings]
    assert not BY_ITS_FILES & set(found)
    if kept["codes"][0] not in BY_ITS_FILES | BY_ITS_STATUS | {"wrapper-died", "handler-crashed"}:
        assert found[0] == next(code for code in kept["codes"] if code not in BY_ITS_FILES)


@pytest.mark.parametrize("name", ["03-bash-pid1", "17-bash-pid1"])
def test_a_script_in_a_loop_of_sleeps_is_the_program_itself(name: str) -> None:
    kept = read(FOLDER / f"{name}.json")
    (finding,) = (one for one in judge(kept["facts"], kept).findings if one.code == "no-handler-pid1")
    assert "trap 'save_what_is_needed; kill $!; exit 0' TERM" in finding.cure
    assert finding.cure.endswith("& wait $!")
    assert "exec" not in finding.cure
