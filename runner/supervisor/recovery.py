"""What a supervisor does about the jobs that an earlier one left."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from runner import clock
from runner.backends import base
from runner.backends.base import Fact
from runner.lifecycle.facts import FactName
from runner.lifecycle.phases import Order, Phase
from runner.supervisor import journals
from runner.supervisor.changes import Change
from runner.supervisor.live import LAUNCHED, Live

_STANDING: dict[Phase, tuple[Order, ...]] = {
    Phase.PENDING: (Order.ADMIT,),
    Phase.PREPARING: (Order.PREPARE,),
    Phase.LAUNCHING: (Order.LAUNCH,),
    Phase.RUNNING: (),
    # Whoever was killed between the commit and its orders may have given neither of them.
    Phase.INTERRUPTED: (Order.LAUNCH, Order.STOP),
    Phase.TIMING_OUT: (Order.LAUNCH, Order.STOP),
    Phase.STOPPING: (Order.LAUNCH, Order.STOP),
    Phase.CANCELLING: (Order.CLEAR,),
    Phase.FAILING: (Order.CLEAR,),
    Phase.UPLOADING_COMPLETED: (Order.UPLOAD, Order.CLEAR),
    Phase.UPLOADING_FAILED: (Order.UPLOAD, Order.CLEAR),
    Phase.UPLOADING_STOPPED: (Order.UPLOAD, Order.CLEAR),
    Phase.DELETING: (Order.ERASE,),
}
"""The orders that a job's phase says were given. Each may be repeated: it does nothing where it was carried out."""

_LAST = frozenset({FactName.GONE.value, FactName.LOST.value})


def standing(live: Live) -> list[Order]:
    """The orders to repeat. A launch that is in the journal was carried out."""
    return [order for order in _STANDING[live.phase] if order is not Order.LAUNCH or not _facts(live)]


def unburied(lives: Iterable[Live]) -> list[Live]:
    """Jobs whose journal says that they were launched and not that they have ended.

    Their keeper goes on with them, or it has died; the backend knows which.
    """
    return [live for live in lives if live.phase in LAUNCHED and _is_open(live)]


def count_anew(change: Change, live: Live) -> None:
    """The machine was booted since: CLOCK_MONOTONIC began again, so a time limit counts from the wall clock's time.

    Only a tuning job is still running then.
    """
    record = change.record(live)
    if record.started is not None:
        change.patch(live, executed=clock.monotonic_ns() - max(0, clock.wall_ns() - record.started))


def boot_id() -> str:
    """Which run of this machine's kernel this is (random(4))."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def step_back(change: Change, live: Live) -> None:
    """A journal that lost its last facts (a power loss may take them) ends before what is on record of it: its end,
    which was written down since, shall not be taken for a fact that is on record.
    """
    facts = _facts(live)
    if live.phase in LAUNCHED and facts and facts[-1]["fact"] in _LAST and facts[-1]["n"] <= live.record.fact:
        change.patch(live, fact=facts[-1]["n"] - 1)


def _is_open(live: Live) -> bool:
    facts = _facts(live)
    if facts:
        return facts[-1]["fact"] not in _LAST
    # There were facts, and they are on record: the whole journal was lost.
    return live.record.fact > 0 and live.phase is not Phase.LAUNCHING


def _facts(live: Live) -> list[Fact]:
    """Those of the attempt that is on record."""
    return [fact for fact in journals.read(base.journal(live.folder)).facts if fact.get("a") == live.record.attempt]
