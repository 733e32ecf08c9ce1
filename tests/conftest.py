"""What holds for every test: an environment as a user has it, limits, and the options of this suite."""

from __future__ import annotations

import os
import re
import resource
import signal
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests import leftovers

UNLIKE_A_USER = ("PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "AWS_", "RUNNER_", "SM_", "SAGEMAKER_", "TRAINING_JOB_")
"""Beginnings of variables that a development machine may set and a user's does not: a job would inherit them."""

USUAL_SIGNALS: dict[signal.Signals, Callable[[int, FrameType | None], Any] | signal.Handlers] = {
    signal.SIGHUP: signal.SIG_DFL,
    signal.SIGINT: signal.default_int_handler,
    signal.SIGQUIT: signal.SIG_DFL,
    signal.SIGTERM: signal.SIG_DFL,
}

OF_SUPERVISORS = {9, *range(42, 51), 55}
"""Behaviour cases whose tests start supervisors as processes of their own, and take seconds."""

PROCESSES = 3_000
"""How many more processes than there are now the user of the tests may have. The kernel does not hold root to it."""
ADDRESS_SPACE = 16 << 30
FILE_SIZE = 8 << 30


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("runner")
    group.addoption("--repeat-each", type=int, default=1, metavar="N", help="run each test N times")
    group.addoption("--modes", metavar="FOLDER", help="run all programs of all modes, and put what is found there")
    group.addoption("--clients", metavar="FOLDER", help="run the clients that `make clients` has installed there")
    group.addoption("--no-skips", action="store_true", help="a skipped test has failed: for CI, which installs all")


def pytest_configure(config: pytest.Config) -> None:
    for name in [name for name in os.environ if name.startswith(UNLIKE_A_USER)]:
        del os.environ[name]
    # Ignored by whoever started this (nohup, a shell's background job), they would be ignored in what tests start.
    for number, usual in USUAL_SIGNALS.items():
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_AS, ADDRESS_SPACE)
    _limit(resource.RLIMIT_FSIZE, FILE_SIZE)
    _limit(resource.RLIMIT_NPROC, _processes_of(os.getuid()) + PROCESSES)


def _limit(which: int, soft: int) -> None:
    """Lower a soft limit; jobs inherit it."""
    now, hard = resource.getrlimit(which)
    if now == resource.RLIM_INFINITY or soft < now:
        resource.setrlimit(which, (soft, hard))


def _processes_of(uid: int) -> int:
    """Threads of this user: that is what RLIMIT_NPROC counts (getrlimit(2))."""
    count = 0
    for status in Path("/proc").glob("[0-9]*/task/*"):
        try:
            count += status.stat().st_uid == uid
        except OSError:
            continue  # it ended meanwhile
    return count


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark for `make stress` what starts processes and shows a numbered behaviour case.

    Called after the folders' own (the last that is registered is the first) and before `-m` looks at the marks.
    """
    for item in items:
        cases = {int(number) for number in re.findall(r"\bcase(\d+)\b", item.nodeid)}
        if cases and item.get_closest_marker("process"):
            item.add_marker(pytest.mark.stress_recovery if cases & OF_SUPERVISORS else pytest.mark.stress)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    times = metafunc.config.getoption("--repeat-each")
    # What the marker leaves out anyway is not made twenty times over first: collecting took a minute.
    left_out = metafunc.config.getoption("-m").startswith("stress") and "_case" not in metafunc.fixturenames
    if times > 1 and not left_out:
        metafunc.fixturenames.append("repetition")
        metafunc.parametrize("repetition", range(times))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _judge_skip(report, item.config)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _judge_skip(report, collector.config)
    return report


def _judge_skip(report: pytest.TestReport | pytest.CollectReport, config: pytest.Config) -> None:
    if report.skipped and not hasattr(report, "wasxfail") and config.getoption("--no-skips"):
        reason = report.longrepr
        report.outcome = "failed"
        report.longrepr = f"skipped, and --no-skips was given: {reason[2] if isinstance(reason, tuple) else reason}"


@pytest.fixture(scope="session", autouse=True)
def _own_temporary_directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A temporary directory of this test process alone: what other workers leave in theirs is not taken for ours."""
    with pytest.MonkeyPatch.context() as patch:
        folder = str(tmp_path_factory.mktemp("tmp"))
        patch.setenv("TMPDIR", folder)
        patch.setattr(tempfile, "tempdir", folder)
        yield


@pytest.fixture
def nothing_left(tmp_path: Path) -> Iterator[Path]:
    """The test's own folder; after the test nothing of the jobs whose data directories lie in it may be left."""
    before = leftovers.observe(tmp_path)
    yield tmp_path
    leftovers.assert_nothing_left(before)
