"""`--html` and `--junit`: the report as files, of one run and of several."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.commanding import WHEN_READY, check, run
from tests.probing import probe

pytest.importorskip("jinja2")
pytest.importorskip("runner.diagnosis.html")
pytest.importorskip("runner.diagnosis.junit")
pytest.importorskip("runner.cli.files")


@pytest.mark.parametrize(("options", "cases"), [((), 1), (("--after", 1, "--repeat", 2), 2)], ids=["one", "several"])
def test_both_files(folder: Path, options: tuple[object, ...], cases: int) -> None:
    trigger = options or WHEN_READY
    files = ["--html", folder / "report.html", "--junit", folder / "report.xml"]
    done = check(folder, *trigger, *files, "--grace", 2, program=probe("polite"))
    assert done.code == 0, done
    assert done.report["verdict"] == "graceful"
    page = (folder / "report.html").read_text()
    assert page.startswith("<!")
    assert "graceful" in page.lower()
    found = ElementTree.parse(folder / "report.xml").getroot()
    assert len(list(found.iter("testcase"))) == cases


@pytest.mark.parametrize("option", ["--html", "--junit"])
def test_a_file_that_cannot_be_written(folder: Path, option: str) -> None:
    done = run(folder, "check", option, "no/such/folder/file", "--", *probe("polite"))
    assert (done.code, done.out) == (2, "")
    assert option in done.err
    assert "the stop comes" not in done.err  # known before anything is started
