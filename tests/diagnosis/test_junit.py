"""JUnit XML: what the schema of Jenkins' xUnit plugin (junit-10.xsd) allows, and nothing that XML cannot have."""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.diagnosis.junit import render
from runner.diagnosis.printable import printable
from runner.diagnosis.report import Report
from tests.diagnosis import reports
from tests.diagnosis.test_html import EVIL

# Of the schema: the attributes of each element, those that it must have, and the elements in it.
ALLOWED: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, set(), {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname", "id", "package", "file"},
        {"name", "tests", "failures", "errors"},
        {"properties", "testcase", "system-out", "system-err"},
    ),
    "properties": (set(), set(), {"property"}),
    "property": ({"name", "value"}, {"name", "value"}, set()),
    "testcase": (
        {"name", "classname", "time", "group"},
        {"name"},
        {"failure", "error", "skipped", "system-out", "system-err"},
    ),
    "failure": ({"type", "message"}, set(), set()),
    "error": ({"type", "message"}, set(), set()),
    "system-out": (set(), set(), set()),
}
NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no place for (its production `Char`)."""


def parsed(source: str) -> Element:
    """The document, checked against the schema."""
    assert NOT_XML.search(source) is None
    assert "&#" not in source.replace("&#10;", "")
    root = ElementTree.fromstring(source)
    for element in root.iter():
        attributes, needed, inside = ALLOWED[element.tag]
        assert needed <= set(element.attrib) <= attributes
        assert {child.tag for child in element} <= inside
        if inside:
            assert not (element.text or "").strip()
    for suite in root.iter("testsuite"):
        assert re.fullmatch(r"\d+\.\d{3}", suite.attrib["time"])
        assert int(suite.attrib["tests"]) == len(suite.findall("testcase"))
        assert int(suite.attrib["failures"]) == len(list(suite.iter("failure")))
        assert int(suite.attrib["errors"]) == len(list(suite.iter("error")))
    return root


def properties(root: Element) -> dict[str, str]:
    return {one.attrib["name"]: one.attrib["value"] for one in root.iter("property")}


@pytest.mark.parametrize(
    ("make", "element"),
    [
        (reports.graceful, None),
        (reports.forty, None),
        (reports.five, "failure"),
        (reports.never_stopped, "error"),
        (reports.nothing, "error"),
    ],
    ids=["graceful", "with-a-warning", "not-graceful", "never-stopped", "nothing"],
)
def test_a_verdict_is_a_result(make: Callable[[], Report], element: str | None) -> None:
    report = make()
    (case,) = parsed(render(report)).iter("testcase")
    assert [child.tag for child in case] == [*([element] if element else []), "system-out"]
    assert case.attrib["classname"] == "runner.check"
    assert case.findtext("system-out") == report.to_text()
    if element is not None:
        main, found = report.findings[0], case.find(element)
        assert found is not None
        assert found.attrib == {"type": main.code, "message": main.explanation}
        assert found.text == f"{main.explanation}\n\nWhat to do:\n\n{main.cure}"


def test_one_run() -> None:
    root = parsed(render(reports.five()))
    (case,) = root.iter("testcase")
    assert case.attrib["name"] == "bash run.sh"
    assert case.attrib["time"] == "15.011"
    assert properties(root) == {
        "verdict": "not-graceful",
        "isolation": "pid1",
        "grace": "10.0",
        "seconds_to_exit": "10.0002",
    }


def test_several_runs_have_names_of_their_own_and_the_properties_of_the_worst() -> None:
    root = parsed(render([reports.one(), reports.killed_late(), reports.never_stopped()]))
    names = [case.attrib["name"] for case in root.iter("testcase")]
    assert names == ["python train.py (run 1)", "python train.py (run 2)", "python train.py (run 3)"]
    found = properties(root)
    assert found["verdict"] == found["run-2.verdict"] == "not-graceful"
    assert found["run-1.verdict"] == "graceful"
    assert "run-3.grace" not in found
    (suite,) = root.iter("testsuite")
    assert suite.attrib | {"time": ""} == {
        "name": "runner check",
        "tests": "3",
        "failures": "1",
        "errors": "1",
        "skipped": "0",
        "time": "",
    }


def test_names_of_runs_and_no_runs() -> None:
    named = parsed(render([reports.one(), reports.one()], ["search-001", "search-002"]))
    assert [case.attrib["name"] for case in named.iter("testcase")] == ["search-001", "search-002"]
    assert list(parsed(render([])).iter("testcase")) == []


def test_long_commands_are_clipped() -> None:
    long = Report(**{**vars(reports.five()), "command": ("sh", "-c", "x" * 5000)})
    names = [case.attrib["name"] for case in parsed(render([long, long])).iter("testcase")]
    assert len(set(names)) == 2
    assert max(map(len, names)) <= 200


@pytest.mark.parametrize("text", EVIL)
def test_what_a_program_says_is_text(text: str) -> None:
    root = parsed(render(reports.hostile(text)))
    assert printable(text) in str(root.findtext("testsuite/testcase/system-out"))
    assert properties(root)["isolation"] == printable(text)


@settings(deadline=None)
@given(text=st.text(st.characters(exclude_categories=()), min_size=1, max_size=40))
def test_whatever_a_program_says_is_text(text: str) -> None:
    skeleton = [element.tag for element in parsed(render(reports.hostile("x"))).iter()]
    assert [element.tag for element in parsed(render(reports.hostile(text))).iter()] == skeleton
