"""`pid1`: a /proc of its own, and files and folders at paths that the machine does not have."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from runner.backends.base import Mount
from runner.lifecycle.facts import FactName
from tests.keeper.bench import PID1, Attempt, Bench
from tests.keeper.conftest import MakeBench

LOOK = """
set -e
echo ready
cat "$1"/there
echo from inside > "$1"/back
ls -a "$2"
cat /proc/self/mountinfo
: > /dev/null
"""


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    return make_bench()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with a file in it; its name has what an option of mount(8) would stumble over."""
    folder = tmp_path / "a folder, with: odd\\names"
    folder.mkdir()
    (folder / "there").write_text("it is there\n")
    return folder


def launch(bench: Bench, *mounts: Mount) -> Attempt:
    target = mounts[-1].target
    above = os.path.dirname(target)
    while not os.path.isdir(above):
        above = os.path.dirname(above)
    job = bench.launch(["sh", "-c", LOOK, "look", target, above], PID1, mounts=mounts)
    ended = job.wait_gone()
    assert ended["code"] == 0, job.log()
    assert "it is there" in job.log()
    # Everything else of the folder that it was put into is still to be seen.
    assert set(os.listdir(above)) <= set(job.log().splitlines())
    return job


def kinds(job: Attempt, point: str) -> list[str]:
    """The file systems mounted at a path, as the job saw them."""
    return re.findall(rf"^\d+ \d+ \S+ \S+ {re.escape(point)} .* - (\S+) ", job.log(), re.MULTILINE)


def test_the_job_sees_its_own_processes_only(bench: Bench) -> None:
    job = bench.launch(["sh", "-c", "echo ready; echo /proc/[0-9]*; cat /proc/1/comm"], PID1)
    job.wait_gone()
    assert job.log().split() == ["ready", "/proc/1", "sh"]


def test_opt_ml_is_there_without_touching_the_machines(bench: Bench) -> None:
    before = os.path.exists("/opt/ml")
    job = bench.launch(["sh", "-c", f"{LOOK}", "look", "/opt/ml", "/opt"], PID1, ready=None)
    (job.launch.folder / "ml" / "there").touch()
    job = bench.launch(["sh", "-c", "echo x > /opt/ml/model; echo ready; cat /proc/self/mountinfo"], PID1)
    assert job.wait_gone()["code"] == 0
    assert (job.launch.folder / "ml" / "model").read_text() == "x\n"
    assert os.path.exists("/opt/ml") is before
    if not before and os.path.isdir("/opt"):
        assert kinds(job, "/opt") in (["overlay"], ["tmpfs"])


@pytest.mark.parametrize("below", ["", "/deep/er"], ids=["below it", "further below"])
def test_a_folder_where_something_is_mounted_already(bench: Bench, source: Path, below: str) -> None:
    """/dev has /dev/pts mounted below on every machine, which an overlay would not show: the entries are bound."""
    target = f"/dev/runner-test{below}"
    job = launch(bench, Mount(source, target))
    assert kinds(job, "/dev")[-1] == "tmpfs"
    assert kinds(job, "/dev/pts")[-1] == "devpts"
    assert (source / "back").read_text() == "from inside\n"
    assert not os.path.exists("/dev/runner-test")


def test_two_folders_that_are_missing_side_by_side(bench: Bench, source: Path) -> None:
    """The second finds the first mounted below."""
    launch(bench, Mount(source, "/opt/runner-test"))
    assert (source / "back").read_text() == "from inside\n"
    assert not os.path.exists("/opt/runner-test")


@pytest.mark.parametrize("target", ["/runner-test-nowhere", "/runner-test-nowhere/x/y"])
def test_a_folder_whose_top_is_missing(bench: Bench, source: Path, target: str) -> None:
    """The job gets a new root, with everything of the old one in it."""
    job = launch(bench, Mount(source, target))
    assert kinds(job, "/")[-1] == "tmpfs"
    assert (source / "back").read_text() == "from inside\n"
    assert not os.path.exists("/runner-test-nowhere")


def test_a_new_root_and_more(bench: Bench, source: Path) -> None:
    mounts = [Mount(source, f"/{place}/runner-test/x") for place in ("runner-test-nowhere", "usr", "dev", "opt")]
    launch(bench, *mounts)
    assert not any(os.path.exists(os.path.dirname(mount.target)) for mount in mounts)


@pytest.mark.parametrize("target", ["/etc/passwd", "/etc/runner-test/file"], ids=["in place of one", "missing"])
def test_a_file(bench: Bench, source: Path, target: str) -> None:
    before = Path("/etc/passwd").read_bytes()
    job = bench.launch(["sh", "-c", "echo ready; cat $0", target], PID1, mounts=[Mount(source / "there", target)])
    assert job.wait_gone()["code"] == 0
    assert job.log().splitlines() == ["ready", "it is there"]
    assert Path("/etc/passwd").read_bytes() == before
    assert not os.path.exists("/etc/runner-test")


def test_a_mount_that_cannot_be_made_is_told(bench: Bench, tmp_path: Path) -> None:
    job = bench.launch(["true"], PID1, ready=None, mounts=[Mount(tmp_path / "nowhere", "/opt/runner-test")])
    job.wait_gone()
    failed = job.one(FactName.NOT_EXECUTED)
    assert failed["code"] == 126
    assert "/opt/runner-test: No such file or directory" in failed["reason"]


def test_the_working_directory_may_be_in_a_mount(bench: Bench, source: Path) -> None:
    target = "/runner-test-nowhere/work"
    job = bench.launch(
        ["sh", "-c", "echo ready; pwd; cat there"], PID1, mounts=[Mount(source, target)], working_directory=target
    )
    assert job.wait_gone()["code"] == 0
    assert job.log().splitlines() == ["ready", target, "it is there"]
