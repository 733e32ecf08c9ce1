"""Where a Python program was before its deadline, and that asking for it disturbs nothing, whatever py-spy does."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner import Runner
from runner.keeper import dumps
from runner.lifecycle.facts import FactName
from tests.keeper.bench import PLAIN, TREE, Attempt, Bench, Room
from tests.probing import probe, state
from tests.waiting import wait_until

pytestmark = pytest.mark.slow  # a stack is asked for two seconds before the deadline
GRACE = 3.0
"""The shortest for which stacks are taken: a second after the signal."""
GIVEN_UP = "py-spy was given up after 1 s"

STUCK = """
import signal, threading, time

signal.signal(signal.SIGTERM, lambda number, frame: print("got SIGTERM", flush=True))

def wait_for_a_batch():
    time.sleep(1000)

def train_one_epoch():
    print("ready", flush=True)
    while True:
        pass

threading.Thread(target=wait_for_a_batch, name="loader", daemon=True).start()
train_one_epoch()
"""


@pytest.fixture
def py_spy() -> str:
    found = shutil.which("py-spy", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if found is None:
        pytest.skip("py-spy is not installed")
    return found


@pytest.fixture
def stuck(tmp_path: Path) -> Path:
    """A program that goes on after SIGTERM."""
    path = tmp_path / "stuck.py"
    path.write_text(STUCK)
    return path


@pytest.fixture
def spy(tmp_path: Path) -> Path:
    """Where a stand-in for py-spy is put, by `write`."""
    return tmp_path / "spy"


def write(spy: Path, text: str) -> str:
    spy.write_text(f"#!/bin/sh\n{text}\n")
    spy.chmod(0o755)
    return str(spy)


def in_python(text: str) -> str:
    """The line of a stand-in that goes on as a Python program."""
    return f"exec {sys.executable} -I -S -c '{text}'"


def stopped(bench: Bench, argv: Sequence[str], room: Room, program: str) -> tuple[Attempt, dict[str, Any]]:
    """A job in its grace, and what its journal says of its stacks. Again where a busy machine made py-spy too slow."""
    for _ in range(4):
        job = bench.launch(argv, room, stacks=program)
        job.stop(GRACE)
        stacks = stacks_of(job)
        if stacks["error"] != GIVEN_UP:
            return job, stacks
        job.kill()
        job.wait_gone()
    raise AssertionError("given up again and again")


def stacks_of(job: Attempt) -> dict[str, Any]:
    """The only fact of them, once it is there."""
    job.wait_for(FactName.STACKS)
    return dict(job.one(FactName.STACKS))


def wait_for(path: Path) -> str:
    return wait_until(lambda: path.read_text() if path.exists() else "", within=20, saying=f"no {path.name}")


def wait_until_ended(pid: int) -> None:
    wait_until(lambda: state(pid) in {"", "Z"}, within=10, saying=f"{pid} lives on")


def assert_stuck_in(stacks: dict[str, Any], program: Path) -> None:
    assert stacks["error"] is None
    assert list(stacks)[5:] == ["pid", "inner", "threads", "error"]
    main, loader = stacks["threads"]
    assert (main["name"], main["main"], main["active"]) == ("MainThread", True, True)
    assert (loader["name"], loader["main"], loader["active"]) == ("loader", False, False)
    frames = main["frames"]
    assert [frame["function"] for frame in frames] == ["train_one_epoch", "<module>"]
    assert {frame["file"] for frame in frames} == {str(program)}
    lines = program.read_text().splitlines()
    assert lines[frames[0]["line"] - 1].strip() in ("while True:", "pass")
    assert "wait_for_a_batch" in [frame["function"] for frame in loader["frames"]]


def test_a_program_that_overstays_has_its_stack_in_the_journal(
    bench: Bench, room: Room, stuck: Path, py_spy: str
) -> None:
    job, stacks = stopped(bench, [sys.executable, str(stuck)], room, py_spy)
    assert_stuck_in(stacks, stuck)
    assert (stacks["pid"], stacks["inner"]) == (job.pid, 1 if room.is_pid1 else job.pid)
    job.wait_gone()
    assert stacks["t"] < job.one(FactName.KILL)["t"]
    assert job.one(FactName.KILL)["t"] >= job.one(FactName.SIGNAL)["deadline"]


def test_below_a_shell_it_is_the_python_program_that_is_asked(
    bench: Bench, room: Room, stuck: Path, py_spy: str
) -> None:
    # Under a name of its own: what it executes tells what it is.
    code = f"(exec -a trainer {sys.executable} {stuck}) & wait; wait; sleep 1000"
    job, stacks = stopped(bench, ["bash", "-c", code], room, py_spy)
    assert_stuck_in(stacks, stuck)
    (child,) = (process for process in job.look("after") if process["command"][0] == "trainer")
    assert (stacks["pid"], stacks["inner"]) == (child["pid"], child["inner"])
    job.kill()
    job.wait_gone()


def test_what_is_no_python_has_an_error_in_place_of_a_stack(bench: Bench, room: Room, py_spy: str) -> None:
    job, stacks = stopped(bench, ["sh", "-c", "trap '' TERM; echo ready; sleep 1000"], room, py_spy)
    assert (stacks["pid"], stacks["threads"]) == (job.pid, [])
    assert "Failed to find python version" in stacks["error"]
    job.kill()
    job.wait_gone()


def test_nothing_is_asked_without_the_program_or_in_a_short_grace(bench: Bench, room: Room, spy: Path) -> None:
    program = write(spy, f"echo begun > {spy}.begun")
    jobs = [bench.launch(probe("deaf"), room), bench.launch(probe("deaf"), room, stacks=program)]
    jobs[0].stop(GRACE)
    jobs[1].stop(GRACE - 0.1)
    for job in jobs:
        assert job.wait_gone()["killer"] == "runner"
        assert not job.facts(FactName.STACKS)
    assert not Path(f"{spy}.begun").exists()


def test_a_program_that_ends_before_is_not_asked(bench: Bench, room: Room, spy: Path) -> None:
    job = bench.launch(probe("polite"), room, stacks=write(spy, f"echo begun > {spy}.begun"))
    deaf = bench.launch(probe("deaf"), room)
    bench.stop([job, deaf], GRACE)
    deaf.wait_gone()
    assert not job.facts(FactName.STACKS)
    assert not Path(f"{spy}.begun").exists()


def test_a_spy_that_hangs_is_given_up_and_the_kill_comes_when_it_is_due(bench: Bench, room: Room, spy: Path) -> None:
    job = bench.launch(
        probe("deaf"), room, stacks=write(spy, f"trap '' TERM; echo $$ > {spy}.pid; sleep 1000; sleep 1000")
    )
    job.stop(GRACE)
    stacks = stacks_of(job)
    assert (stacks["threads"], stacks["error"]) == ([], GIVEN_UP)
    assert not job.facts(FactName.KILL)
    wait_until_ended(int(wait_for(Path(f"{spy}.pid"))))
    job.wait_gone()
    assert job.seconds_to_kill() >= GRACE
    assert [process["pid"] for process in job.look("deadline")] == [job.pid]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("echo nonsense", "what py-spy said cannot be read"),
        ("echo '[{}]'", "what py-spy said cannot be read"),
        ("", "what py-spy said cannot be read"),
        ("exec head -c 1000000000 /dev/zero", "py-spy said more than 1000 kB"),
        ("echo 'Error: no luck' >&2; echo 'and more' >&2; exit 1", "py-spy says: no luck"),
        ("exit 3", "py-spy says: nothing"),
        ("kill -9 $$", "py-spy says: nothing"),
        ("echo 'Permission Denied: Try again' >&2; exit 1", "py-spy may not look at this process"),
        (None, "py-spy says: [Errno 2] No such file or directory"),
    ],
    ids=["nonsense", "no dump", "silence", "gigabyte", "error", "code", "killed", "refused", "missing"],
)
@pytest.mark.parametrize("room", [PLAIN], ids=["plain"])
def test_a_spy_that_tells_nothing_is_an_error_in_the_fact(
    bench: Bench, spy: Path, text: str | None, error: str
) -> None:
    job, stacks = stopped(bench, probe("deaf"), PLAIN, str(spy) if text is None else write(spy, text))
    assert stacks["threads"] == []
    assert stacks["error"].startswith(error)
    job.kill()
    job.wait_gone()


@pytest.mark.parametrize("room", [TREE], ids=["plain-no-cgroup"])
def test_what_a_spy_forks_is_no_process_of_the_job_and_is_killed(bench: Bench, spy: Path) -> None:
    # An orphan of it comes to the keeper as one of the job would; there is no cgroup that tells them apart.
    program = write(spy, f"(sleep 1000 & echo $! > {spy}.orphan); sleep 1000 & echo $! > {spy}.child; sleep 1000")
    job = bench.launch(probe("deaf"), TREE, stacks=program)
    job.stop(GRACE)
    left = [int(wait_for(Path(f"{spy}.{name}"))) for name in ("orphan", "child")]
    assert [process["pid"] for process in job.see()] == [job.pid]
    stacks_of(job)
    for pid in left:
        wait_until_ended(pid)
    job.wait_gone()
    assert all(process["pid"] == job.pid for look in job.facts(FactName.LOOK) for process in look["processes"])
    assert not job.facts(FactName.LEFT_OVER, FactName.PROCESS_ENDED, FactName.UNATTRIBUTED)


@pytest.mark.parametrize("room", [PLAIN], ids=["plain"])
def test_many_at_once_are_asked_a_few_at_a_time(bench: Bench, spy: Path) -> None:
    program = write(spy, f"echo $$ >> {spy}.begun; sleep 1000")
    jobs = [bench.launch(probe("deaf"), PLAIN, stacks=program) for _ in range(6)]
    bench.stop(jobs, GRACE)
    errors = sorted(stacks_of(job)["error"] for job in jobs)
    assert errors == [GIVEN_UP] * 4 + ["too many programs were to be looked at"] * 2
    assert len(Path(f"{spy}.begun").read_text().split()) == 4
    for job in jobs:
        job.wait_gone()
        assert job.seconds_to_kill() >= GRACE


@pytest.mark.parametrize("room", [PLAIN], ids=["plain"])
def test_a_spy_has_nothing_of_the_keeper_but_its_parent(bench: Bench, spy: Path) -> None:
    text = """
