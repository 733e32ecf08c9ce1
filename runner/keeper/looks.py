"""When a job's processes are looked at, and what is written down of it."""

from __future__ import annotations

from runner import clock
from runner.keeper import evidence
from runner.lifecycle.facts import FactName
from runner.lifecycle.stops import Disposition, Isolation
from runner.linux import procfs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from runner.keeper.family import Identity
    from runner.keeper.journal import Journal
    from runner.keeper.loop import Loop
    from runner.keeper.members import Members
    from runner.keeper.watch import Watch
    from runner.linux.process import Process

_PAUSES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Seconds between looks during the grace; the last one is repeated."""
BEFORE_DEADLINE = 0.05
"""Seconds before the deadline at which the last look is taken, so that it does not delay the SIGKILL."""


class Looks:
    """Looks at the main process and the others, before and after the signal and while the grace runs."""

    __slots__ = (
        *("_before", "_journal", "_last", "_level", "_loop", "_main", "_members", "_tell", "_untold", "_watch"),
    )

    def __init__(
        self,
        main: Process,
        members: Members,
        isolation: Isolation,
        watch: Watch,
        journal: Journal,
        tell: Callable[[], None],
    ) -> None:
        self._main = main
        self._members = members
        self._watch = watch
        self._journal = journal
        self._tell = tell
        self._last: frozenset[tuple[object, ...]] = frozenset()
        self._before: Disposition | None = None
        self._level = 1 if isolation is Isolation.PID1 else 0
        self._untold: tuple[int, evidence.Glance | None, list[dict[str, Any]]] | None = None

    def before_signal(self, closely: bool, settled: bool) -> bool:
        """The main process; with `closely` the others too, because one that ends at once takes them with it.

        False if the main process blocks everything: unless that is `settled`. It is written down by `tell_before`.
        """
        others = self._members.others() if closely else {}
        try:
            main = evidence.Glance(self._main.pid)
        except OSError:
            main = None
        if main is not None:
            if evidence.blocks_everything(main.status) and not settled:
                return False
            self._before = main.disposition
        processes = self.at(others, closely=False, stats=others) if others else []
        # Before the signal: with a PID 1 that ends at once the others are waited for, and how they ended is forgotten.
        self._watch.add(processes)
        self._untold = clock.monotonic_ns(), main, processes
        return True

    def tell_before(self) -> None:
        """Write down what `before_signal` has seen: the signal did not have to wait for that."""
        if self._untold is None:
            return
        (at, main, processes), self._untold = self._untold, None
        self._write("before", processes if main is None else [main.told(self._level), *processes], at)

    def take(self, moment: str, *, watching: bool) -> None:
        """All processes, as closely as can be; `watching` their ends from now on."""
        self._write(moment, self._closely(watching))
        self._tell()

    def during_grace(self, loop: Loop, is_over: Callable[[], bool]) -> None:
        """Look again and again, and write it down when something has changed."""

        def again(turn: int) -> None:
            loop.deadlines.after(_PAUSES[min(turn, len(_PAUSES) - 1)], lambda: look(turn))

        def look(turn: int) -> None:
            if is_over():
                return
            processes = self._closely(watching=True)
            if evidence.fingerprint(processes) != self._last:
                self._write("change", processes)
                self._tell()
            again(turn + 1)

        again(0)

    def left(self, *, main_too: bool = False) -> list[dict[str, Any]]:
        """Who is there now, without writing it down."""
        others = self._members.others()
        return self.at([*([self._main.pid] if main_too else ()), *others], closely=True, stats=others)

    def of(self, processes: Iterable[Identity]) -> list[dict[str, Any]]:
        """The facts of these."""
        return self.at((pid for pid, _ in processes), closely=True)

    def at(
        self, pids: Iterable[int], *, closely: bool, stats: Mapping[int, procfs.Stat] | None = None
    ) -> list[dict[str, Any]]:
        return evidence.look_at_all(pids, closely, self._level, stats)

    def disposition(self) -> Disposition | None:
        """What the main process does with SIGTERM now; None if that cannot be seen."""
        try:
            status = procfs.read_status(self._main.pid)
        except OSError:
            return None
        if self._before is not None and evidence.blocks_everything(status):
            return self._before  # it forks since it was looked at: what it did then holds again in a moment
        return evidence.disposition(self._main.pid, status)

    def _closely(self, watching: bool) -> list[dict[str, Any]]:
        processes = self.left(main_too=True)
        if watching:
            self._watch.add(processes)
        return processes

    def _write(self, moment: str, processes: list[dict[str, Any]], at: int | None = None) -> None:
        self._last = evidence.fingerprint(processes)
        self._journal.add(FactName.LOOK, at, moment=moment, processes=processes)
