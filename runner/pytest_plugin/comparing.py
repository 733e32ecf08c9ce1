"""What `assert report.verdict == "graceful"` says when it fails."""

from __future__ import annotations

import sys
import textwrap

from runner.pytest_plugin.jobs import Jobs

_MARGIN = 12
"""Columns that pytest needs to the left of an explanation."""


def explain(jobs: Jobs, op: str, left: object, right: object) -> list[str] | None:
    """The lines of the explanation: both sides, and why the stops of this test that have this verdict have it.

    None, which leaves it to pytest, for everything but a verdict that does not equal a text.
    """
    # Without this module there is no verdict in this process.
    reports = sys.modules.get("runner.diagnosis.report")
    if reports is None or op != "==":
        return None
    verdict = next((side for side in (left, right) if isinstance(side, reports.Verdict)), None)
    told = [one for one in jobs.told() if one.is_stop and one.report.verdict is verdict]
    if verdict is None or not told:
        return None
    lines = [f"{str(left)!r} == {str(right)!r}"]
    for one in told:
        main = one.report.findings[0]
        lines += textwrap.wrap(f"{main.code}: {main.explanation}", max(jobs.options.width - _MARGIN, 24))
    return lines
