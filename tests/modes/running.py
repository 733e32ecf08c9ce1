"""A program of a mode, run and stopped."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from runner import Runner
from runner.diagnosis.report import LogLine
from runner.errors import JobEnded, WaitTimeout
from tests.cli.commanding import surroundings

AFTER_READY = 0.2
"""Seconds that a program has after it said that it is ready."""
PATIENCE = 30


class Stoppable(Protocol):
    """A program, and when it is to be stopped."""

    @property
    def command(self) -> Sequence[str]: ...
    @property
    def stop_at(self) -> str:
        """It is found in the line after which it can be stopped."""

    @property
    def grace(self) -> float: ...
    @property
    def folder(self) -> Path:
        """Where it runs."""

    def build(self, scratch: Path) -> dict[str, str]:
        """Make what it needs; the environment that finds it."""


class Seen(NamedTuple):
    """What came of it."""

    verdict: str
    codes: Sequence[str]
    story: str
    facts: Sequence[Any]
    log: Sequence[LogLine]


def stop(program: Stoppable, isolation: str, scratch: Path) -> Seen:
    """Run it, stop it, judge it."""
    with Runner() as runner:
        job = runner.train(
            program.command,
            grace=program.grace,
            isolation=isolation,
            environment=program.build(scratch / "bin"),
            cwd=program.folder,
        )
        job.wait_for_log(program.stop_at, timeout=PATIENCE)
        with contextlib.suppress(WaitTimeout, JobEnded):
            job.wait(timeout=AFTER_READY)
        report = job.stop()
        codes = [finding.code for finding in report.findings]
        printed = "\n".join(f"{line.wall} {line.text}" for line in job.logs()[-40:])
        story = json.dumps(report.to_json(), indent=1) + "\n" + "\n".join(map(str, job.facts())) + "\n" + printed
        return Seen(report.verdict.value, codes, story, job.facts(), job.logs())


def resume(program: Stoppable, isolation: str, scratch: Path) -> Seen:
    """Run it, stop it, and start it again: by `runner check --resume`."""
    environment = surroundings(scratch) | program.build(scratch / "bin")
    scratch.mkdir(exist_ok=True)
    options = ["--grace", str(program.grace), "--isolation", isolation, "--when-log", program.stop_at]
    done = subprocess.run(
        [sys.executable, "-m", "runner", "check", "--json", "--resume", *options, "--", *program.command],
        cwd=program.folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE * 2,
    )
    report = json.loads(done.stdout)
    return Seen(report["verdict"], [found["code"] for found in report["findings"]], done.stdout + done.stderr, (), ())
