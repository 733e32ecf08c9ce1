"""Exit codes of `runner check`: wrong usage, what could not be run, what stays undecided."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.commanding import ESCAPE, Command, check, run, surroundings
from tests.probing import probe

POLITE = ["--", *probe("polite")]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--grace", "-1", *POLITE], "grace"),
        (["--grace", "nan", *POLITE], "grace"),
        (["--grace", "86401", *POLITE], "grace"),
        (["--grace", "soon", *POLITE], "--grace"),
        (["--after", "-1", *POLITE], "--after"),
        (["--after", "nan", *POLITE], "--after"),
        (["--after", "inf", *POLITE], "--after"),
        (["--at-random", "-1", *POLITE], "--at-random"),
        (["--at-random", "inf", *POLITE], "--at-random"),
        (["--give-up", "-1", *POLITE], "--give-up"),
        (["--give-up", "nan", *POLITE], "--give-up"),
        (["--when-log", "(", *POLITE], "--when-log"),
        (["--isolation", "cage", *POLITE], "isolation"),
        (["--after", "1", "--when-log", "x", *POLITE], "--after and --when-log"),
        (["--when-file", "x", "--at-random", "1", *POLITE], "--when-file and --at-random"),
        (["--when-log", "((x{1000}){1000}){1000}", *POLITE], "--when-log: must be a smaller regular expression"),
        (["--repeat", "0", *POLITE], "--repeat"),
        (["--repeat", "1001", *POLITE], "--repeat"),
        (["--repeat", "many", *POLITE], "--repeat"),
        (["--checkpoint", "nowhere", *POLITE], "--checkpoint: must be a folder that exists"),
        (["--checkpoint", "/dev/null", *POLITE], "--checkpoint: must be a folder: '/dev/null' is none"),
        (["--checkpoint", "a\x1b[31m", *POLITE], "--checkpoint"),
        (["--resumed", "x", *POLITE], "--resumed: goes with --resume"),
        (["--load", "true", *POLITE], "--load: goes with --resume"),
        (["--resume", "--load", " ", *POLITE], "--load: must be a command"),
        (["--resume", "--resumed", "[", *POLITE], "--resumed: must be a regular expression"),
        (["--no-such-option", *POLITE], "--no-such-option"),
        ([], "COMMAND"),
        (["--"], "COMMAND"),
        (["--", "sh", "not UTF-8: \udcff"], "ContainerEntrypoint[1]"),
    ],
    ids=lambda value: " ".join(value).split(" -- ")[0] or "nothing" if isinstance(value, list) else "",
)
def test_wrong_usage(folder: Path, arguments: list[str], named: str) -> None:
    done = run(folder, "check", *arguments)
    assert (done.code, done.out) == (2, ""), done.err
    assert named in done.err
    assert "Traceback" not in done.err
    assert ESCAPE not in done.err
    assert "the stop comes" not in done.err  # nothing was started


@pytest.mark.parametrize("isolation", ["pid1", "plain"])
def test_missing_command(folder: Path, isolation: str) -> None:
    done = check(folder, "--isolation", isolation, program=["no-such-program"])
    assert (done.code, done.first) == (3, "not-executed")
    assert "no-such-program" in done.report["findings"][0]["explanation"]


def test_command_that_may_not_be_executed(folder: Path) -> None:
    (folder / "program").write_text("#!/bin/sh\n")
    done = check(folder, program=["./program"])
    assert (done.code, done.first) == (3, "not-executed")
    assert "ermission" in done.report["findings"][0]["explanation"]


@pytest.mark.parametrize("code", [126, 127])
def test_a_program_that_itself_exits_so_was_run(folder: Path, code: int) -> None:
    done = check(folder, program=["sh", "-c", f"exit {code}"])
    assert (done.code, done.first, done.report["exit"]["code"]) == (4, "ended-before-stop", code)


def test_isolation_that_there_is_not(folder: Path) -> None:
    done = run(folder, "check", "--isolation", "docker", *POLITE)
    assert (done.code, done.out) == (3, "")
    assert "docker does not work on this machine" in done.err


def test_ended_before_the_stop_shows_the_last_lines(folder: Path) -> None:
    done = run(folder, "check", "--", "sh", "-c", "seq 1 50; echo broken >&2; exit 3")
    assert done.code == 4
    assert done.out.startswith("UNDECIDED: ended-before-stop\n")
    assert "exit code 3" in done.out
    assert done.out.endswith("".join(f"  {line}\n" for line in [*range(42, 51), "broken"]))


@pytest.mark.parametrize("trigger", [["--after", 60], ["--when-log", "never"], ["--when-file", "never"], []], ids=str)
def test_gives_up(folder: Path, trigger: list[object]) -> None:
    done = run(folder, "check", *trigger, "--give-up", 0.5, "--", *probe("silent"))
    assert done.code == 4
    assert "gave up" in done.err
    assert done.out.startswith("UNDECIDED: not-ended\n")


def test_trigger_after_give_up_is_not_waited_for(folder: Path) -> None:
    with Command(folder, "check", "--json", "--after", 1, "--give-up", 1, *POLITE) as command:
        done = command.end()
    assert (done.code, done.report["verdict"]) == (0, "graceful")


def test_a_folder_that_is_gone(folder: Path) -> None:
    (folder / "here").mkdir()
    away = "import os, sys; os.chdir('here'); os.rmdir('../here')"
    leaves = f"{away}; os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    command = [sys.executable, "-c", leaves, "-m", "runner", "check", "--", "true"]
    environment = {**os.environ, **surroundings(folder / "tmp")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (
        2,
        "runner: working directory: must be a folder that exists: it has been removed\n",
    )
