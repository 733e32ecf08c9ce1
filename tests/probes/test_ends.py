"""Probes that end in their own way, and what they print."""

from __future__ import annotations

import signal

import pytest

from tests.probes.conftest import Launcher
from tests.probing import probe, script

pytestmark = pytest.mark.process

MIB = 1 << 20


@pytest.mark.parametrize("code", [0, 1, 2, 32, 64, 127, 254, 255])
def test_exit_codes(launch: Launcher, code: int) -> None:
    run = launch(*probe("exit", code))
    assert run.end() == code
    assert run.text == f"ready {run.pid}\n"


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGQUIT", "SIGKILL"])
def test_death_by_a_signal(launch: Launcher, name: str) -> None:
    assert launch(*probe("dies", name)).end() == -signal.Signals[name]


def test_aborts(launch: Launcher) -> None:
    assert launch(*probe("aborts")).end() == -signal.SIGABRT


def test_segfaults(launch: Launcher) -> None:
    assert launch(*probe("segfaults")).end() == -signal.SIGSEGV


def test_exec_of_a_missing_file(launch: Launcher) -> None:
    run = launch(*probe("exec-missing"))
    assert run.end() == 127
    assert "/nonexistent/program: No such file or directory" in run.text


def test_memory_is_taken_up_to_the_limit(launch: Launcher) -> None:
    run = launch(*probe("takes-memory", 64 * MIB))
    run.wait_for(f"^allocated {64 * MIB}$")
    assert run.stop() == 0
    assert [int(line.split()[1]) for line in run.text.splitlines() if line.startswith("allocated")] == [
        16 * MIB,
        32 * MIB,
        48 * MIB,
        64 * MIB,
    ]


def test_floods_prints_exactly_so_much(launch: Launcher) -> None:
    run = launch(*probe("floods", 3_000_001))
    assert run.end() == 0
    ready, _, flood = run.bytes.partition(b"\n")
    assert ready.startswith(b"ready ")
    assert len(flood) == 3_000_001
    lines = flood.split(b"\n")
    assert [int(line) for line in lines[:-1]] == list(range(len(lines) - 1))


def test_pieces_end_without_an_end(launch: Launcher) -> None:
    run = launch(*probe("pieces"))
    run.wait_for("open end")
    assert run.stop() == 0
    assert run.text.split("\n")[1:] == ["one line in pieces", "an open end, and the last words without one"]


def test_binary_prints_every_byte(launch: Launcher) -> None:
    run = launch(*probe("binary"))
    run.wait_for("ready")
    assert run.stop() == 0
    assert bytes(range(256)) + b"\n\xff\xfe\x00\xc3\n" in run.bytes


def test_silent_prints_nothing(launch: Launcher) -> None:
    run = launch(*probe("silent"))
    assert run.stop() in {0, -signal.SIGTERM}  # it cannot say when its handler is there
    assert run.bytes == b""


@pytest.mark.parametrize("command", [probe("by-name", 3), script("by-name.sh", 3)], ids=["python", "shell"])
def test_by_name_empties_a_regular_file(launch: Launcher, command: list[str]) -> None:
    """The trap that the probe is for: this log is a file, and all but the last line is lost."""
    run = launch(*command)
    assert run.end() == 0
    assert run.text.replace("\0", "").splitlines() == ["stderr 2"]
