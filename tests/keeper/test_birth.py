"""What a program is born with: environment, folder, limits, descriptors, and clean signals. Case 21."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.lifecycle.facts import FactName
from tests.keeper.bench import Attempt, Bench, Room
from tests.keeper.cases import case
from tests.keeper.conftest import MakeBench
from tests.keeper.owner import Owner, words
from tests.probing import probe
from tests.waiting import wait_until

MASKS = ("SigBlk", "SigIgn", "SigCgt", "SigPnd", "ShdPnd")
TELL = """
import json, os, resource, sys
print("ready", json.dumps({
    "argv": sys.argv[1:],
    "environment": dict(os.environ),
    "folder": os.getcwd(),
    "ids": [os.getpid(), os.getsid(0), os.getpgid(0)],
    "files": resource.getrlimit(resource.RLIMIT_NOFILE),
    "umask": os.umask(0),
}))
"""


def told(job: Attempt) -> str:
    job.wait_gone()
    return job.log().removeprefix("ready ")


def teller(*arguments: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", TELL, *arguments]


@pytest.fixture
def few_files() -> Iterator[tuple[int, int]]:
    """A soft limit of open files below the hard one, as a user has it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (400, hard))
    yield 400, hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_program_gets_what_it_was_launched_with_and_nothing_else(
    few_files: tuple[int, int], bench: Bench, room: Room, tmp_path: Path
) -> None:
    environment = {"PATH": os.environ["PATH"], "GREETING": "grüß\ngott", "EMPTY": "", "PYTHONIOENCODING": "utf-8"}
    job = bench.launch(teller("a b", "", "ü"), room, environment=environment, working_directory=str(tmp_path))
    seen = json.loads(told(job))
    mark = seen["environment"].pop("RUNNER_MARK")
    # Not ours: Python itself sets it where the locale is C (PEP 538).
    seen["environment"].pop("LC_CTYPE", None)
    assert mark == f"{bench.data_dir}:{job.launch.job}:1" == job.one(FactName.LAUNCH)["mark"]
    assert seen["environment"] == environment
    assert seen["argv"] == ["a b", "", "ü"]
    assert seen["folder"] == str(tmp_path)
    # The keeper needs more open files than that; the job is not to inherit it.
    assert tuple(seen["files"]) == few_files
    umask = os.umask(0o22)
    os.umask(umask)
    assert seen["umask"] == umask
    pid = 1 if room.is_pid1 else job.pid
    assert seen["ids"] == [pid, pid, pid]
    assert job.one(FactName.STARTED)["inner"] == pid


def test_a_program_has_three_descriptors_and_no_input(bench: Bench, room: Room) -> None:
    for _ in range(3):  # nor those of jobs that run
        bench.launch(probe("polite"), room)
    # The shell is asked, because `ls` has one more for the folder that it lists.
    listing = told(bench.launch(["sh", "-c", "ls -l /proc/$$/fd; cat; echo ready"], room))
    found = dict(re.findall(r" (\d+) -> (\S+)", listing))
    assert sorted(found) == ["0", "1", "2"]
    assert found["0"] == "/dev/null"
    assert found["1"] == found["2"]
    assert found["1"].endswith("/fifo")


@case(21)
def test_a_program_starts_with_clean_signals(bench: Bench, room: Room) -> None:
    # `cat`, because an interpreter changes some for itself.
    assert_clean(told(bench.launch(["cat", "/proc/self/status"], room, ready="SigCgt")))


@case(21)
@pytest.mark.parametrize("how", ["ignored", "blocked"])
def test_a_program_starts_with_clean_signals_whatever_the_supervisor_had(
    room: Room, nothing_left: Path, how: str
) -> None:
    with Owner(nothing_left / "data", room, "private", ["cat", "/proc/self/status"], disturbed=how) as owner:
        wait_until(lambda: "gone" in words(owner.facts()), within=10, saying=owner.story)
        text = owner.log()
    assert_clean(text)


@case(21)
@pytest.mark.parametrize("how", ["ignored", "blocked"])
def test_a_supervisor_with_disturbed_signals_sees_every_end(room: Room, nothing_left: Path, how: str) -> None:
    with Owner(nothing_left / "data", room, "private", probe("exits", 3), disturbed=how, grace=30.0) as owner:
        wait_until(lambda: "gone" in words(owner.facts()), within=10, saying=owner.story)
        (ended,) = [fact for fact in owner.facts() if fact["fact"] == "ended"]
    assert ended["code"] == 3


def assert_clean(status: str) -> None:
    masks = {name: int(value, 16) for name, value in re.findall(r"^(\w+):\t([0-9a-f]{16})$", status, re.MULTILINE)}
    assert {name: masks[name] for name in MASKS} == dict.fromkeys(MASKS, 0)


def test_the_supervisor_has_no_child_and_no_changed_signal_for_it(bench: Bench, room: Room) -> None:
    before = [signal.getsignal(number) for number in signal.valid_signals()]
    job = bench.launch(probe("polite"), room)
    assert int(Path(f"/proc/{job.pid}/stat").read_text().rpartition(")")[2].split()[1]) == bench.backend.keeper_pid
    assert str(bench.backend.keeper_pid) not in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    assert [signal.getsignal(number) for number in signal.valid_signals()] == before


def test_the_keeper_shows_itself_in_the_process_list(make_bench: MakeBench) -> None:
    bench = make_bench()
    command = ["ps", "-ww", "-o", "comm=,args=", "-p", str(bench.backend.keeper_pid)]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert listing.split() == ["runner-keeper", "runner-keeper", str(bench.data_dir)]


def test_two_hundred_launches_leak_no_descriptor(bench: Bench, room: Room) -> None:
    def descriptors() -> list[str]:
        folder = f"/proc/{bench.backend.keeper_pid}/fd"
        return sorted(os.readlink(f"{folder}/{name}") for name in os.listdir(folder))

    def run(count: int) -> None:
        jobs = [bench.prepare(["true"], room) for _ in range(count - 1)]
        jobs.append(bench.prepare(["/nonexistent/program"], room))
        for job in jobs:
            bench.begin_launch(job)
        for job in jobs:
            job.wait_gone()
            bench.do(bench.backend.forget(job.launch.job))

    run(2)
    before = descriptors()
    for _ in range(4):
        run(50)
    assert descriptors() == before
