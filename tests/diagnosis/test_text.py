"""The report as people read it."""

from __future__ import annotations

import pytest

from runner.diagnosis.printable import clipped, quoted, seconds
from runner.diagnosis.report import diagnose
from runner.diagnosis.text import NARROWEST, render
from tests.diagnosis import journals
from tests.diagnosis.journals import CHILD, DEAF, GOOD, Facts, Journal, proc

SWALLOWED = """\
NOT GRACEFUL: wrapper-swallowed

  sh (PID 1) has no handler for SIGTERM, so the kernel dropped it. Its child
  python train.py (PID 2), which has one, never got it: SIGTERM goes to the main
  process only. sh (PID 1) was killed 10 s later, before its grace of 120 s was
  over.

What happened (seconds from SIGTERM; isolation pid1; grace 120 s):
    -5.000  start: sh -c 'python train.py; echo done'
    +0.000  SIGTERM to sh (PID 1): it has no handler
            2 lines were printed after it, the last 9.8 s later
   +10.010  SIGKILL, because the facts had decided: waiting longer would have
            shown nothing more
   +10.010  sh (PID 1) ended by SIGKILL

What to do:

    exec python train.py
    # what came after it in the script does not run any more: do it in the program
    # or, in the Dockerfile, without a shell:
    ENTRYPOINT ["python", "train.py"]
"""


def test_a_wrapper() -> None:
    log = Journal("x").log(-1.0, 5.0, 9.8)
    assert render(diagnose(journals.wrapper_swallowed(), log=log)) == SWALLOWED


def test_graceful_first_line_and_end() -> None:
    lines = render(diagnose(journals.graceful())).splitlines()
    assert lines[0] == "GRACEFUL"
    assert lines[-1].strip() == "+0.840  python (PID 1) ended with exit code 0"
    assert "What to do:" not in lines


def test_a_warning_does_not_hide_the_verdict() -> None:
    text = render(diagnose(journals.left_overs()))
    assert text.startswith("GRACEFUL, with left-overs\n")
    assert "Also: graceful (note)" in text
    assert "left over, killed: tensorboard (PID 2), sleep (PID 3)" in text


LONG = Journal("x" * 300, "y" * 300).stop(proc("n" * 90, "default", command=["x" * 300]), CHILD).killed().gone()


@pytest.mark.parametrize("width", [80, 60, 40, NARROWEST, 1])
@pytest.mark.parametrize(
    "facts",
    [journals.wrapper_swallowed(), journals.left_overs(), LONG, []],
    ids=["sh", "left-overs", "long", "nothing"],
)
def test_width(facts: Facts, width: int) -> None:
    report = diagnose(facts)
    cure = {line.strip() for finding in report.findings for line in finding.cure.splitlines()}
    for line in render(report, width=width).splitlines()[1:]:
        assert len(line) <= max(width, NARROWEST) or line.strip() in cure


def test_colour_only_when_asked_for() -> None:
    report = diagnose(journals.graceful())
    assert "\x1b" not in render(report)
    assert render(report, colour=True).startswith("\x1b[1;32mGRACEFUL\x1b[0m")


def test_control_characters_are_shown_not_obeyed() -> None:
    evil = "py\x1b[2Jthon\r\n\u202e"
    main = proc(evil, "default", command=[evil, "\x07"])
    text = render(diagnose(Journal(evil, "a\nVERDICT: graceful").stop(main).killed().gone()))
    assert "\\x1b[2J" in text
    assert "\\u202e" in text
    assert all(character == "\n" or character.isprintable() for character in text)
    assert not any(line.startswith("VERDICT") for line in text.splitlines())


def test_the_installed_handler_is_seen_in_the_time_line() -> None:
    report = diagnose(Journal("python", "train.py").stop(DEAF).look(2.0, "change", GOOD).killed().gone())
    assert "+2.000  SIGTERM is now caught in python (before: default)" in render(report)


def test_time_line_counts_from_the_signal_the_order_or_the_start() -> None:
    whole = diagnose(journals.graceful())
    assert whole.counted_from == "signal"
    assert [(entry["event"], entry["t"]) for entry in whole.timeline] == [
        ("launch", -5.01),
        ("started", -5.005),
        ("executed", -5.0),
        ("stop", -0.0005),
        ("signal", 0.0),
        ("ended", 0.84),
        ("gone", 0.841),
    ]
    ordered = diagnose(Journal("x").order().facts)
    assert (ordered.counted_from, ordered.timeline[-1]["t"]) == ("stop", 0.0)
    running = diagnose(Journal("x").facts)
    assert (running.counted_from, running.timeline[-1]["t"]) == ("launch", 0.01)


@pytest.mark.parametrize(
    ("amount", "shown"),
    [(0, "0 s"), (0.0004, "less than 1 ms"), (0.84, "0.84 s"), (10.01, "10 s"), (59.96, "60 s"), (120.0002, "120 s")],
)
def test_seconds(amount: float, shown: str) -> None:
    assert seconds(amount) == shown


def test_words_for_a_shell() -> None:
    assert quoted("a b") == "'a b'"
    assert quoted("a\x1b'b\udc80") == "$'a\\x1b\\'b\\x80'"
    assert clipped("abcdefgh", 6) == "abc..."
