"""The options of this suite, tried on a suite of one file, and the environment that its tests run in."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SUITE = """
import os
import pytest

def test_passes():
    print("AWS" in str(list(os.environ)), "PYTHONUNBUFFERED" in os.environ, "RUNNER_DATA_DIR" in os.environ)

@pytest.mark.parametrize("letter", "ab")
def test_also(letter):
    pass

def test_is_skipped():
    pytest.skip("for want of a compiler")
"""


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(SUITE)
    (folder / "pytest.ini").write_text("[pytest]\n")
    outer = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", "-rP", "-v", *options],
        cwd=folder,
        env=outer | {"PYTHONPATH": str(ROOT), "AWS_PROFILE": "x", "PYTHONUNBUFFERED": "1", "RUNNER_DATA_DIR": "/"},
        capture_output=True,
        text=True,
        timeout=50,
    )


@pytest.mark.process
def test_each_test_is_repeated(tmp_path: Path) -> None:
    ran = run(tmp_path, "--repeat-each", "3")
    assert "9 passed, 3 skipped" in ran.stdout
    assert "test_also[2-a] PASSED" in ran.stdout


@pytest.mark.process
def test_a_skip_fails_where_nothing_may_be_skipped(tmp_path: Path) -> None:
    assert run(tmp_path).returncode == 0
    ran = run(tmp_path, "--no-skips")
    assert ran.returncode == 1
    assert "3 passed" in ran.stdout
    assert "skipped, and --no-skips was given: Skipped: for want of a compiler" in ran.stdout


@pytest.mark.process
def test_the_environment_is_a_users(tmp_path: Path) -> None:
    assert "False False False" in run(tmp_path, "-k", "passes").stdout


def test_tests_run_under_limits() -> None:
    assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0
    for which in (resource.RLIMIT_AS, resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC):
        assert resource.getrlimit(which)[0] != resource.RLIM_INFINITY
