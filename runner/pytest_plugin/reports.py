"""What pytest's report of one test gets from this plugin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType

import pytest

from runner.errors import RunnerError
from runner.pytest_plugin.judging import StopNotGraceful, Told

_TITLE = "report of the stop"


@contextmanager
def in_short(failure: BaseException) -> Iterator[Sequence[StopNotGraceful]]:
    """For the time of the block, failures of stops have one line as their message.

    pytest puts an `E` before each line of a message, and no cure can be pasted from there: the text comes below.
    """
    found = [one for one in _chain(failure) if isinstance(one, StopNotGraceful)]
    texts = [one.args for one in found]
    for one in found:
        one.args = (one.headline,)
    try:
        yield found
    finally:
        for one, text in zip(found, texts, strict=True):
            one.args = text


def add_texts(report: pytest.TestReport, failures: Iterable[StopNotGraceful]) -> None:
    """The text of each failure, as a part of what pytest shows of it wherever it shows it, JUnit files included."""
    for one in failures:
        add_section = getattr(report.longrepr, "addsection", None)
        if add_section is not None:
            add_section(_TITLE, str(one))
        else:
            report.longrepr = f"{report.longrepr or ''}\n\n{one}"


def add_sections(report: pytest.TestReport, told: Iterable[Told], width: int) -> None:
    """A section for each job, beside those of captured output."""
    report.sections += [(f"job {one.job.name}", one.render(width)) for one in told]


def clean(failure: BaseException, *, cut: bool) -> None:
    """Make errors of the runner fit to show.

    They quote what programs have printed, which must not reach the terminal as it is; and what happened inside of the
    runner is no news to who reads the traceback: with `cut` it ends at the call.
    """
    for one in _chain(failure):
        if isinstance(one, RunnerError):
            from runner.diagnosis.printable import lines_of

            one.args = tuple("\n".join(lines_of(part)) if isinstance(part, str) else part for part in one.args)
            if cut:
                _cut(one.__traceback__)


def _chain(failure: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while failure is not None and id(failure) not in seen:
        seen.add(id(failure))
        yield failure
        failure = failure.__cause__ or failure.__context__


def _cut(trace: TracebackType | None) -> None:
    """Leave out our frames; the first stays if only pytest's own are above it."""
    while trace is not None and trace.tb_next is not None:
        if _package(trace.tb_next) == "runner" and _package(trace) not in ("_pytest", "pluggy"):
            trace.tb_next = None
        trace = trace.tb_next


def _package(trace: TracebackType) -> str:
    return str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
