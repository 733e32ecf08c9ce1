"""One supervisor per data directory."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from runner.errors import DataDirectoryInUse, DataDirectoryUnusable
from runner.supervisor.lock import DirectoryLock, holder

_HOLD = """
import os, sys
from pathlib import Path
from runner.supervisor.lock import DirectoryLock
lock = DirectoryLock(Path(sys.argv[1]), Path(sys.argv[1], "lock"))
{then}
print(os.getpid(), flush=True)
sys.stdin.read()
"""


def claim(root: Path) -> DirectoryLock:
    return DirectoryLock(root, root / "lock")


def hold(root: Path, then: str = "") -> subprocess.Popen[str]:
    """Another process that holds the directory until its standard input ends."""
    command = [sys.executable, "-c", _HOLD.format(then=then), str(root)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_a_directory_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    claim(tmp_path / "a" / "b").release()
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def test_a_second_supervisor_in_the_same_process_is_refused_and_the_first_keeps_its_claim(tmp_path: Path) -> None:
    lock = claim(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path)
    for path in (tmp_path, tmp_path / "link"):
        with pytest.raises(DataDirectoryInUse, match=str(os.getpid())):
            claim(path)
    lock.release()
    claim(tmp_path).release()


@pytest.mark.process
def test_case_48_a_second_supervisor_in_another_process_is_told_who_has_it(tmp_path: Path) -> None:
    assert holder(tmp_path / "lock") is None
    with hold(tmp_path) as other:
        assert other.stdout is not None
        pid = other.stdout.readline().strip()
        with pytest.raises(DataDirectoryInUse, match=re.escape(f"pid {pid}")):
            claim(tmp_path)
        assert holder(tmp_path / "lock") == int(pid)
        other.communicate()
    assert holder(tmp_path / "lock") is None
    claim(tmp_path).release()


@pytest.mark.process
def test_a_forked_child_does_not_hold_the_claim_of_its_parent(tmp_path: Path) -> None:
    # The child keeps the descriptor open for as long as its standard input is.
    fork = "if os.fork(): print('parent', flush=True); os._exit(0)"
    with hold(tmp_path, fork) as parent:
        assert parent.stdout is not None
        assert {parent.stdout.readline().strip().isdigit(), parent.stdout.readline().strip().isdigit()} == {True, False}
        parent.wait(timeout=10)
        claim(tmp_path).release()
        parent.communicate()


@pytest.mark.parametrize("kind", ["file", "below a file", "not a directory we may write"])
def test_a_directory_that_cannot_be_used(tmp_path: Path, kind: str) -> None:
    (tmp_path / "file").write_text("")
    root = {"file": tmp_path / "file", "below a file": tmp_path / "file" / "a"}.get(kind, Path("/proc/self"))
    with pytest.raises(DataDirectoryUnusable, match=re.escape(str(root))):
        claim(root)
