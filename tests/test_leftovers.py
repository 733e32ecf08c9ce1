"""The check that nothing is left finds each thing that could be."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import leftovers
from tests.probing import probe
from tests.waiting import wait_until

pytestmark = pytest.mark.process


@contextmanager
def running(command: list[str], *, folder: Path | None = None, mark: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """A process that has said that it is ready."""
    environment: Mapping[str, str] = {**os.environ, leftovers.MARK: mark} if mark else os.environ
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline().startswith(b"ready")
            yield process
        finally:
            process.kill()


def assert_found(before: leftovers.Observed, what: str) -> None:
    with pytest.raises(AssertionError, match=what):
        leftovers.assert_nothing_left(before, within=0)


def test_nothing_is_left_of_nothing(tmp_path: Path) -> None:
    leftovers.assert_nothing_left(leftovers.observe(tmp_path), within=0)


def test_finds_a_process_by_its_mark_until_it_has_ended(tmp_path: Path) -> None:
    before = leftovers.observe(tmp_path)
    with running(probe("polite"), mark=f"{tmp_path}/data:training/a:1") as process:
        assert process.stdout is not None
        assert process.stdin is not None
        before = leftovers.observe(tmp_path)
        assert_found(before, rf"process {process.pid} \(.*polite\): RUNNER_MARK in its environment")
    process.wait()
    assert list(leftovers.processes(tmp_path)) == []


def test_a_neighbour_whose_name_begins_alike_is_not_ours(tmp_path: Path) -> None:
    with running(probe("polite"), mark=f"{tmp_path}0:training/a:1"):
        leftovers.assert_nothing_left(leftovers.observe(tmp_path), within=0)


def test_finds_a_process_that_works_in_the_folder(tmp_path: Path) -> None:
    with running(probe("polite"), folder=tmp_path):
        assert_found(leftovers.observe(tmp_path), r"cwd -> ")


def test_finds_a_process_that_has_a_file_open(tmp_path: Path) -> None:
    with running(["sh", "-c", f"exec 5>'{tmp_path}/file'; echo ready; read line"]):
        assert_found(leftovers.observe(tmp_path), r"fd/5 -> .*/file")


def test_finds_a_mount_in_another_namespace(tmp_path: Path) -> None:
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("no unshare on this machine")
    options = ["--mount"] if os.geteuid() == 0 else ["--mount", "--map-root-user"]
    point = tmp_path / "point"
    point.mkdir()
    mounting = f"mount -t tmpfs none '{point}' && echo ready || echo refused; read line"
    with subprocess.Popen(
        [unshare, *options, "sh", "-c", mounting], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        if process.stdout.readline() != b"ready\n":
            process.kill()
            pytest.skip("this machine does not let this user mount in a namespace")
        assert_found(leftovers.observe(tmp_path), rf"mount / at {point} in its mount namespace")
        process.kill()


def test_finds_a_temporary_folder(tmp_path: Path) -> None:
    before = leftovers.observe(tmp_path)
    with tempfile.TemporaryDirectory(prefix="runner-") as folder:
        assert_found(before, f"temporary {folder}")
    leftovers.assert_nothing_left(before, within=0)


def test_finds_a_descriptor(tmp_path: Path) -> None:
    before = leftovers.observe(tmp_path)
    reading, writing = os.pipe()
    assert_found(before, rf"descriptor {reading} -> pipe")
    os.close(reading)
    os.close(writing)
    leftovers.assert_nothing_left(before, within=0)


def test_finds_a_cgroup_unless_the_keeper_that_made_it_lives_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = leftovers.observe(tmp_path)
    monkeypatch.setattr(leftovers, "cgroups", lambda: ["/sys/fs/cgroup/runner-9999999-a"])
    assert_found(before, r"cgroup /sys/fs/cgroup/runner-9999999-a")
    monkeypatch.setattr(leftovers, "cgroups", lambda: [f"/sys/fs/cgroup/runner-{os.getppid()}-a"])
    leftovers.assert_nothing_left(before, within=0)


def test_a_wait_says_what_did_not_come() -> None:
    with pytest.raises(AssertionError, match=r"^not within 0 s: no answer$"):
        wait_until(lambda: False, within=0, saying="no answer")


def test_a_wait_gives_the_answer_even_if_it_came_at_the_last_look() -> None:
    answers = iter(["", "", "yes"])
    assert wait_until(lambda: next(answers), within=5, saying="no answer") == "yes"
