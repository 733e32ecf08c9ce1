"""What `runner check` prints: JSON for programs, text for people, and never what a program wants a terminal to do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commanding import ESCAPE, WHEN_READY, check, run
from tests.probing import probe, script

NUMBER = (int, float)
MEMBERS: Mapping[str, Any] = {
    "schema": str,
    "verdict": str,
    "findings": list,
    "exit": dict,
    "escalated": bool,
    "seconds_to_exit": (*NUMBER, type(None)),
    "left_over": list,
    "isolation": str,
    "grace": (*NUMBER, type(None)),
    "timeline": list,
}
SH = ["sh", "-c"]
TITLE = {True: "\x1b[1;31mNOT GRACEFUL\x1b[0m: no-handler-pid1", False: "NOT GRACEFUL: no-handler-pid1"}


@pytest.mark.parametrize("name", ["polite", "no-handler", "leaves-child"])
def test_json(folder: Path, name: str) -> None:
    report = check(folder, "--grace", 0.3, *WHEN_READY, program=probe(name)).report
    assert_well_formed(report)
    assert (report["schema"], report["grace"]) == ("runner.report/1", 0.3)
    assert isinstance(report["seconds_to_exit"], float)
    signal = next(entry for entry in report["timeline"] if entry["event"] == "signal")
    assert signal["t"] == 0


def test_json_without_a_stop(folder: Path) -> None:
    report = check(folder, program=[*SH, "exit 1"]).report
    assert_well_formed(report)
    assert (report["exit"], report["seconds_to_exit"], report["grace"]) == ({"code": 1, "signal": None}, None, None)


def assert_well_formed(report: dict[str, Any]) -> None:
    """The members that the report always has, and what they are."""
    assert {member: report[member] for member, kind in MEMBERS.items() if not isinstance(report[member], kind)} == {}
    for finding in report["findings"]:
        assert {member: type(value) for member, value in finding.items()} == dict.fromkeys(
            ("code", "severity", "explanation", "cure"), str
        )
        assert finding["severity"] in {"error", "warning", "note"}
    assert set(report["exit"]) == {"code", "signal"}
    assert (report["exit"]["code"] is None) != (report["exit"]["signal"] is None)
    assert all(isinstance(entry["t"], NUMBER) and isinstance(entry["event"], str) for entry in report["timeline"])
    times = [entry["t"] for entry in report["timeline"]]
    assert times == sorted(times)
    assert all(isinstance(process["pid"], int) for process in report["left_over"])


@pytest.mark.parametrize("columns", [80, 40])
def test_text_without_a_terminal(folder: Path, columns: int) -> None:
    command = ["check", "--grace", 0.3, *WHEN_READY, "--", *script("wrapper.sh", *probe("polite"))]
    done = run(folder, *command, variables={"COLUMNS": str(columns)})
    assert done.code == 1
    assert ESCAPE not in done.out + done.err
    prose, _, cure = done.out.partition("What to do:")
    assert prose.startswith("NOT GRACEFUL: wrapper-swallowed\n")
    assert max(map(len, prose.splitlines())) <= columns
    assert "exec " in cure


@pytest.mark.parametrize(
    ("variables", "colours"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
    ids=["colours", "NO_COLOR", "dumb"],
)
def test_terminal(folder: Path, variables: dict[str, str], colours: bool) -> None:
    command = ["check", "--grace", 0, *WHEN_READY, "--", *probe("no-handler")]
    done = run(folder, *command, variables=variables, terminal=True)
    assert done.code == 1
    assert done.out.splitlines()[0] == TITLE[colours]
    assert (ESCAPE in done.out) == colours


HOSTILE = r"printf '\033[31mred\033]0;title\007\r\b\377\376\000 \303\251\n'; exit 1"


def test_what_a_program_prints_does_not_steer_the_terminal(folder: Path) -> None:
    done = run(folder, "check", "--", *SH, HOSTILE, terminal=True, variables={"NO_COLOR": "1"})
    assert done.code == 4
    assert not set(map(chr, (*range(9), *range(11, 13), *range(14, 32), 127))) & set(done.out)
    last = done.out.splitlines()[-1]
    assert last.startswith("  \\x1b[31mred\\x1b]0;title\\x07")
    assert last.endswith("é")


def test_output_that_cannot_be_encoded(folder: Path) -> None:
    done = run(folder, "check", "--", *SH, "echo h\u00e9; exit 1", variables={"PYTHONIOENCODING": "ascii"})
    assert done.code == 4, done.err
    assert done.out.endswith("  h\\xe9\n")


@pytest.mark.parametrize(
    ("arguments", "program", "first"),
    [
        (WHEN_READY, probe("binary"), "graceful"),
        (WHEN_READY, probe("pieces"), "graceful"),
        ((), probe("floods", 1 << 20), "ended-before-stop"),
    ],
    ids=["binary", "pieces", "1 MiB"],
)
def test_program_that_prints_a_lot_or_no_text(
    folder: Path, arguments: tuple[str, ...], program: list[str], first: str
) -> None:
    done = check(folder, *arguments, program=program)
    found = done.report["verdict"] if first == "graceful" else done.first
    assert (found, done.code) == (first, 0 if first == "graceful" else 4)
    assert "Traceback" not in done.err


def test_program_that_prints_a_lot_and_ends(folder: Path) -> None:
    done = run(folder, "check", "--", *probe("floods", 1 << 20))
    assert done.code == 4
    assert done.out.endswith(f"  {(1 << 20) // 64 - 1:063d}\n")
