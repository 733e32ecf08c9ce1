"""What a supervisor does about the jobs that an earlier one left."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from runner.backends import base
from runner.backends.base import Fact
from runner.lifecycle.facts import FactName
from runner.lifecycle.phases import Order, Phase
from runner.supervisor import journals
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


def boot_id() -> str:
    """Which run of this machine's kernel this is (random(4))."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _is_open(live: Live) -> bool:
    facts = _facts(live)
    return bool(facts) and facts[-1]["fact"] not in _LAST


def _facts(live: Live) -> list[Fact]:
    """Those of the attempt that is on record."""
    return [fact for fact in journals.read(base.journal(live.folder)).facts if fact.get("a") == live.record.attempt]
