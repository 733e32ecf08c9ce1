"""Reports as JUnit XML, for CI systems: one test case a run.

The format is that of Jenkins (the schema `junit-10.xsd` of its xUnit plugin), which pytest writes too and GitLab and
GitHub's annotators read. A stop that was not graceful is a `failure`, one that is undecided an `error`: both make a
build red, as the exit codes 1 and 4 of `check` do, and readers count them apart ("something is wrong with the
program", "the test itself did not come to an answer"). `skipped` would be green and hide that nothing was learned.
GitLab shows the text inside `failure` and not its `message`, and of several cases with one name the first only: so
the text is whole by itself, and several runs have numbers in their names.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from runner.diagnosis import text
from runner.diagnosis.findings.base import Verdict
from runner.diagnosis.overview import counts, worst_first
from runner.diagnosis.printable import clipped, command_line, lines_of, printable
from runner.diagnosis.report import Report

SUITE = "runner check"
CLASS = "runner.check"
_LONGEST_NAME = 200
_ELEMENTS = {Verdict.NOT_GRACEFUL: "failure", Verdict.UNDECIDED: "error"}


def render(reports: Report | Sequence[Report], names: Sequence[str] = ()) -> str:
    """The XML document. `names` are those of the runs; without them several runs are numbered from 1."""
    several = [reports] if isinstance(reports, Report) else list(reports)
    called = list(names) or [_name(report, number, len(several)) for number, report in enumerate(several, start=1)]
    found = dict(counts(several))
    suite = Element(
        "testsuite",
        name=SUITE,
        tests=str(len(several)),
        failures=str(found.get(Verdict.NOT_GRACEFUL, 0)),
        errors=str(found.get(Verdict.UNDECIDED, 0)),
        skipped="0",
        time=f"{sum(map(_seconds, several)):.3f}",
    )
    properties = SubElement(suite, "properties")
    for name, value in _properties(several):
        SubElement(properties, "property", name=name, value=value)
    for report, name in zip(several, called, strict=True):
        _add_case(suite, report, clipped(name, _LONGEST_NAME))
    root = Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _name(report: Report, number: int, of: int) -> str:
    command = clipped(command_line(report.command), _LONGEST_NAME - 10) or "a job"
    return command if of == 1 else f"{command} (run {number})"


def _add_case(suite: Element, report: Report, name: str) -> None:
    case = SubElement(suite, "testcase", classname=CLASS, name=name, time=f"{_seconds(report):.3f}")
    element = _ELEMENTS.get(report.verdict)
    if element is not None:
        main = report.findings[0]
        SubElement(case, element, type=main.code, message=printable(main.explanation)).text = _lines(_why(report))
    SubElement(case, "system-out").text = _lines(text.render(report))


def _why(report: Report) -> str:
    """What is wrong, and what to do about it: all that a reader needs who sees nothing else."""
    main = report.findings[0]
    return f"{main.explanation}\n\nWhat to do:\n\n{main.cure}" if main.cure else main.explanation


def _properties(reports: Sequence[Report]) -> list[tuple[str, str]]:
    """Those of the only run, or of the worst; of several, also those of each with its number."""
    if not reports:
        return []
    found = _properties_of(reports[worst_first(reports)[0]], "")
    if len(reports) > 1:
        for number, report in enumerate(reports, start=1):
            found += _properties_of(report, f"run-{number}.")
    return found


def _properties_of(report: Report, prefix: str) -> list[tuple[str, str]]:
    values = {
        "verdict": report.verdict.value,
        "isolation": report.isolation,
        "grace": report.grace,
        "seconds_to_exit": report.seconds_to_exit,
    }
    return [(f"{prefix}{name}", printable(str(value))) for name, value in values.items() if value is not None]


def _seconds(report: Report) -> float:
    """How long the run took, as far as it is on record."""
    return float(report.timeline[-1]["t"] - report.timeline[0]["t"]) if report.timeline else 0.0


def _lines(shown: str) -> str:
    """Every line printable: XML 1.0 has no place for most control characters, escaped or not."""
    return "\n".join(lines_of(shown))
