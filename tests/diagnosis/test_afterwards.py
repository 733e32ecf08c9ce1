"""What starting the program again shows: findings, text, JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runner.diagnosis import text
from runner.diagnosis.afterwards import Afterwards, Load, Reading, reading_of
from runner.diagnosis.report import Report, Verdict, diagnose
from tests.diagnosis.journals import DEAF, GOOD, Facts, Journal, names

WENT_ON = Afterwards(2, True, "it printed 'resumed at epoch 3'")
DID_NOT = Afterwards(1, False, "it opened none of the files that it had saved")
UNKNOWN = Afterwards(3, None, "it opened more files than could be followed")
NOTHING = Afterwards(0, why="it has saved nothing in a checkpoint folder", tried=False)


def load(code: int | None = 1, **more: Any) -> Load:
    return Load('python check.py "$1"', "/opt/ml/checkpoints/w", code, **more)


def stopped(afterwards: Afterwards | None) -> Report:
    return diagnose(Journal("python", "train.py").stop(GOOD).exit(0.8, 0).gone(), afterwards=afterwards)


@pytest.mark.parametrize("afterwards", [None, WENT_ON, NOTHING, Afterwards(1, True, "it read w", load(0))], ids=repr)
def test_nothing_is_wrong(afterwards: Afterwards | None) -> None:
    assert names(stopped(afterwards).findings) == ["graceful"]


def test_it_began_from_the_beginning() -> None:
    report = stopped(DID_NOT)
    assert (report.verdict, names(report.findings)) == (Verdict.NOT_GRACEFUL, ["did-not-resume"])
    assert "(1 file)" in report.findings[0].explanation
    assert "opened none of the files" in report.findings[0].explanation
    assert "SM_CHECKPOINT_DIR" in report.findings[0].cure


def test_what_was_saved_cannot_be_read() -> None:
    report = stopped(Afterwards(1, True, "it read w", load(1, last=("Traceback", "", "  EOFError: \x1b[31mran out"))))
    assert (report.verdict, names(report.findings)) == (Verdict.NOT_GRACEFUL, ["checkpoint-corrupt"])
    explanation = report.findings[0].explanation
    assert "exit code 1" in explanation
    assert explanation.endswith("Its output ends with: Traceback / EOFError: \\x1b[31mran out")
    assert "os.replace" in report.findings[0].cure


def test_both() -> None:
    report = stopped(Afterwards(1, False, "it failed", load(None, signal="SIGSEGV")))
    assert names(report.findings) == ["checkpoint-corrupt", "did-not-resume"]
    assert "signal SIGSEGV" in report.findings[0].explanation


@pytest.mark.parametrize(
    ("afterwards", "says"),
    [
        (UNKNOWN, "more files than could be followed"),
        (Afterwards(1, True, "it read w", load(127)), "could not be run"),
        (Afterwards(1, True, "it read w", load(None, seconds=60.0)), "had not ended after 60 s"),
    ],
)
def test_it_cannot_be_told(afterwards: Afterwards, says: str) -> None:
    report = stopped(afterwards)
    assert (report.verdict, names(report.findings)) == (Verdict.UNDECIDED, ["cannot-tell", "graceful"])
    assert says in report.findings[0].explanation
    assert report.findings[0].cure


def test_what_is_not_known_afterwards_does_not_excuse_the_stop() -> None:
    facts = Journal("python", "train.py").stop(DEAF).look(10.0, "asked", DEAF).killed().gone()
    for afterwards in (UNKNOWN, WENT_ON, NOTHING):
        report = diagnose(facts, afterwards=afterwards)
        assert (report.verdict, names(report.findings)) == (Verdict.NOT_GRACEFUL, ["no-handler-pid1"])
    assert names(diagnose(facts, afterwards=DID_NOT).findings) == ["no-handler-pid1", "did-not-resume"]


@pytest.mark.parametrize(
    ("afterwards", "says"),
    [
        (
            WENT_ON,
            "Started again with what it had saved (2 files), it went on from there: it printed 'resumed at epoch",
        ),
        (DID_NOT, "Started again with what it had saved (1 file), it did not go on from there: it opened none"),
        (UNKNOWN, "whether it went on is not known: it opened more files"),
        (NOTHING, "Not started again: it has saved nothing in a checkpoint folder."),
        (Afterwards(1, True, "it read w", load(0)), "it read w. /opt/ml/checkpoints/w was read with exit code 0."),
        (Afterwards(1, True, "it read w", load(None, seconds=60.0)), "Reading /opt/ml/checkpoints/w took too long."),
    ],
)
def test_the_text_says_what_was_seen(afterwards: Afterwards, says: str) -> None:
    shown = " ".join(text.render(stopped(afterwards)).split())
    assert says in shown


def test_json() -> None:
    assert stopped(None).to_json()["resume"] is None
    told = stopped(Afterwards(1, True, "it printed '\x1b'", load(0, last=("\x07",)))).to_json()["resume"]
    assert json.loads(json.dumps(told)) == {
        "saved": 1,
        "resumed": True,
        "why": "it printed '\\x1b'",
        "load": {
            "command": 'python check.py "$1"',
            "checkpoint": "/opt/ml/checkpoints/w",
            "code": 0,
            "signal": None,
            "timed_out": False,
            "last": ["\\x07"],
        },
    }


def second(read: Any, missed: bool = False, **more: Any) -> Facts:
    watched = [
        {"role": "model", "path": "/opt/ml/model", "asked": False},
        {"role": "checkpoints", "path": "/opt/ml/checkpoints", "asked": False},
        {"role": "checkpoints", "path": "/home/me/runs/", "asked": True},
    ]
    facts = [{**fact, "watched": watched} if fact["fact"] == "launch" else fact for fact in Journal("x").facts]
    empty = {"n": 9, "t": 0, "w": 0, "a": 1, "fact": "files", "moment": "stop", "read": []}
    return [*facts, empty, {**empty, "moment": "kill", "read": read, "missed": missed} | more]


SAVED = ["step-7/w", "latest.pt"]


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        (second(["/opt/ml/checkpoints/step-7/w"]), Reading(True, "it read /opt/ml/checkpoints/step-7/w")),
        (second(["/home/me/runs/latest.pt"], missed=True), Reading(True, "it read /home/me/runs/latest.pt")),
        (second(["/opt/ml/model/latest.pt", "/opt/ml/checkpoints/new"]), Reading(False, "it opened none")),
        (second([]), Reading(False, "it opened none of the files that it had saved")),
        (second([], missed=True), Reading(None, "it opened more files than could be followed")),
        (second("torn"), Reading(False, "it opened none")),
        (Journal("x").facts, Reading(None, "which files it opened is not on record")),
        ([], Reading(None, "which files it opened is not on record")),
    ],
)
def test_whether_it_has_read_what_was_saved(facts: Facts, found: Reading) -> None:
    resumed, why = reading_of(facts, SAVED)
    assert resumed is found.resumed
    assert why.startswith(found.why)


def test_many_files_are_counted() -> None:
    read = [f"/opt/ml/checkpoints/{number}" for number in range(9)]
    assert reading_of(second(read), [str(number) for number in range(9)]).why.endswith("/2 and 6 more")
