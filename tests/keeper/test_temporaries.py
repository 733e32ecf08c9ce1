"""What a job leaves behind: files in its TMPDIR and shared memory, told when nothing of it runs any more."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.keeper.temporaries import LISTED
from runner.lifecycle.facts import FactName
from tests.keeper.bench import PLAIN, Attempt, Bench, Room
from tests.keeper.conftest import MakeBench
from tests.keeper.programs import program

TELLS = "on_end = signal.signal(signal.SIGTERM, lambda *_: os._exit(0))\ntell('ready')\nwait_for_ever()"


def launch(bench: Bench, room: Room, text: str, *arguments: object, **others: Any) -> Attempt:
    """A job with a TMPDIR of its own."""
    folder = bench.data_dir / "jobs" / f"job-{len(bench.attempts)}" / "ml" / "tmp"
    folder.mkdir(parents=True)
    seen = "/opt/ml/tmp" if room.is_pid1 else str(folder)
    environment = {**os.environ, "TMPDIR": seen}
    return bench.launch(program(text, *arguments), room, temporary=folder, environment=environment, **others)


def test_files_that_are_left_in_tmpdir_are_told_before_the_job_is_gone(bench: Bench, room: Room) -> None:
    text = f"""
tmp = os.environ["TMPDIR"]
os.makedirs(tmp + "/neo-1/deep")
for name, size in (("neo-1/deep/a", 1000), ("cc1.s", 234)):
    with open(f"{{tmp}}/{{name}}", "w") as file:
        file.write("x" * size)
os.symlink("/", tmp + "/link")
{TELLS}"""
    job = launch(bench, room, text)
    job.stop(grace=60)
    job.wait_gone()
    told = job.one(FactName.TEMPORARIES)
    seen = "/opt/ml/tmp" if room.is_pid1 else str(job.launch.folder / "ml" / "tmp")
    assert told["paths"] == [f"{seen}/cc1.s", f"{seen}/link", f"{seen}/neo-1"]
    assert (told["count"], told["bytes"]) == (3, 1234 + len("/"))
    assert job.facts()[-2:] == [told, job.one(FactName.GONE)]


def test_nothing_left_is_not_told(bench: Bench, room: Room) -> None:
    text = f"""
import tempfile
with tempfile.NamedTemporaryFile() as file:
    file.write(b"x")
{TELLS}"""
    job = launch(bench, room, text)
    job.stop(grace=60)
    job.wait_gone()
    assert not job.facts(FactName.TEMPORARIES)


def test_many_are_counted_and_some_are_listed(bench: Bench, room: Room) -> None:
    text = f"""
for number in range(200):
    open(os.environ["TMPDIR"] + f"/{{number:03}}", "w").close()
{TELLS}"""
    job = launch(bench, room, text)
    job.kill()
    job.wait_gone()
    told = job.one(FactName.TEMPORARIES)
    assert (told["count"], len(told["paths"]), told["bytes"]) == (200, LISTED, 0)


def test_a_program_that_removes_its_tmpdir(bench: Bench, room: Room) -> None:
    job = launch(bench, room, f"os.rmdir(os.environ['TMPDIR'])\n{TELLS}")
    job.stop(grace=60)
    assert job.wait_gone()["code"] == 0
    assert not job.facts(FactName.TEMPORARIES)


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[str]:
    """A name in /dev/shm of this test's own, which is free again after it."""
    if not os.path.isdir("/dev/shm"):
        pytest.skip("no /dev/shm on this machine")
    name = f"runner-test-{os.getpid()}-{abs(hash(tmp_path))}"
    yield name
    for path in Path("/dev/shm").glob(f"{name}*"):
        path.unlink()


LEAVES_SHARED = f"""
with open("/dev/shm/" + sys.argv[1], "w") as file:
    file.write("x")
{TELLS}"""


def test_shared_memory_that_is_left_is_told(bench: Bench, room: Room, shared: str) -> None:
    (Path("/dev/shm") / f"{shared}-before").touch()
    job = launch(bench, room, LEAVES_SHARED, shared)
    # Somebody else's: it came meanwhile, and it is in use.
    with (Path("/dev/shm") / f"{shared}-other").open("w"):
        job.stop(grace=60)
        job.wait_gone()
    told = job.one(FactName.TEMPORARIES)["shared_memory"]
    assert [name for name in told if name.startswith(shared)] == [shared]


def test_shared_memory_is_nobodys_when_another_job_ran_meanwhile(make_bench: MakeBench, shared: str) -> None:
    bench = make_bench(PLAIN)
    first = launch(bench, PLAIN, f"open(os.environ['TMPDIR'] + '/a', 'w').close()\n{LEAVES_SHARED}", shared)
    second = launch(bench, PLAIN, TELLS)
    second.stop(grace=60)
    second.wait_gone()
    first.stop(grace=60)
    first.wait_gone()
    assert first.one(FactName.TEMPORARIES)["shared_memory"] is None
    assert not second.facts(FactName.TEMPORARIES)
