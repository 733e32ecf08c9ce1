"""Journals of a real keeper and real processes lead to the findings that the programs deserve."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from runner.diagnosis.report import diagnose
from tests.keeper.bench import PID1, PLAIN, Bench, Room

GRACE = 1.0
LOOP = "print('ready', flush=True)\nwhile True: time.sleep(0.05)"
HANDLER = f"import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n{LOOP}"
NONE = f"import time\n{LOOP}"
IGNORES = f"import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{LOOP}"
BLOCKS = f"import signal, time\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])\n{LOOP}"
WAITS = (
    "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])\n"
    "print('ready', flush=True)\nsignal.sigwait([signal.SIGTERM])"
)
LATE = (
    "import signal, sys, time\nprint('ready', flush=True)\ntime.sleep(0.4)\n"
    "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\ntime.sleep(60)"
)
FINISHES = "import time\nprint('ready', flush=True)\ntime.sleep(0.4)"
LEAVES = (
    "import signal, subprocess, os, time\nsubprocess.Popen(['sleep', '60'])\n"
    f"signal.signal(signal.SIGTERM, lambda *_: os._exit(0))\n{LOOP}"
)


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def below_sh(program: str) -> list[str]:
    return ["sh", "-c", shlex.join(python(program)) + "; true"]


EXPECTED: list[tuple[list[str], list[str]]] = [
    (python(HANDLER), ["graceful"]),
    (python(WAITS), ["graceful"]),
    (python(NONE), ["no-handler-pid1"]),
    (python(IGNORES), ["ignored"]),
    (python(BLOCKS), ["blocked"]),
    (python(LATE), ["too-early"]),
    (python(FINISHES), ["finished-anyway", "no-handler-pid1"]),
    (python(LEAVES), ["left-overs", "graceful"]),
    (below_sh(HANDLER), ["wrapper-swallowed"]),
    (below_sh(NONE), ["no-handler-pid1"]),
]


@pytest.mark.process
@pytest.mark.parametrize("room", [PID1, PLAIN], ids=["pid1", "plain"])
def test_findings_of_real_programs(nothing_left: Path, room: Room) -> None:
    bench = Bench(nothing_left / "data")
    try:
        found = []
        for argv, _ in EXPECTED:
            attempt = bench.launch(argv, room)
            attempt.stop(GRACE)
            found.append(attempt)
        for attempt, (argv, expected) in zip(found, EXPECTED, strict=True):
            attempt.wait_gone()
            report = diagnose(attempt.facts())
            assert [finding.code for finding in report.findings] == expected, (argv, attempt.story())
    finally:
        bench.close()
