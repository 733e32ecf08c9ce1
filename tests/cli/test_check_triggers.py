"""When the stop comes, and how long `runner check` waits for the end."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commanding import WHEN_READY, Command, check
from tests.probing import probe

LAX = 2.0
"""Seconds that a busy machine may add to a trigger."""


def ran(report: dict[str, Any]) -> float:
    """Seconds from the start of the program to SIGTERM."""
    (executed,) = (entry["t"] for entry in report["timeline"] if entry["event"] == "executed")
    return -float(executed)


def test_after(folder: Path) -> None:
    done = check(folder, "--after", 0.7, program=probe("polite"))
    assert (done.code, done.report["verdict"]) == (0, "graceful")
    assert 0.6 <= ran(done.report) <= 0.7 + LAX


def test_at_random(folder: Path) -> None:
    done = check(folder, "--at-random", 0.5, "--grace", 0.5, program=probe("waits"))
    assert done.code in (0, 1)  # the signal may have come before the program was ready for it
    assert ran(done.report) <= 0.5 + LAX


def test_when_log(folder: Path) -> None:
    epochs = "trap 'echo got it; exit 0' TERM; echo epoch 1; sleep 0.3; echo epoch 2; while :; do sleep 0.05; done"
    program = ["sh", "-c", epochs]
    done = check(folder, "--when-log", "epoch [2-9]", program=program)
    assert (done.code, done.report["verdict"]) == (0, "graceful")
    assert 0.3 <= ran(done.report) <= 0.3 + LAX
    assert done.report["output"]["lines_after"] == 1


@pytest.mark.parametrize("there", [False, True], ids=["appears", "changes"])
def test_when_file(folder: Path, there: bool) -> None:
    if there:
        (folder / "checkpoint").write_text("old")
    program = ["sh", "-c", "trap 'exit 0' TERM; sleep 0.3; echo new one > checkpoint; while :; do sleep 0.05; done"]
    done = check(folder, "--when-file", "checkpoint", program=program)
    assert (done.code, done.report["verdict"]) == (0, "graceful")
    assert 0.3 <= ran(done.report) <= 0.3 + LAX


def test_default_comes_after_the_first_line(folder: Path) -> None:
    with Command(folder, "check", "--json", "--", "sh", "-c", "sleep 0.2; echo ready; sleep 0.5") as command:
        command.wait_for("the stop comes 5 s after its first line of output, or 15 s after the start; grace 120 s")
        done = command.end(within=4.5)
    assert (done.code, done.first) == (4, "ended-before-stop")


def test_default_stops(folder: Path) -> None:
    done = check(folder, program=probe("polite"))
    assert (done.code, done.report["verdict"]) == (0, "graceful")
    assert 5 <= ran(done.report) <= 5 + LAX


@pytest.mark.parametrize("grace", [0, 0.5])
def test_grace(folder: Path, grace: float) -> None:
    done = check(folder, "--grace", grace, *WHEN_READY, program=probe("no-handler"))
    report = done.report
    assert (done.code, report["grace"], report["escalated"], report["cut_short"]) == (1, grace, True, False)
    assert grace <= report["seconds_to_exit"] <= grace + 0.5


@pytest.mark.slow
def test_cut_short_once_the_facts_decide(folder: Path) -> None:
    """Beside it, one that is told to wait: it takes about as long."""
    folders = [folder / "cut-short", folder / "full-grace"]
    options = [("--grace", 60), ("--grace", 11, "--full-grace")]
    with ExitStack() as commands:
        for where in folders:
            where.mkdir()
        started = [
            commands.enter_context(Command(where, "check", "--json", *option, *WHEN_READY, "--", *probe("no-handler")))
            for where, option in zip(folders, options, strict=True)
        ]
        cut, full = (command.end() for command in started)
    assert [(done.code, done.first) for done in (cut, full)] == [(1, "no-handler-pid1")] * 2
    assert [(done.report["escalated"], done.report["cut_short"]) for done in (cut, full)] == [
        (True, True),
        (True, False),
    ]
    assert cut.report["seconds_to_exit"] is None
    assert 11 <= full.report["seconds_to_exit"] <= 11.5
    kills = [entry for done in (cut, full) for entry in done.report["timeline"] if entry["event"] == "kill"]
    assert [kill["why"] for kill in kills] == ["facts-decide", "deadline"]
    assert 10 <= kills[0]["t"] <= 10 + LAX
