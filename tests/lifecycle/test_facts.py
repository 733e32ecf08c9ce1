"""What the facts of a journal mean for the job's life."""

from __future__ import annotations

from typing import Any

import pytest

from runner.lifecycle.facts import FactName, KillReason, event_of
from runner.lifecycle.phases import Event

Fact = dict[str, Any]


def fact(name: FactName, **members: Any) -> Fact:
    return {"n": 1, "t": 1, "w": 1, "a": 1, "fact": name.value} | members


LAUNCH = fact(FactName.LAUNCH, argv=["true"], isolation="plain", boot="b", cgroup=None, folder="/f")
STARTED = fact(FactName.STARTED, pid=7, inner=1, start=9)
EXECUTED = fact(FactName.EXECUTED)
STOP = fact(FactName.STOP, grace=1.0, deadline=1, boot="b", cause="requested")
KILL = fact(FactName.KILL, why=KillReason.DEADLINE.value, pid=7)
GONE = fact(FactName.GONE, log=0)


def ended(code: int | None, signal: str | None = None) -> Fact:
    return fact(FactName.ENDED, pid=7, code=code, signal=signal, killer=None, out_of_memory="no", cpu=0.0)


NOT_EXECUTED = fact(FactName.NOT_EXECUTED, stage="exec", errno=2, reason="no such file", code=127)


@pytest.mark.parametrize(
    ("before", "event"),
    [
        ([LAUNCH, STARTED, EXECUTED, ended(0)], Event.SUCCEEDED),
        ([LAUNCH, STARTED, EXECUTED, STOP, ended(0)], Event.SUCCEEDED),
        ([LAUNCH, STARTED, EXECUTED, ended(3)], Event.FAILED),
        ([LAUNCH, STARTED, EXECUTED, ended(127)], Event.FAILED),
        ([LAUNCH, STARTED, EXECUTED, STOP, KILL, ended(None, "SIGKILL")], Event.FAILED),
        ([LAUNCH, STARTED, NOT_EXECUTED, ended(127)], Event.LAUNCH_FAILED),
        ([LAUNCH, NOT_EXECUTED], Event.LAUNCH_FAILED),
        ([LAUNCH, STARTED, EXECUTED], Event.LOST),
        ([], Event.LOST),
    ],
    ids=["exit-0", "exit-0-stopped", "exit-3", "exit-127", "killed", "no-exec", "no-start", "unknown", "nothing"],
)
def test_the_end_of_an_attempt(before: list[Fact], event: Event) -> None:
    assert event_of(GONE, before) is event


def test_the_program_runs_once_the_kernel_took_it() -> None:
    assert event_of(EXECUTED, [LAUNCH, STARTED]) is Event.EXECUTED


def test_a_lost_keeper_is_the_end() -> None:
    assert event_of(fact(FactName.LOST, processes=[]), [LAUNCH, STARTED, EXECUTED]) is Event.LOST


MEANINGFUL = {FactName.EXECUTED, FactName.LOST, FactName.GONE}


@pytest.mark.parametrize("name", [name for name in FactName if name not in MEANINGFUL])
def test_other_facts_are_evidence_only(name: FactName) -> None:
    assert event_of(fact(name), [LAUNCH]) is None


def test_the_exit_of_the_main_process_alone_is_not_the_end() -> None:
    """Left-overs may live for a moment; `Stopped` before they are gone would be a lie."""
    assert event_of(ended(0), [LAUNCH, STARTED, EXECUTED]) is None
