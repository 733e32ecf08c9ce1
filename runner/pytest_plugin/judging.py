"""What a test has to tell of a job, and when that is a failure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.errors import InvalidRequest

if TYPE_CHECKING:
    from runner.api import Job
    from runner.diagnosis.report import Report

GRACEFUL = "graceful"
_LAST_LINES = 10
_LONGEST_LINE = 500


class StopNotGraceful(AssertionError):
    """A stop was not as expected. The message is the report as text: verdict, explanation, time line, cure."""

    # As pytest has it for its own: its module's name before every message would hide the finding's.
    __module__ = "builtins"

    def __init__(self, headline: str, text: str, report: Report) -> None:
        super().__init__(text)
        self.headline = headline
        """The message in a few words."""
        self.report = report


@dataclass(frozen=True)
class Expectation:
    """What a stop has to be like."""

    expect: str = GRACEFUL
    """A verdict, or the code of the main finding."""
    allow: Sequence[str] = ()
    """Codes of findings that do not count."""

    def __post_init__(self) -> None:
        """Raises InvalidRequest for a name that there is not: it would never hold, or allow nothing."""
        from runner.diagnosis.findings.base import Code, Verdict

        codes = {code.value for code in Code}
        if self.expect not in codes | {verdict.value for verdict in Verdict}:
            raise InvalidRequest("expect", f"must be a verdict or the code of a finding, not {self.expect!r}")
        if isinstance(self.allow, str):
            raise InvalidRequest("allow", f"must be a list of codes of findings, not {self.allow!r}")
        for name in self.allow:
            if name not in codes:
                raise InvalidRequest("allow", f"must be a list of codes of findings: there is no {name!r}")

    def is_met(self, report: Report) -> bool:
        """The verdict or the main finding is the expected one, or all that speaks against it is allowed."""
        main = report.findings[0]
        if self.expect in (report.verdict.value, main.code):
            return True
        against = {main.code, *(one.code for one in report.findings if one.severity == "error")}
        return against <= set(self.allow)


@dataclass(frozen=True)
class Told:
    """What there is to tell of a job."""

    job: Job
    report: Report
    last: Sequence[str]
    """The last lines that it printed; printable."""
    checked: Expectation | None = None
    """It was stopped by a check, which expected this."""
    note: str = ""
    """What went wrong before the stop; printable."""

    @property
    def is_stop(self) -> bool:
        """It was stopped, or should have been."""
        return self.report.cause is not None or self.checked is not None

    @property
    def main(self) -> str:
        """Code of the main finding; beside a graceful verdict, of the first that the check did not allow."""
        codes = [finding.code for finding in self.report.findings]
        allowed = self.checked.allow if self.checked is not None and self.report.verdict == GRACEFUL else ()
        return next((code for code in codes if code not in allowed), codes[0])

    @property
    def is_as_expected(self) -> bool:
        """Nothing was wrong before the stop, and it is what the check expected."""
        return self.checked is not None and not self.note and self.checked.is_met(self.report)

    def render(self, width: int) -> str:
        """The report as text, with the last lines that the program printed."""
        from runner.diagnosis.text import render

        lines = [*([self.note, ""] if self.note else []), *render(self.report, width=width).splitlines()]
        if self.last:
            lines += ["", "The last lines that it printed:", "", *(f"    {line}" for line in self.last)]
        return "\n".join(lines)


def tell(job: Job, before: Told | None = None) -> Told:
    """What there is to tell of a job now; what was found out `before` still holds."""
    from runner.diagnosis.printable import clipped

    last = [clipped(line.text, _LONGEST_LINE) for line in job.tail(_LAST_LINES)]
    if before is None:
        return Told(job, job.report(), last)
    return Told(job, job.report(), last, before.checked, before.note)


def failure(report: Report, expectation: Expectation, text: str, note: str = "") -> StopNotGraceful:
    """What is raised for a stop that was not as expected."""
    parts = [note] if note else dict.fromkeys([report.verdict.value, report.findings[0].code])
    wanted = f" (expected: {expectation.expect})" if expectation.expect != GRACEFUL else ""
    return StopNotGraceful(": ".join(parts) + wanted, text, report)


def assert_graceful(report: Report, *, expect: str = GRACEFUL, allow: Sequence[str] = ()) -> None:
    """Raise StopNotGraceful, with the report as its text, unless the stop was graceful.

    `expect` takes the place of graceful: another verdict, or the code of the main finding. The codes in `allow` do
    not count.
    """
    __tracebackhide__ = True
    expectation = Expectation(expect, allow)
    if not expectation.is_met(report):
        from runner.diagnosis.text import render

        raise failure(report, expectation, render(report))
