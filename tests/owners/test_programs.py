"""A program with a runner ends, in each way in which programs end: nothing is left within 2 s."""

from __future__ import annotations

import signal

import pytest

from tests.owners.owning import Owner

WAITING = ["wait_for_job", "wait_for_job_inside", "follow_job"]


@pytest.mark.parametrize(
    ("way", "code", "told"),
    [
        ("leave_without_clean_up", 7, ""),
        ("leave_open", 0, ""),
        ("raise_it", 1, "LookupError: nobody handles this"),
        ("exit_in_thread", 0, ""),
    ],
)
def test_ends_by_itself(owner: Owner, way: str, code: int, told: str) -> None:
    owner.run_program(way)
    assert owner.end() == code, owner.output
    assert told in owner.output
    assert told or not owner.output  # a clean end says nothing
    owner.assert_nothing_left()


@pytest.mark.parametrize("way", WAITING)
def test_keyboard_interrupt(owner: Owner, way: str) -> None:
    owner.run_program(way).assert_jobs_run()
    owner.send(signal.SIGINT)
    assert owner.end() == -signal.SIGINT
    assert owner.output.endswith("KeyboardInterrupt\n")
    assert owner.output.count("Traceback") == 1, owner.output
    owner.assert_nothing_left()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL], ids=lambda number: number.name)
def test_default_signal_in_the_middle_of_a_stop(owner: Owner, number: signal.Signals) -> None:
    owner.run_program("stop_job").assert_jobs_run()
    owner.send(number)
    assert owner.end() == -number
    owner.assert_nothing_left()
