"""The pytest plugin: fixtures that launch a program as a job and check that it stops gracefully.

    def test_training_stops_gracefully(check_stop):
        check_stop("train.py", ready="epoch 1", grace=10)

Every pytest run of an environment loads this module, so it imports nothing heavy: the runner comes with the first job.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from runner.pytest_plugin import options

if TYPE_CHECKING:
    from runner.pytest_plugin.checking import CheckStop
    from runner.pytest_plugin.jobs import Jobs
    from runner.pytest_plugin.judging import StopNotGraceful, assert_graceful
    from runner.pytest_plugin.launching import LaunchJob

__all__ = ["CheckStop", "LaunchJob", "StopNotGraceful", "assert_graceful"]

_HOMES = {
    "CheckStop": "checking",
    "LaunchJob": "launching",
    "StopNotGraceful": "judging",
    "assert_graceful": "judging",
}
_JOBS = pytest.StashKey["Jobs"]()
"""Of a test, and of the configuration while that test runs."""


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{home}"), name)


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add(parser)


def pytest_configure(config: pytest.Config) -> None:
    options.read(config)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Of pytest-xdist: a worker has no terminal of its own."""
    node.workerinput[options.WIDTH] = options.of(node.config).width


@pytest.fixture
def _runner_jobs(request: pytest.FixtureRequest) -> Iterator[Jobs]:
    """What the two fixtures share. A runner for each test: see docs/decisions/0012."""
    from runner.pytest_plugin.jobs import Jobs

    jobs = Jobs(request.node.name, options.of(request.config))
    request.node.stash[_JOBS] = request.config.stash[_JOBS] = jobs
    yield jobs
    del request.config.stash[_JOBS]
    jobs.close()


@pytest.fixture
def launch_job(_runner_jobs: Jobs) -> LaunchJob:
    """Launch programs as training jobs: `launch_job(command, ready=REGEX, grace=S, …)` returns the job.

    After the test nothing of them is left, however it ended.
    """
    from runner.pytest_plugin.launching import LaunchJob

    return LaunchJob(_runner_jobs)


@pytest.fixture
def check_stop(_runner_jobs: Jobs) -> CheckStop:
    """Stop a program as SageMaker does, and fail, saying why, unless it stops gracefully.

    `check_stop(command, ready=REGEX, after=S, grace=S, …)`, or `check_stop(job)`; returns the report.
    """
    from runner.pytest_plugin.checking import CheckStop

    return CheckStop(_runner_jobs)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    jobs = item.stash.get(_JOBS, None)
    if call.when == "teardown" and jobs is not None:
        from runner.pytest_plugin import properties

        properties.add(item, jobs.told())
    failure = call.excinfo.value if call.excinfo is not None else None
    if failure is None or "runner.errors" not in sys.modules:  # without it nothing of ours was in use
        return (yield)
    from runner.pytest_plugin import reports

    reports.clean(failure, cut=not item.config.getoption("fulltrace"))
    with reports.in_short(failure) as shortened:
        report = yield
    reports.add_texts(report, shortened)
    if report.failed and jobs is not None:
        shown = [one.report for one in shortened]
        reports.add_sections(report, [told for told in jobs.told() if told.report not in shown], jobs.options.width)
    return report


def pytest_assertrepr_compare(config: pytest.Config, op: str, left: object, right: object) -> list[str] | None:
    jobs = config.stash.get(_JOBS, None)
    if jobs is None:
        return None
    from runner.pytest_plugin import comparing

    return comparing.explain(jobs, op, left, right)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    from runner.pytest_plugin import summary

    summary.write(terminalreporter)
