"""Probes by what they do with SIGTERM: each in the state it is named for when it says that it is ready."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.probes.conftest import Launcher
from tests.probing import compiled, has_sigterm, probe, script, state
from tests.waiting import wait_until

pytestmark = pytest.mark.process


@pytest.mark.parametrize(
    ("command", "mask", "code"),
    [
        (probe("polite"), "SigCgt", 0),
        (probe("exits", 3), "SigCgt", 3),
        (probe("slow", 0.05, 4), "SigCgt", 4),
        (probe("waits-in-thread"), "SigBlk", 0),
        (probe("reraises"), "SigCgt", -signal.SIGTERM),
        (probe("tells", 0), "SigCgt", 0),
    ],
    ids=lambda value: "-".join(value[4:]) if isinstance(value, list) else str(value),
)
def test_answers_sigterm(launch: Launcher, command: list[str], mask: str, code: int) -> None:
    run = launch(*command)
    assert run.ready() == run.pid
    assert has_sigterm(run.pid, mask)
    assert run.stop() == code
    assert "got SIGTERM" in run.text


def test_no_handler_dies_of_it_outside_a_namespace(launch: Launcher) -> None:
    run = launch(*probe("no-handler"))
    run.ready()
    assert not any(has_sigterm(run.pid, mask) for mask in ("SigCgt", "SigIgn", "SigBlk"))
    assert run.stop() == -signal.SIGTERM


def test_deaf_ignores_it(launch: Launcher) -> None:
    run = launch(*probe("deaf"))
    run.ready()
    assert has_sigterm(run.pid, "SigIgn")
    run.send(signal.SIGTERM)
    assert not has_sigterm(run.pid, "ShdPnd")
    assert state(run.pid) == "S"


def test_blocks_keeps_it_pending(launch: Launcher) -> None:
    run = launch(*probe("blocks"))
    run.ready()
    run.send(signal.SIGTERM)
    assert has_sigterm(run.pid, "SigBlk")
    assert has_sigterm(run.pid, "ShdPnd")
    assert run.process.poll() is None


def test_waits_shows_in_no_mask(launch: Launcher) -> None:
    """The kernel takes what sigtimedwait(2) waits for out of the blocked mask meanwhile."""
    run = launch(*probe("waits"))
    run.ready()
    wait_channel = Path(f"/proc/{run.pid}/wchan")
    wait_until(lambda: "sigtimedwait" in wait_channel.read_text(), within=5, saying="it does not wait for a signal")
    assert not any(has_sigterm(run.pid, mask) for mask in ("SigCgt", "SigIgn", "SigBlk"))
    assert run.stop() == 0
    assert "got SIGTERM" in run.text


def test_slow_takes_its_time_and_keeps_to_it(launch: Launcher) -> None:
    run = launch(*probe("slow", 0.3))
    run.ready()
    run.send(signal.SIGTERM)
    run.wait_for("^got SIGTERM$")
    run.send(signal.SIGTERM)
    assert "saved" not in run.text
    assert run.end() == 0
    assert run.text.count("got SIGTERM") == run.text.count("saved") == 1


def test_late_has_no_handler_at_first(launch: Launcher) -> None:
    run = launch(*probe("late", 0.3))
    run.wait_for(f"^starting {run.pid}$")
    assert not has_sigterm(run.pid, "SigCgt")
    assert "ready" not in run.text
    run.ready()
    assert run.stop() == 0


def test_tells_every_signal(launch: Launcher) -> None:
    run = launch(*probe("tells", 60))
    run.ready()
    told: list[str] = []
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGUSR1, signal.SIGCONT, signal.SIGTERM):
        told.append(f"got {number.name}")
        run.send(number)
        run.wait_for("\n".join(told))
    assert run.text.splitlines()[1:] == told


@pytest.mark.parametrize("name", ["stops-itself", "reads-tty"])
def test_stops_itself_until_it_is_continued(launch: Launcher, name: str) -> None:
    run = launch(*probe(name))
    run.ready()
    if name == "reads-tty":
        # The session's leader is alone in its group, an orphaned one: there SIGTTIN stops nobody (setpgid(2)).
        run.wait_for("^went on$")
        assert run.stop() == 0
        return
    wait_until(lambda: state(run.pid) == "T", within=5, saying="it does not stop")
    run.send(signal.SIGTERM)
    assert has_sigterm(run.pid, "ShdPnd")
    run.send(signal.SIGCONT)
    assert run.end() == 0


@pytest.mark.parametrize(("source", "blocked"), [("polite.c", False), ("signalfd.c", True)])
def test_c_probes_exit_0(launch: Launcher, tmp_path: Path, source: str, blocked: bool) -> None:
    run = launch(*compiled(source, tmp_path))
    assert run.ready() == run.pid
    assert has_sigterm(run.pid, "SigBlk") is blocked
    assert has_sigterm(run.pid, "SigCgt") is not blocked
    assert run.stop() == 0


def test_trap_waits_for_the_foreground_child(launch: Launcher) -> None:
    run = launch(*script("trap.sh", 0.5, shell="bash"))
    run.ready()
    run.send(signal.SIGTERM)
    assert run.end() == 42
    assert "got SIGTERM" in run.text


def test_trap_and_wait_does_not(launch: Launcher) -> None:
    run = launch(*script("trap-and-wait.sh", 1000, shell="bash"))
    run.ready()
    assert run.stop() == 42
    assert run.everyone() == []


def test_a_wrapper_keeps_the_signal_from_its_command(launch: Launcher) -> None:
    run = launch(*script("wrapper.sh", *probe("polite")))
    worker = run.ready()
    assert worker != run.pid
    assert not has_sigterm(run.pid, "SigCgt")
    assert run.stop() == -signal.SIGTERM
    assert run.everyone() == [worker]
    assert "got SIGTERM" not in run.text


def test_an_unknown_name_is_refused(launch: Launcher) -> None:
    run = launch(*probe("rude"))
    assert run.end() == 2
    assert "no such probe: 'rude'. There are: polite" in run.text
