"""The options of the plugin, and pytest runs that do not want it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugin.running import ROOT, run, surroundings

SHOWS = """
def test_one(launch_job):
    report = launch_job(probe("polite"), ready="^ready").stop()
    print("one:", report.grace, report.isolation)

def test_says_it_itself(launch_job):
    report = launch_job(probe("polite"), ready="^ready", grace=7, isolation="plain").stop()
    print("itself:", report.grace, report.isolation)
"""
EMPTY = "def test_one():\n    assert 'runner.api' not in sys.modules, 'loaded without need'\n"
USAGE = 4


@pytest.mark.parametrize(
    ("settings", "options", "told"),
    [
        ("", ["--runner-grace=3", "--runner-isolation=plain"], "one: 3.0 plain"),
        ("runner_grace = 2.5\nrunner_isolation = plain", [], "one: 2.5 plain"),
        (
            "runner_grace = 2.5\nrunner_isolation = pid1",
            ["--runner-grace=3", "--runner-isolation=plain"],
            "one: 3.0 pl",
        ),
        ("", [], "one: 120.0 "),
        ("", ["-n1", "--runner-grace=3", "--runner-isolation=plain"], "one: 3.0 plain"),
    ],
    ids=["options", "settings", "both", "neither", "worker"],
)
def test_what_a_test_does_not_say(folder: Path, settings: str, options: list[str], told: str) -> None:
    ran = run(folder, SHOWS, "-rP", *options, settings=settings)
    assert ran.outcome() == "2 passed", ran.out
    assert told in ran.out
    assert "itself: 7.0 plain" in ran.out


@pytest.mark.parametrize(
    ("option", "value", "rule"),
    [
        ("grace", "soon", "must be a number of seconds, not 'soon'"),
        ("grace", "nan", "must be from 0 to 86,400 seconds, not nan"),
        ("grace", "-1", "must be from 0 to 86,400 seconds, not -1.0"),
        ("isolation", "vm", "must be one of pid1, plain, docker, not 'vm'"),
    ],
)
@pytest.mark.parametrize("workers", [[], ["-n1"]], ids=["alone", "xdist"])
def test_a_wrong_option_is_wrong_usage(folder: Path, option: str, value: str, rule: str, workers: list[str]) -> None:
    ran = run(folder, EMPTY, f"--runner-{option}={value}", *workers)
    assert ran.code == USAGE
    assert f"ERROR: --runner-{option}: {rule}" in ran.lines
    ran = run(folder, EMPTY, *workers, settings=f"runner_{option} = {value}")
    assert ran.code == USAGE
    assert f"ERROR: runner_{option}: {rule}" in ran.lines


def test_an_isolation_that_does_not_work_is_never_replaced(folder: Path) -> None:
    ran = run(folder, "def test_one(check_stop):\n    check_stop(['true'])\n", "--runner-isolation=docker")
    assert ran.outcome() == "1 failed", ran.out
    assert "E       runner.errors.IsolationUnavailable: docker does not work on this machine: " in ran.out


def test_without_the_plugin(folder: Path) -> None:
    ran = run(folder, "def test_one(check_stop):\n    pass\n", "-p", "no:grace-runner")
    assert "E       fixture 'check_stop' not found" in ran.lines, ran.out
    ran = run(folder, EMPTY, "-p", "no:grace-runner", "--runner-grace=3")
    assert ran.code == USAGE
    assert "unrecognized arguments: --runner-grace=3" in ran.out


@pytest.mark.parametrize("workers", [[], ["-n1"], ["-p", "no:terminal"], ["-p", "no:xdist"]], ids=" ".join)
def test_a_suite_that_does_not_use_it_is_left_alone(folder: Path, workers: list[str]) -> None:
    ran = run(folder, EMPTY, "-W", "error", *workers)
    assert ran.code == 0, ran.out
    assert "graceful" not in ran.out
    assert "warning" not in ran.out


def test_the_help_shows_it(folder: Path) -> None:
    ran = run(folder, EMPTY, "--help")
    for word in (
        "graceful stops (grace-runner):",
        "--runner-grace=S",
        "--runner-isolation=I",
        "runner_grace (string):",
    ):
        assert word in ran.out
    ran = run(folder, EMPTY, "--fixtures")
    assert "Stop a program as SageMaker does, and fail, saying why" in ran.out
    assert "Launch programs as training jobs" in ran.out


def test_a_program_that_has_imported_the_runner_may_start_pytest(folder: Path) -> None:
    run(folder, EMPTY)  # writes the files
    path = os.pathsep.join([str(folder / "installed"), str(ROOT)])
    program = "import sys, runner, workloads, pytest; sys.exit(pytest.main(['-W', 'error', '-p', 'no:cacheprovider']))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={**surroundings(), "PYTHONPATH": path, "TMPDIR": str(folder / "tmp")},
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in done.stdout
