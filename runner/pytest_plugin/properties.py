"""What a test says of its stops in properties: they are in JUnit files, and come from the workers of pytest-xdist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from runner.pytest_plugin.judging import Told

VERDICT, FINDING, SECONDS = "runner_verdict", "runner_finding", "runner_seconds_to_exit"
"""Each stop begins with its verdict; a main process that did not end by itself has no seconds."""
AS_EXPECTED, YES, NO = "runner_as_expected", "yes", "no"
"""Of a stop by `check_stop`."""
OURS = (VERDICT, FINDING, SECONDS, AS_EXPECTED)


def add(item: pytest.Item, told: Iterable[Told]) -> None:
    """Add those of each stop, in place of those of an earlier run of the same test."""
    item.user_properties[:] = [one for one in item.user_properties if one[0] not in OURS]
    for one in told:
        if one.is_stop:
            item.user_properties += _of(one)


def _of(told: Told) -> Iterator[tuple[str, str]]:
    report = told.report
    yield VERDICT, report.verdict.value
    yield FINDING, told.main
    if report.seconds_to_exit is not None:
        yield SECONDS, f"{report.seconds_to_exit:.3f}"
    if told.checked is not None:
        yield AS_EXPECTED, YES if told.is_as_expected else NO


def stops(report: pytest.TestReport) -> Iterator[Mapping[str, str]]:
    """The properties of each stop of a test."""
    stop: dict[str, str] | None = None
    for name, value in report.user_properties:
        if name == VERDICT:
            if stop is not None:
                yield stop
            stop = {}
        if stop is not None and name in OURS:
            stop[name] = str(value)
    if stop is not None:
        yield stop
