"""How far a job is, from its journal: what is shown to who waits for its end.

Journals of other versions are read too: a member that is not there is passed over.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from typing import Any

from runner import clock
from runner.backends.base import Fact
from runner.lifecycle.facts import FactName
from runner.lifecycle.phases import Phase

_OVER = frozenset({FactName.GONE.value, FactName.LOST.value})


def mark(facts: Sequence[Fact]) -> str | None:
    """By which the processes of the attempt are found (`RUNNER_MARK` in their environments)."""
    launch = _last(facts, FactName.LAUNCH)
    return None if launch is None else launch.get("mark")


def over(facts: Sequence[Fact]) -> bool:
    """No process of the attempt is left."""
    return any(fact["fact"] in _OVER for fact in facts)


def stop(facts: Sequence[Fact]) -> dict[str, Any] | None:
    """The stop that has begun: `{grace, left, killed}`.

    `grace` in seconds; `left` the seconds until SIGKILL, 0 if they are over; `killed` the reason of a SIGKILL that
    was sent (`KillReason`), or None.
    """
    ordered = _last(facts, FactName.STOP)
    if ordered is None:
        return None
    # The deadline counts from the signal, once that is on record.
    deadline = (_last(facts, FactName.SIGNAL) or ordered).get("deadline", 0)
    kill = _last(facts, FactName.KILL)
    return {
        "grace": ordered.get("grace"),
        "left": max(0.0, (deadline - clock.monotonic_ns()) / 1e9),
        "killed": None if kill is None else kill.get("why"),
    }


def living(facts: Sequence[Fact]) -> list[dict[str, Any]]:
    """The processes that were there when last looked at, and of which no end is on record: `{pid, inner, name}`.

    Before a stop nobody looks, and only the main process is known.
    """
    started = _last(facts, FactName.STARTED)
    if started is None or over(facts):
        return []
    look = _last(facts, FactName.LOOK)
    seen = [_main(facts, started)] if look is None else [_shown(process) for process in look.get("processes", ())]
    ended = {fact.get("pid") for fact in facts if fact["fact"] in (FactName.ENDED.value, FactName.PROCESS_ENDED.value)}
    return [process for process in seen if process["pid"] not in ended]


def trainings(phases: Sequence[Phase]) -> dict[str, int]:
    """Of a tuning job: how many trainings it has `launched`, and how many of them are `running` still."""
    ended = Counter(phase.is_terminal for phase in phases)
    return {"launched": len(phases), "running": ended[False]}


def _main(facts: Sequence[Fact], started: Fact) -> dict[str, Any]:
    launch = _last(facts, FactName.LAUNCH)
    argv = () if launch is None else launch.get("argv", ())
    return {**_shown(started), "name": os.path.basename(argv[0]) if argv else ""}


def _shown(process: Fact) -> dict[str, Any]:
    return {member: process.get(member) for member in ("pid", "inner", "name")}


def _last(facts: Sequence[Fact], name: FactName) -> Fact | None:
    return next((fact for fact in reversed(facts) if fact["fact"] == name.value), None)
