"""What pytest's summary gets from this plugin: how many stops were graceful, and which were not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import pytest

from runner.pytest_plugin import options
from runner.pytest_plugin.properties import AS_EXPECTED, FINDING, NO, SECONDS, VERDICT, YES, stops

_GRACEFUL = "graceful"


class Stop(NamedTuple):
    """One stop."""

    test: str
    told: Mapping[str, str]
    """Its properties."""

    @property
    def is_graceful(self) -> bool:
        return self.told[VERDICT] == _GRACEFUL

    @property
    def is_news(self) -> bool:
        """Not graceful, or not quite, or not as it should have been."""
        return self.told[FINDING] != _GRACEFUL or self.told.get(AS_EXPECTED) == NO

    def line(self, width: int) -> str:
        """`not-graceful: ignored  test_it.py::test_one`, in two lines where it is wider than that."""
        words = self.told[VERDICT]
        if self.told[FINDING] != self.told[VERDICT]:
            words += f"{', with' if self.is_graceful else ':'} {self.told[FINDING]}"
        if SECONDS in self.told:
            words += f" after {self.told[SECONDS]} s"
        if self.is_graceful and self.told.get(AS_EXPECTED) == NO:
            words += ", which was not expected"
        if not self.is_graceful and self.told.get(AS_EXPECTED) == YES:
            words += ", as expected"
        line = f"{words}  {self.test}"
        return line if len(line) <= width else f"{words}\n    {self.test}"


def write(reporter: pytest.TerminalReporter) -> None:
    """How many stops were graceful; below it those of which there is more to say, or with `-v` all."""
    found = list(_stops(reporter))
    if not found or reporter.no_summary:
        return
    title = f"graceful stops: {sum(stop.is_graceful for stop in found)} of {len(found)}"
    listed = [stop for stop in found if stop.is_news or reporter.verbosity > 0]
    if listed:
        reporter.write_sep("=", title)
        for stop in listed:
            reporter.write_line(stop.line(options.of(reporter.config).width))
    elif reporter.verbosity >= 0:
        reporter.write_line(title)


def _stops(reporter: pytest.TerminalReporter) -> Iterator[Stop]:
    for reports in reporter.stats.values():
        for report in reports:
            # The last report of a test has all of its properties.
            if isinstance(report, pytest.TestReport) and report.when == "teardown":
                yield from (Stop(report.nodeid, told) for told in stops(report))
