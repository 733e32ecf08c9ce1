"""Folders that are named beside a request: what they are for the program, and what is refused."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.errors import InvalidRequest
from runner.jobs import asked
from runner.lifecycle.stops import Isolation


def test_relative_folders_are_those_of_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    found = asked.checkpoints(["a", Path("a/b"), "./a/b/..", str(tmp_path)], str(tmp_path))
    assert found == (str(tmp_path / "a"), str(tmp_path / "a" / "b"), str(tmp_path))


def test_none_are_none() -> None:
    assert asked.checkpoints((), "/") == asked.checkpoints([], "/") == ()


@pytest.mark.parametrize("isolation", [None, Isolation.PID1])
def test_what_is_in_opt_ml_need_not_be_there(isolation: Isolation | None) -> None:
    assert asked.checkpoints(["/opt/ml/is/not/there"], "/", isolation) == ("/opt/ml/is/not/there",)
    with pytest.raises(InvalidRequest, match=r"^checkpoints\[0\]: must be a folder that exists"):
        asked.checkpoints(["/opt/mlops/is/not/there"], "/", isolation)


def test_a_plain_job_has_the_opt_ml_of_the_machine() -> None:
    with pytest.raises(InvalidRequest, match="that exists: there is no '/opt/ml/x'"):
        asked.checkpoints(["/opt/ml/x"], "/", Isolation.PLAIN)


@pytest.fixture
def closed() -> Iterator[Path]:
    """A folder that only its owner may read, in one that everybody may: the tests' own may be closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="asked-", dir="/var/tmp"))
    folder.chmod(0o755)
    (folder / "closed").mkdir(mode=0)
    yield folder / "closed"
    shutil.rmtree(folder)


@pytest.mark.process
def test_a_folder_that_may_not_be_read(closed: Path) -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        said = "it was not refused"
        try:
            if os.geteuid() == 0:
                os.setuid(65_534)
            asked.checkpoints([str(closed)], "/")
        except InvalidRequest as error:
            said = str(error)
        finally:
            os.write(writing, said.encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        said = answer.read()
    os.waitpid(child, 0)
    assert said == f"checkpoints[0]: must be a folder that can be read, which {str(closed)!r} is not"
