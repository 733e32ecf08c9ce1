"""`--html` and `--junit`: the report as files, of one run and of several."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.commanding import WHEN_READY, check, run
from tests.probing import probe


@pytest.mark.parametrize("options", [WHEN_READY, ("--after", 3, "--repeat", 3)], ids=["one", "several"])
def test_both_files(folder: Path, options: tuple[object, ...]) -> None:
    files = ["--html", folder / "report.html", "--junit", folder / "report.xml"]
    done = check(folder, *options, *files, "--grace", 2, program=probe("polite"))
    assert (done.code, done.report["verdict"]) == (0, "graceful"), done
    page = (folder / "report.html").read_text()
    assert page.startswith("<!")
    assert "graceful" in page.lower()
    cases = list(ElementTree.parse(folder / "report.xml").getroot().iter("testcase"))
    counted = [run for run in done.report.get("runs", [{"counts": True}]) if run["counts"]]
    assert len(cases) == len(counted)
    if len(cases) > 1:
        assert all(re.search(r"run \d, stopped .* s after the start", str(case.get("name"))) for case in cases)


@pytest.mark.parametrize("option", ["--html", "--junit"])
def test_a_file_that_cannot_be_written(folder: Path, option: str) -> None:
    done = run(folder, "check", option, "no/such/folder/file", "--", *probe("polite"))
    assert (done.code, done.out) == (2, "")
    assert option in done.err
    assert "the stop comes" not in done.err  # known before anything is started


def test_a_run_that_does_not_count_makes_no_build_red(folder: Path) -> None:
    options = ["--after", 2, "--repeat", 2, "--grace", 3, "--junit", folder / "report.xml"]
    program = ["sh", "-c", "sleep 0.3; trap 'exit 0' TERM; echo ready; while :; do sleep 0.05; done"]
    done = check(folder, *options, program=program)
    assert (done.code, [run["counts"] for run in done.report["runs"]]) == (0, [False, True])
    (suite,) = ElementTree.parse(folder / "report.xml").getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("1", "0", "0")


def test_to_stdout(folder: Path) -> None:
    done = run(folder, "check", *WHEN_READY, "--junit", "-", "--", *probe("polite"))
    assert done.code == 0
    assert ElementTree.fromstring(done.out).tag == "testsuites"


@pytest.mark.parametrize("options", [["--json", "--html", "-"], ["--html", "-", "--junit", "-"]], ids=str)
def test_two_things_do_not_go_to_stdout(folder: Path, options: list[str]) -> None:
    done = run(folder, "check", *options, "--", *probe("polite"))
    assert (done.code, done.out) == (2, "")
    assert "only one of them can go to stdout" in done.err
