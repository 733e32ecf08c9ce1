"""What a supervisor does about the jobs that an earlier one left."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from runner.backends import base
from runner.lifecycle.facts import FactName
from runner.lifecycle.phases import Order, Phase
from runner.supervisor import journals
from runner.supervisor.live import LAUNCHED, Live

STANDING: dict[Phase, tuple[Order, ...]] = {
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
"""The orders that a job's phase says were given. All are repeated: each does nothing where it was carried out."""

_LAST = frozenset({FactName.GONE.value, FactName.LOST.value})


def unburied(lives: Iterable[Live]) -> list[Live]:
    """Jobs whose journal says that they were launched and not that they have ended.

    Their keeper goes on with them, or it has died; the backend knows which.
    """
    return [live for live in lives if live.phase in LAUNCHED and _is_open(live.folder, live.record.attempt)]


def boot_id() -> str:
    """Which run of this machine's kernel this is (random(4))."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _is_open(folder: Path, attempt: int) -> bool:
    facts = [fact for fact in journals.read(base.journal(folder)).facts if fact.get("a") == attempt]
    return bool(facts) and facts[-1]["fact"] not in _LAST
