"""What pytest's own reports show: the terminal, workers of pytest-xdist, JUnit files."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

import runner.pytest_plugin
from runner.pytest_plugin import options
from tests.plugin.running import run, run_in_terminal

SUITE = """
@pytest.mark.parametrize("number", range(3))
def test_good(check_stop, number):
    check_stop(SAVES, ready="^ready", isolation="plain")

def test_bad(check_stop):
    check_stop(probe("deaf"), ready="^ready", grace=0.1, isolation="plain")

def test_bad_job(launch_job):
    launch_job(probe("deaf"), ready="^ready", grace=0.1, isolation="plain", name="mine").stop()
    raise LookupError
"""
GOOD = """
def test_good(check_stop):
    check_stop(SAVES, ready="^ready", isolation="plain")
"""
ONE = """
def test_one(check_stop):
    check_stop(SAVES, ready="^ready", isolation="plain")
    check_stop(probe("deaf"), ready="^ready", grace=0.1, isolation="plain")
"""


@pytest.mark.parametrize("workers", [[], ["-n2"]], ids=["alone", "xdist"])
def test_failures_and_the_summary(folder: Path, workers: list[str]) -> None:
    ran = run(folder, SUITE, *workers)
    assert ran.outcome() == "2 failed, 3 passed", ran.out
    assert "What to do:" in ran.section("report of the stop")
    assert "What to do:" in ran.section("job mine")
    told = ran.section("graceful stops: 3 of 5")
    assert sorted(line.split()[-1] for line in told) == ["test_it.py::test_bad", "test_it.py::test_bad_job"]
    assert all(line.startswith("not-graceful: ignored after ") for line in told)


def test_verbose_and_quiet(folder: Path) -> None:
    assert "test_it.py::test_good" in "\n".join(run(folder, GOOD, "-v").section("graceful stops: 1 of 1"))
    assert "graceful stops: 1 of 1" in run(folder, GOOD).lines
    assert "graceful stops" not in run(folder, GOOD, "-q").out
    assert "graceful stops: 1 of 2" in run(folder, ONE, "-q").out
    assert "graceful stops" not in run(folder, ONE, "--no-summary").out


@pytest.mark.parametrize("workers", [[], ["-n1"]], ids=["alone", "xdist"])
@pytest.mark.parametrize("width", [40, 200])
def test_reports_are_as_wide_as_the_terminal(folder: Path, width: int, workers: list[str]) -> None:
    ran = run_in_terminal(folder, ONE, width, *workers)
    told = ran.section("report of the stop")
    prose = told[: told.index("What to do:")]
    widest = min(width, 100)
    assert widest * 0.8 < max(map(len, prose)) <= widest, "\n".join(prose)
    listed = ran.section("graceful stops: 1 of 2")
    if width == 40:
        assert listed[1] == "    test_it.py::test_one"
    else:
        assert listed[0].endswith("  test_it.py::test_one")


def test_a_worker_is_told_the_width() -> None:
    # Where Python has readline, its environment tells it too: readline sets COLUMNS.
    node = SimpleNamespace(config=SimpleNamespace(stash=pytest.Stash()), workerinput={})
    told = options.Options(None, None, 77)
    node.config.stash[options.KEY] = told
    runner.pytest_plugin.pytest_configure_node(node)
    worker = SimpleNamespace(workerinput=node.workerinput, stash=pytest.Stash())
    worker.getoption = worker.getini = lambda name: None
    options.read(cast(pytest.Config, worker))
    assert options.of(cast(pytest.Config, worker)) == told


def test_colour_is_pytests_own(folder: Path) -> None:
    assert "\x1b" not in run(folder, ONE).out
    ran = run(folder, ONE, "--color=yes", variables={"NO_COLOR": ""})
    assert "\x1b[31m" in ran.out
    assert "NOT GRACEFUL: ignored" in ran.lines


@pytest.mark.parametrize("workers", [[], ["-n1"]], ids=["alone", "xdist"])
def test_junit(folder: Path, workers: list[str]) -> None:
    ran = run(folder, ONE, "--junit-xml=junit.xml", *workers)
    case = ran.junit()
    properties = [(one.get("name"), one.get("value")) for one in case.iter("property")]
    assert properties[:2] == [("runner_verdict", "graceful"), ("runner_finding", "graceful")]
    assert properties[2][0] == "runner_seconds_to_exit"
    assert properties[3:6] == [
        ("runner_as_expected", "yes"),
        ("runner_verdict", "not-graceful"),
        ("runner_finding", "ignored"),
    ]
    assert properties[7:] == [("runner_as_expected", "no")]
    (failure,) = case.iter("failure")
    assert failure.get("message") == "StopNotGraceful: not-graceful: ignored"
    assert "What to do:" in (failure.text or "")


def test_a_test_that_is_run_again_counts_once(folder: Path) -> None:
    # As pytest-rerunfailures does it.
    (folder / "conftest.py").write_text(
        "from _pytest.runner import runtestprotocol\n"
        "def pytest_runtest_protocol(item, nextitem):\n"
        "    runtestprotocol(item, nextitem=nextitem, log=False)\n"
        "    item._initrequest()\n"
    )
    ran = run(folder, ONE)
    assert ran.outcome() == "1 failed", ran.out
    assert "graceful stops: 1 of 2" in ran.out
