"""MaxRuntimeInSeconds: counted from the instant at which the program was executed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from runner import clock
from runner.lifecycle.phases import Phase
from runner.supervisor.live import Live

_COUNTED = frozenset({Phase.RUNNING, Phase.INTERRUPTED})


class RuntimeLimits:
    """One timer for each job that has a limit."""

    def __init__(self, exceeded: Callable[[Live], None]) -> None:
        self._exceeded = exceeded

    def changed(self, live: Live) -> None:
        """The job's record has changed: its limit may begin or cease to count."""
        if live.phase not in _COUNTED:
            self.drop(live)
        elif live.timer is None:
            self._arm(live)

    def drop(self, live: Live) -> None:
        """The limit does not count any more."""
        if live.timer is not None:
            live.timer.cancel()
            live.timer = None

    def _arm(self, live: Live) -> None:
        if live.spec.max_runtime is None or live.record.executed is None:
            return
        rest = (live.record.executed - clock.monotonic_ns()) / 1e9 + live.spec.max_runtime
        live.timer = asyncio.get_running_loop().call_later(max(0.0, rest), self._fired, live)

    def _fired(self, live: Live) -> None:
        live.timer = None
        limit = round((live.spec.max_runtime or 0.0) * 1e9)
        if clock.monotonic_ns() - (live.record.executed or 0) >= limit:
            self._exceeded(live)
        else:  # the loop may call a little early: it counts in ticks of its selector
            self._arm(live)
