"""A job whose keeper was killed: its main process died with it (PDEATHSIG); kill the rest and end its journal."""

from __future__ import annotations

import contextlib
import os
import time

from runner import clock
from runner.keeper import evidence
from runner.keeper.family import living, marked
from runner.keeper.journal import Journal, parse
from runner.lifecycle.facts import FactName
from runner.lifecycle.stops import Isolation
from runner.linux import cgroups, procfs
from runner.linux.process import kill_one

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PATIENCE = 10.0
_PAUSE = 0.005


def bury(folder: str) -> None:
    """Kill what is left of the job in `folder` and write down that it is lost, unless its journal has an end."""
    path = os.path.join(folder, "journal.jsonl")
    try:
        with open(path, "rb") as journal:
            facts = parse(journal.read())
    except FileNotFoundError:
        facts = []
    attempt = facts[-1]["a"] if facts else 1
    facts = [fact for fact in facts if fact["a"] == attempt]
    if facts and facts[-1]["fact"] in (FactName.GONE.value, FactName.LOST.value):
        return
    launch = next((fact for fact in facts if fact["fact"] == FactName.LAUNCH.value), None)
    left = _kill_all(launch, facts) if launch and launch["boot"] == procfs.boot_id() else []
    _remove_groups(launch)
    journal_of_it = Journal(path, attempt)
    journal_of_it.add(FactName.LOST, processes=left)
    journal_of_it.close()
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(folder, "fifo"))


def _kill_all(launch: dict[str, Any], facts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """SIGKILL until nothing is left; a bounded time, since nobody is being waited for by the clock here."""
    until = clock.monotonic_ns() + round(_PATIENCE * 1e9)
    seen: list[dict[str, Any]] = []
    while clock.monotonic_ns() < until:
        left = _members(launch, facts)
        if not left:
            break
        if not seen:
            level = 1 if launch["isolation"] == Isolation.PID1.value else 0
            seen = evidence.look_at_all([pid for pid, _ in left], closely=True, level=level)
        for pid, start in left:
            kill_one(pid, start)
        time.sleep(_PAUSE)
    return seen


def _members(launch: dict[str, Any], facts: list[dict[str, Any]]) -> list[tuple[int, int]]:
    found = set(marked(launch["mark"]))
    if launch["cgroup"] and os.path.isdir(launch["cgroup"]):
        found.update(living(cgroups.Group(launch["cgroup"]).members(), 0))
    for fact in facts:
        if fact["fact"] == FactName.STARTED.value:
            # The main process, should it have shaken off the signal of its parent's death.
            found.update(one for one in living([fact["pid"]], 0) if one[1] == fact["start"])
    return sorted(found)


def _remove_groups(launch: dict[str, Any] | None) -> None:
    if not launch or not launch["cgroup"]:
        return
    with contextlib.suppress(OSError):  # it is not ours by now
        cgroups.Group(launch["cgroup"]).remove()
