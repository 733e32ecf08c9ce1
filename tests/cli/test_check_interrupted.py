"""`runner check` is ended from outside: nothing of its job is left."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests import leftovers
from tests.cli.commanding import Command, private_directories, run
from tests.probing import probe
from tests.waiting import wait_until

PROGRAMS = {"deaf": probe("deaf"), "escapee": probe("escapee-unmarked"), "children": probe("leaves-child", 3)}


def start(folder: Path, isolation: str, program: list[str], *arguments: object) -> Command:
    """A check that runs, and whose program runs: it has written its ready line into a file too."""
    ready = folder / "ready"
    tee = ["sh", "-c", f'trap "" TERM; "$@" | while read line; do echo "$line"; echo "$line" >> "{ready}"; done', "sh"]
    command = Command(folder, "check", *arguments, "--isolation", isolation, "--", *tee, *program)
    # After an interrupt in the middle of an import, Python ends by SIGINT itself, however it was handled.
    command.wait_for("the stop comes")
    wait_until(
        lambda: ready.exists() and "ready" in ready.read_text(), within=20, saying=lambda: command.out + command.err
    )
    return command


@pytest.mark.parametrize("isolation", ["pid1", "plain"])
@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_ctrl_c(folder: Path, isolation: str, program: list[str]) -> None:
    before = leftovers.observe(folder)
    with start(folder, isolation, program) as command:
        done = command.send(signal.SIGINT).end(within=5)
        assert (done.code, done.out) == (130, "")
        assert done.err.endswith("runner: interrupted; the program was killed\n")
        assert "Traceback" not in done.err
    # At once: the command kills and waits, it does not leave that to others.
    leftovers.assert_nothing_left(before, within=0)
    assert private_directories(folder) == []


def test_ctrl_c_while_it_is_being_stopped(folder: Path) -> None:
    with start(folder, "pid1", probe("deaf"), "--after", 1) as command:
        stopping = next(iter(private_directories(folder)))
        wait_until(
            lambda: any('"signal"' in path.read_text() for path in stopping.rglob("journal.jsonl")),
            within=20,
            saying=lambda: command.err,
        )
        done = command.send(signal.SIGINT).end(within=5)
    assert (done.code, done.out) == (130, "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGHUP], ids=lambda number: number.name)
@pytest.mark.parametrize("isolation", ["pid1", "plain"])
def test_signal(folder: Path, isolation: str, number: signal.Signals) -> None:
    before = leftovers.observe(folder)
    with start(folder, isolation, probe("escapee-unmarked")) as command:
        assert command.send(number).end(within=5).code == -number
    leftovers.assert_nothing_left(before, within=2)
    wait_until(lambda: not private_directories(folder), within=2, saying=lambda: f"{private_directories(folder)}")


def test_no_import_is_under_way_once_the_program_runs(folder: Path) -> None:
    """An interrupt in the middle of one would end Python by SIGINT itself, however it was handled."""
    options = ("--isolation", "pid1", "--when-log", "ready", "--grace", 5)
    done = run(folder, "check", *options, "--", *probe("polite"), variables={"PYTHONPROFILEIMPORTTIME": "1"})
    before, announced, after = done.err.partition("the stop comes")
    assert done.code == 0
    assert "runner.diagnosis.story" in before
    assert announced
    assert "import time:" not in after
