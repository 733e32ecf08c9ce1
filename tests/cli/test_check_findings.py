"""What `runner check` finds, by programs that behave in one known way each: exit code and main finding."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.cli.commanding import WHEN_READY, check
from tests.probing import probe, script

INIT = """
import os, signal, sys
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
signal.signal(signal.SIGTERM, lambda number, frame: os.kill(child, number))
status = os.waitpid(child, 0)[1]
os._exit(128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))
"""

Program = Callable[[Path], Sequence[str]]


def behind_init(folder: Path) -> Sequence[str]:
    """An init program, told by its name, that passes SIGTERM on to a program without a handler."""
    init = folder / "tini"
    init.symlink_to(os.path.realpath(sys.executable))
    return [str(init), "-I", "-S", "-c", INIT, *probe("no-handler")]


def wrapped(folder: Path) -> Sequence[str]:
    return script("wrapper.sh", *probe("polite"))


PROGRAMS: dict[str, tuple[Program, int]] = {
    "graceful": (lambda folder: probe("slow", 0.1, 3), 0),
    "no-handler-pid1": (lambda folder: probe("no-handler"), 1),
    "no-handler": (behind_init, 1),
    "wrapper-swallowed": (wrapped, 1),
    "ignored": (lambda folder: probe("deaf"), 1),
    "left-overs": (lambda folder: probe("leaves-child", 2), 0),
    "ended-before-stop": (lambda folder: ["sh", "-c", "echo done"], 4),
    "handler-did-not-stop": (lambda folder: probe("slow", 60), 1),
}
VERDICTS = {0: "graceful", 1: "not-graceful", 4: "undecided"}


@pytest.mark.parametrize("isolation", ["pid1", "plain"])
@pytest.mark.parametrize("finding", PROGRAMS)
def test_finding(folder: Path, finding: str, isolation: str) -> None:
    program, code = PROGRAMS[finding]
    done = check(folder, "--grace", 1, "--isolation", isolation, *WHEN_READY, program=program(folder))
    assert (done.first, done.code) == (finding, code), done.out
    report = done.report
    assert report["verdict"] == VERDICTS[code]
    assert report["isolation"] == isolation
    assert report["findings"][0]["explanation"]
    assert all(bool(found["cure"]) == (found["code"] != "graceful") for found in report["findings"])
    killed = finding in {"no-handler-pid1", "wrapper-swallowed", "ignored", "handler-did-not-stop"}
    assert (report["escalated"], report["exit"]["signal"]) == (killed, "SIGKILL" if killed else None)


def test_left_overs_come_before_graceful(folder: Path) -> None:
    report = check(folder, *WHEN_READY, program=probe("leaves-child", 2)).report
    assert [(found["code"], found["severity"]) for found in report["findings"]] == [
        ("left-overs", "warning"),
        ("nothing-saved", "warning"),
        ("graceful", "note"),
    ]
    assert len(report["left_over"]) == 2