import json, os, sys
status = open("/proc/self/status").read()
seen = [os.getppid(), os.getsid(0) == os.getpid(), sorted(os.listdir("/proc/self/fd")), dict(os.environ), status]
print(json.dumps([*seen, sys.argv[1:]]), file=open(sys.argv[1], "w"))
"""
    program = write(spy, in_python(text) + f" {spy}.told $*")
    job = bench.launch(probe("deaf"), PLAIN, stacks=program)
    job.stop(GRACE)
    parent, leads, descriptors, environment, status, arguments = json.loads(wait_for(Path(f"{spy}.told")))
    assert (parent, leads) == (bench.backend.keeper_pid, True)
    # The listing itself, and the file in which it is told.
    assert len(descriptors) <= 5
    assert environment.keys() <= {"PWD", "OLDPWD", "_", "SHLVL", "LC_CTYPE"}
    masks = dict(re.findall(r"^(Sig(?:Blk|Ign)):\t(\w+)$", status, re.MULTILINE))
    # Python itself ignores SIGPIPE and SIGXFSZ.
    assert (int(masks["SigBlk"], 16), int(masks["SigIgn"], 16)) == (0, 1 << 12 | 1 << 24)
    assert arguments[1:] == ["dump", "--nonblocking", "--json", "--pid", str(job.pid)]
    job.kill()
    job.wait_gone()


@pytest.mark.parametrize("room", [PLAIN], ids=["plain"])
def test_a_spy_is_gone_with_the_keeper(bench: Bench, spy: Path) -> None:
    job = bench.launch(probe("deaf"), PLAIN, stacks=write(spy, f"echo $$ > {spy}.pid; sleep 1000; sleep 1000"))
    job.stop(GRACE)
    pid = int(wait_for(Path(f"{spy}.pid")))
    bench.close()
    wait_until_ended(pid)
    assert not job.facts(FactName.STACKS)


def test_a_training_is_asked_where_py_spy_is_installed(
    nothing_left: Path, stuck: Path, py_spy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{Path(py_spy).parent}:{os.environ['PATH']}")
    with Runner(data_dir=nothing_left / "data") as runner:
        job = runner.train([sys.executable, str(stuck)], grace=GRACE)
        job.wait_for_log("ready")
        job.stop()
        (stacks,) = (fact for fact in job.facts() if fact["fact"] == "stacks")
    if stacks["error"] != GIVEN_UP:
        assert_stuck_in(dict(stacks), stuck)


# --- what is asked, and what is made of the answer


def process(pid: int, ppid: int, name: str) -> dict[str, Any]:
    return {"pid": pid, "ppid": ppid, "name": name, "command": [f"/usr/bin/{name}", "train.py"]}


# No process of a machine has such a pid, so that only the names tell.
MAIN = 1 << 23


@pytest.mark.parametrize(
    ("names", "asked"),
    [
        ([(0, "python3")], 0),
        ([(0, "tini"), (0, "bash"), (1, "python3.11"), (2, "python3.11")], 2),
        ([(0, "sh"), (0, "sh"), (1, "python"), (0, "python")], 3),
        ([(0, "sh"), (-1, "python3")], 1),
        ([(0, "trainer"), (0, "cat")], 0),
    ],
    ids=["main", "nearest below", "nearer first", "orphan", "none"],
)
def test_which_process_is_asked(names: list[tuple[int, str]], asked: int) -> None:
    processes = [process(MAIN + n, MAIN + parent if n else 1, name) for n, (parent, name) in enumerate(names)]
    target = dumps.target(MAIN, processes)
    assert target is not None
    assert target["pid"] == MAIN + asked


def test_without_a_main_process_nobody_is_asked() -> None:
    assert dumps.target(MAIN, []) is None
    assert dumps.target(MAIN, [process(MAIN + 1, MAIN, "python3")]) is None


def test_a_dump_is_bounded_and_begins_with_the_main_thread() -> None:
    frame = {"name": "f" * 1000, "filename": None, "line": 7}
    thread = {"thread_name": None, "os_thread_id": 5, "active": False, "frames": [frame] * 1000}
    found = dumps.threads(json.dumps([thread] * 100 + [{**thread, "os_thread_id": 1}]).encode(), {1})
    assert [one["main"] for one in found] == [True] + [False] * (dumps.MOST_THREADS - 1)
    assert len(found[0]["frames"]) == dumps.MOST_FRAMES
    assert found[0]["frames"][0] == {"function": "f" * 300, "file": "", "line": 7}


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
NEARLY = st.lists(
    st.fixed_dictionaries(
        {
            "thread_name": ANYTHING,
            "os_thread_id": st.integers(),
            "active": ANYTHING,
            "frames": st.lists(st.fixed_dictionaries({"name": ANYTHING, "filename": ANYTHING, "line": ANYTHING})),
        }
    )
)


@given((ANYTHING | NEARLY).map(json.dumps).map(str.encode) | st.binary() | st.just(b"[" * 100_000))
def test_whatever_is_said_is_read_or_refused(text: bytes) -> None:
    try:
        found = dumps.threads(text, {1})
    except ValueError:
        return
    json.dumps(found)
    assert all(thread.keys() == {"name", "main", "active", "frames"} for thread in found)
