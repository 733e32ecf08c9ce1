"""Which run of a series is the worst, which do not count, and how that is shown."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from runner.diagnosis import series
from runner.diagnosis.moments import Where
from runner.diagnosis.report import Report, diagnose
from runner.diagnosis.series import HEAD_START, Run, Series
from tests.diagnosis.journals import DEAF, GOOD, Facts, Journal

AT = 5.0
"""Seconds from the start to the stop in these journals."""


def moved(facts: Facts, at: float) -> Report:
    """The report on a stop that came `at` seconds after the program was executed."""
    return diagnose([{**f, "t": f["t"] + round((AT - at) * 1e9)} if f["fact"] == "executed" else f for f in facts])


def graceful(at: float = 5.0) -> Report:
    return moved(Journal("python", "train.py").stop(GOOD).exit(0.8, 0).gone(), at)


def too_early(at: float) -> Report:
    return moved(Journal("python", "train.py").stop(DEAF).look(10.0, "asked", GOOD).killed().gone(), at)


def no_handler(at: float) -> Report:
    return moved(Journal("python", "train.py").stop(DEAF).look(10.0, "asked", DEAF).killed().gone(), at)


def ended() -> Report:
    return diagnose(Journal("python", "train.py").exit(-1.0, 0).gone())


def slow(at: float) -> Report:
    return moved(Journal("python", "train.py").stop(GOOD).killed().gone(), at)


def of(*reports: Report, where: Where = Where.RUN, printed: float | None = None) -> Series:
    return Series([Run(number, where, report, printed) for number, report in enumerate(reports, start=1)])


def counted(one: Series) -> list[int]:
    return [run.number for run in one.runs if one.counts(run)]


def test_the_reports_are_what_they_are_taken_for() -> None:
    codes = [report.findings[0].code for report in (graceful(), too_early(0.1), no_handler(0.1), ended(), slow(3.0))]
    assert codes[:4] == ["graceful", "too-early", "no-handler-pid1", "ended-before-stop"]
    assert [run.at for run in of(graceful(1.5), too_early(0.1), ended()).runs] == [1.5, 0.1, None]


@pytest.mark.parametrize(
    ("reports", "worst"),
    [
        ((graceful(), graceful()), 1),
        ((graceful(), slow(3.0), graceful()), 2),
        ((graceful(), ended(), slow(3.0)), 3),
        ((graceful(), ended()), 2),
        ((slow(3.0), slow(1.0)), 1),
    ],
)
def test_the_worst(reports: Sequence[Report], worst: int) -> None:
    assert of(*reports).worst.number == worst


def test_a_stop_before_any_handler_can_be_there_does_not_count() -> None:
    one = of(too_early(0.0), no_handler(HEAD_START - 0.1), graceful(3.0))
    assert counted(one) == [3]
    assert one.worst.number == 3


def test_a_handler_that_comes_late_counts() -> None:
    """Slow imports before the handler: that can be mended."""
    one = of(too_early(0.0), too_early(HEAD_START), graceful(3.0))
    assert counted(one) == [2, 3]
    assert one.worst.number == 2


def test_a_program_that_prints_before_it_has_a_handler_could_have_had_one() -> None:
    assert counted(of(too_early(0.3), graceful(3.0), printed=0.2)) == [1, 2]
    assert counted(of(too_early(0.1), graceful(3.0), printed=0.2)) == [2]


def test_a_program_that_never_has_a_handler_is_not_excused() -> None:
    assert counted(of(no_handler(0.0), no_handler(3.0))) == [1, 2]
    assert counted(of(no_handler(0.0))) == [1]


def test_another_fault_is_not_excused_by_an_early_stop() -> None:
    one = of(slow(0.1), graceful(3.0))
    assert counted(one) == [1, 2]
    assert one.worst.number == 1


def test_the_first_run_only_tells_how_long_the_program_is() -> None:
    runs = [Run(1, Where.TRIGGER, ended()), Run(2, Where.RUN, graceful(2.0))]
    assert counted(Series(runs)) == [2]
    assert counted(Series(runs[:1])) == [1]


def test_json() -> None:
    told = of(too_early(0.01), graceful(3.0)).to_json()
    json.dumps(told)
    assert told["worst"] == 2
    assert [(run["run"], run["at"], run["moment"], run["counts"], run["verdict"]) for run in told["runs"]] == [
        (1, 0.01, "run", False, "not-graceful"),
        (2, 3.0, "run", True, "graceful"),
    ]
    assert {"findings", "exit", "seconds_to_exit"} <= set(told["runs"][0])
    assert {**told["runs"][1], **graceful(3.0).to_json()} == told["runs"][1]


MIXED = Series(
    [
        Run(1, Where.TRIGGER, graceful(5.0)),
        Run(2, Where.START, too_early(0.01)),
        Run(3, Where.START_UP, graceful(0.4)),
        *(Run(number, Where.RUN, graceful(number - 3.0)) for number in range(4, 8)),
        Run(8, Where.RUN, ended()),
        Run(9, Where.SAVE, slow(2.2)),
    ]
)

TEXT = """\
9 runs: 6 graceful, 1 not graceful, 1 undecided, 1 not counted. The report above
is that of the worst: run 9, stopped 2.2 s after the start.

  at the start           #          1 too-early (not counted)
  in its start-up        #          1 graceful
  1 s to 2 s             #          1 graceful
  2 s to 3 s             #          1 graceful
  3 s to 4 s             #          1 graceful
  4 s to 5 s             ##         2 graceful
  around a save          #          1 {slow}

Not counted: stops 0.01 s after the start, before a handler can be there.
Nothing is lost then but the time of the grace; no program can do better, and it
does not decide the exit code.
"""


def test_the_histogram() -> None:
    assert series.render(MIXED) == TEXT.format(slow=MIXED.worst.code)


@pytest.mark.parametrize("width", [20, 24, 40, 55, 56, 80, 100])
def test_the_histogram_on_narrow_terminals(width: int) -> None:
    lines = series.render(MIXED, width=width).splitlines()
    assert max(map(len, lines)) <= max(width, 24)
    assert " ".join("".join(lines).split()).count("too-early") == 1


def test_a_line_for_each_run() -> None:
    assert series.line(MIXED.runs[0], 9) == "run 1 of 9: stopped 5 s after the start: graceful"
    assert series.line(MIXED.runs[1], 9).endswith(
        "stopped 0.01 s after the start (at the start): not graceful, too-early"
    )
    assert series.line(MIXED.runs[7], 9) == "run 8 of 9: was not stopped: undecided, ended-before-stop"
