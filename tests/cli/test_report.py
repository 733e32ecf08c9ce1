"""`runner report`: of a running supervisor and of a directory that nobody serves, to a terminal and into files."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from runner import Objective, Runner
from runner.cli.files import check_writable, write_report
from runner.errors import InvalidRequest
from tests.cli.commanding import ESCAPE, Done, run
from tests.probing import probe

OTHER_TEXT = "what was there before"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with three jobs, which nobody serves any more."""
    data = tmp_path_factory.mktemp("recorded") / "data"
    with Runner(data_dir=data) as runner:
        polite = runner.train(probe("polite"), name="polite", grace=30)
        deaf = runner.train(probe("no-handler"), name="deaf", grace=0.3)
        early = runner.train(["true"], name="early")
        for job in (polite, deaf):
            job.wait_for_log("^ready")
            job.stop(wait=False)
        for job in (polite, deaf, early):
            job.wait(timeout=40)
    return data


Reporting = Callable[..., Done]


@pytest.fixture
def report(folder: Path, recorded: Path) -> Reporting:
    """Runs `runner report ARGUMENTS` on the recorded jobs."""

    def run_it(*arguments: object, terminal: bool = False) -> Done:
        return run(folder, "report", *arguments, "--data-dir", recorded, terminal=terminal)

    return run_it


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("polite", "GRACEFUL"),
        ("deaf", "NOT GRACEFUL: no-handler-pid1\n"),
        ("early", "UNDECIDED: ended-before-stop\n"),
    ],
)
def test_text_whatever_the_verdict(report: Reporting, name: str, first: str) -> None:
    done = report(name)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(first)
    assert ESCAPE not in done.out


def test_a_job_that_was_never_stopped_says_so(report: Reporting) -> None:
    assert "no stop came" in report("early").out


def test_a_terminal_has_colours(report: Reporting) -> None:
    assert report("polite", terminal=True).out.startswith(f"{ESCAPE}[1;32mGRACEFUL")


def test_json(report: Reporting) -> None:
    done = report("deaf", "--json")
    assert done.code == 0
    assert (done.report["verdict"], done.first) == ("not-graceful", "no-handler-pid1")


def test_files_beside_the_text(report: Reporting, folder: Path) -> None:
    done = report("deaf", "--html", "page.html", "--junit", folder / "junit.xml")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("NOT GRACEFUL")
    page = (folder / "page.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "A stop of <bdi>deaf</bdi>" in page
    (case,) = ElementTree.parse(folder / "junit.xml").iter("testcase")
    assert case.attrib["name"] == "deaf"
    assert [child.tag for child in case] == ["failure", "system-out"]
    assert list(folder.glob(".*")) == []


def test_files_beside_json(report: Reporting, folder: Path) -> None:
    done = report("polite", "--json", "--html", "page.html")
    assert done.report["verdict"] == "graceful"
    assert (folder / "page.html").exists()


@pytest.mark.parametrize(("option", "first"), [("--html", "<!doctype html>"), ("--junit", "<?xml")])
def test_stdout_has_one_thing(report: Reporting, option: str, first: str) -> None:
    done = report("polite", option, "-")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(first)
    assert "\nGRACEFUL" not in done.out.partition("system-out")[0]


def test_two_things_for_stdout(report: Reporting) -> None:
    done = report("polite", "--json", "--html", "-")
    assert (done.code, done.out) == (2, "")
    assert "--json and --html: only one of them can go to stdout" in done.err


def test_an_unknown_name(report: Reporting) -> None:
    done = report("nobody")
    assert (done.code, done.out) == (1, "")
    assert done.err == "runner: there is no job with the name nobody\n"


def test_an_unknown_type(report: Reporting) -> None:
    done = report("polite", "--kind", "nap")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("runner: --kind: must be one of compilation, training, tuning")


def test_no_name(report: Reporting) -> None:
    assert report().code == 2


def test_no_data_directory(folder: Path) -> None:
    done = run(folder, "report", "x", "--data-dir", folder / "none")
    assert done.code == 1
    assert "is no data directory" in done.err
    assert not (folder / "none").exists()


@pytest.mark.parametrize("option", ["--html", "--junit"])
def test_a_file_that_cannot_be_written(report: Reporting, option: str) -> None:
    done = report("polite", option, "none/file")
    assert done.code == 2
    assert done.err == f"runner: {option}: none/file cannot be written: No such file or directory\n"


def test_the_variable_and_a_supervisor_that_runs(folder: Path) -> None:
    with Runner(data_dir=folder / "data") as runner:
        job = runner.train(probe("polite"), name="here", grace=30)
        job.wait_for_log("^ready")
        done = run(folder, "report", "here", "--json", variables={"RUNNER_DATA_DIR": str(folder / "data")})
        assert done.first == "not-ended"
        job.stop()
        again = run(folder, "report", "here", "--json", "--data-dir", "data")
        assert again.report["verdict"] == "graceful"


def test_a_tuning_job_is_its_trainings(folder: Path) -> None:
    with Runner(data_dir=folder / "data") as runner:
        search = runner.tune(
            probe("polite"),
            name="search",
            ranges={"rate": (0.1, 1.0)},
            objective=Objective("x", "x=([0-9.]+)", "Maximize"),
            max_jobs=2,
            max_parallel=2,
            grace=30,
        )
        for training in search.trainings(at_least=2):
            training.wait_for_log("^ready")
        search.stop()
    done = run(folder, "report", "search", "--data-dir", "data", "--html", "page.html", "--junit", "junit.xml")
    assert done.out.startswith("2 trainings: 2 graceful. The worst first.\n\n== search-00")
    assert "When the stops came" in (folder / "page.html").read_text(encoding="utf-8")
    assert len(list(ElementTree.parse(folder / "junit.xml").iter("testcase"))) == 2
    assert len(run(folder, "report", "search", "--json", "--data-dir", "data").report["runs"]) == 2


# --- files


def test_a_file_is_replaced_and_keeps_its_mode(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.write_text(OTHER_TEXT)
    old.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(old)
    before = old.stat().st_ino
    write_report(link, "new é", "--html")
    assert link.is_symlink()
    assert old.read_text(encoding="utf-8") == "new é"
    assert old.stat().st_ino != before
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "old"]


def test_a_new_file_has_the_mode_of_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_report(tmp_path / "new", "x", "--html")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


def test_devices_and_pipes_are_written_to(tmp_path: Path) -> None:
    write_report("/dev/null", "x", "--html")
    check_writable("/dev/null", "--html")
    pipe, read = tmp_path / "pipe", list[str]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    write_report(pipe, "text", "--html")
    reader.join(timeout=20)
    assert read == ["text"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize("name", ["none/file", ".", "n" * 300])
def test_what_cannot_be_written_names_the_option(tmp_path: Path, name: str) -> None:
    refused = pytest.raises(InvalidRequest, match=r"^--junit: .* cannot be written: ")
    with refused:
        write_report(tmp_path / name, "x", "--junit")
    with refused:
        check_writable(tmp_path / name, "--junit")
    assert list(tmp_path.iterdir()) == []


def test_asking_first_leaves_no_trace(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text(OTHER_TEXT)
    check_writable(kept, "--html")
    check_writable(tmp_path / "new", "--html")
    check_writable("-", "--html")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert kept.read_text() == OTHER_TEXT
