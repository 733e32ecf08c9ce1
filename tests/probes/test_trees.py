"""Probes by what they do with other processes."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from tests.probes.conftest import Launcher
from tests.probing import Run, compiled, has_sigterm, living, probe, script
from tests.waiting import wait_until

pytestmark = pytest.mark.process

HOPPED = re.compile(r"^hopped (\d+) times, into session (\d+)$", re.MULTILINE)


def left_by(run: Run) -> list[int]:
    """The children that the probe told and that live on, deaf to SIGTERM."""
    left = [pid for pid in run.children() if pid in living()]
    assert all(has_sigterm(pid, "SigIgn") for pid in left)
    return left


def test_leaves_children_of_its_group(launch: Launcher) -> None:
    run = launch(*probe("leaves-child", 3))
    run.ready()
    assert has_sigterm(run.pid, "SigCgt")
    assert run.stop() == 0
    left = left_by(run)
    assert len(left) == 3
    assert {os.getpgid(pid) for pid in left} == {run.pid}


@pytest.mark.parametrize(("name", "holds"), [("holds-stdout", True), ("leaves-child", False)])
def test_who_holds_stdout(launch: Launcher, name: str, holds: bool) -> None:
    run = launch(*probe(name))
    run.ready()
    output = os.readlink(f"/proc/{run.pid}/fd/1")
    assert run.stop() == 0
    (child,) = left_by(run)
    wait_until(
        lambda: (os.readlink(f"/proc/{child}/fd/1") == output) is holds, within=5, saying="stdout is not as expected"
    )


@pytest.mark.parametrize("name", ["escapee", "escapee-unmarked"])
def test_an_escapee_leaves_the_session(launch: Launcher, name: str) -> None:
    run = launch(*probe(name))
    run.ready()
    (escaped,) = run.children()
    assert os.getsid(escaped) not in {run.pid, escaped}
    marked = f"PROBE_RUN={run._folder}".encode() in Path(f"/proc/{escaped}/environ").read_bytes().split(b"\0")
    assert marked is (name == "escapee")
    assert run.stop() == 0
    assert left_by(run) == [escaped]


@pytest.mark.parametrize("kind", ["python", "c"])
def test_a_hopper_leaves_session_after_session_and_then_ends(launch: Launcher, tmp_path: Path, kind: str) -> None:
    run = launch(*(probe("hops", 40, 0.005) if kind == "python" else compiled("hopper.c", tmp_path, 40, 5_000)))
    run.ready()
    looks: list[list[int]] = []

    def hopped() -> re.Match[str] | None:
        looks.append(run.everyone())
        return HOPPED.search(run.text)

    times, session = wait_until(hopped, within=20, saying=lambda: f"it still hops: {run.everyone()}").groups()
    assert times == "40"
    assert int(session) not in {run.pid, os.getsid(0)}
    assert max(map(len, looks)) <= 2 * 3  # a look may see both who just left and who came after
    wait_until(lambda: run.everyone() == [run.pid], within=5, saying="it lives on")
    assert run.stop() == 0


def test_crashes_and_leaves_children(launch: Launcher) -> None:
    run = launch(*probe("crashes", 2))
    assert run.end() == -signal.SIGSEGV
    assert len(left_by(run)) == 2


def test_orphans_have_ended_when_it_is_ready(launch: Launcher) -> None:
    run = launch(*probe("orphans", 20))
    run.ready()
    assert "orphaned 20" in run.text
    wait_until(lambda: run.everyone() == [run.pid], within=5, saying="orphans live on")
    assert run.stop() == 0


def test_dies_with_its_child(launch: Launcher) -> None:
    run = launch(*probe("dies-with-child", 7))
    run.ready()
    (child,) = run.children()
    assert child in living()
    assert run.stop() == 7
    wait_until(lambda: child not in living(), within=5, saying="the child lives on")


def test_a_storm_is_bounded_in_number_and_in_time(launch: Launcher) -> None:
    run = launch(*probe("storm", 8, 1))
    run.ready()
    assert run.stop() == 0
    looks: list[list[int]] = []

    def over() -> bool:
        looks.append(run.everyone())
        return len(HOPPED.findall(run.text)) == 4

    wait_until(over, within=20, saying="the storm goes on")
    # A look takes longer than a process of the storm lives: it may miss all, or see both the first and the next.
    assert max(map(len, looks)) <= 2 * 8
    assert sum(int(times) for times, _ in HOPPED.findall(run.text)) > 20
    wait_until(lambda: run.everyone() == [], within=5, saying="a process of the storm lives on")


def test_workers_end_when_their_pipe_closes(launch: Launcher) -> None:
    run = launch(*probe("workers", 8))
    run.ready()
    wait_until(
        lambda: sum(has_sigterm(pid, "SigIgn") for pid in run.everyone()) == 8, within=5, saying="not 8 deaf workers"
    )
    assert run.stop() == 0
    assert "all 8 workers have ended" in run.text
    assert run.everyone() == []


def test_nested_shells(launch: Launcher) -> None:
    run = launch(*script("nested.sh"))
    innermost = run.ready()
    assert innermost != run.pid
    assert len(run.everyone()) == 10  # five shells, one of them the main process; four times cat; sleep
    assert {os.getsid(pid) for pid in run.everyone()} == {run.pid}
