"""One attempt of one job, from the order to launch it until nothing of it is left.

Only an observed exit ends a job: a signal that could not be delivered is a fact, and nothing more.
"""

from __future__ import annotations

import signal

from runner import clock
from runner.keeper import child, stacks
from runner.keeper.execution import Execution, not_executed
from runner.keeper.looks import BEFORE_DEADLINE, Looks
from runner.keeper.memory import Memory
from runner.keeper.protocol import UNKILLABLE_AFTER
from runner.keeper.pump import Pump
from runner.keeper.watch import Watch, signal_name
from runner.lifecycle.facts import FactName, KillReason
from runner.lifecycle.stops import Disposition, Isolation, deadline
from runner.linux import procfs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from runner.keeper.journal import Journal
    from runner.keeper.loop import Loop
    from runner.keeper.members import Members
    from runner.keeper.output import Output
    from runner.keeper.traces import Traces
    from runner.linux.cgroups import MemoryGroup
    from runner.linux.process import Process

_RETRY = 0.002
_SLOWEST_RETRY = 0.2
_DISK_RETRY = 0.5
"""Seconds until what could not be written is tried again."""
BETWEEN_TWO_MASKS = 100_000_000
"""ns for which a signal is held back from a main process that blocks every signal there is.

Whoever forks or spawns does so for an instant (fork(3) of the C library, Python's subprocess), so that no handler runs
in between. A SIGTERM of that instant would be pending instead of dropped: in `plain` it would end a program that, as
PID 1, it cannot end. Who blocks everything for good, to wait in a thread or by signalfd(2), does so for longer.
"""


class Job:
    """The main process, its output, its journal, and what is being done to it."""

    __slots__ = (
        "_execution",
        "_grown",
        "_looks",
        "_loop",
        "_members",
        "_memory",
        "_ordered",
        "_pump",
        "_unkillable",
        "_watch",
        "_writes_later",
        "attempt",
        "ended",
        "gone",
        "grace",
        "isolation",
        "journal",
        "key",
        "killed",
        "main",
        "signalled",
        "stacks",
        "stopping",
        "traces",
        "unkillable_after",
    )

    def __init__(
        self,
        order: dict[str, Any],
        isolation: Isolation,
        journal: Journal,
        output: Output,
        loop: Loop,
        grown: Callable[[str, str], None],
    ) -> None:
        self.key: str = order["job"]
        self.attempt: int = order["attempt"]
        self.grace: float = order["grace"]
        self.isolation = isolation
        self.journal = journal
        self.ended = self.gone = self.stopping = False
        self.killed: KillReason | None = None
        self.unkillable_after = UNKILLABLE_AFTER
        """Seconds after a SIGKILL without effect at which the job is called unkillable."""
        self.stacks: Callable[[int, list[dict[str, Any]], int, Callable[..., None]], None] | None = None
        """Takes the Python stacks of the job shortly before its deadline (`Stacks.take`); None: not wanted."""
        self.signalled = 0
        """When SIGTERM was sent or withheld, ns of CLOCK_MONOTONIC."""
        self.traces: Traces
        """What it does to files; given before the launch."""
        self._pump = Pump(output, loop, lambda: grown("logged", self.key))
        self._loop = loop
        self._grown = grown
        self._ordered = 0
        self._unkillable = False
        self._writes_later = False

    # --- launch

    def started(
        self,
        main: Process,
        members: Members,
        memory: MemoryGroup | None,
        report: int,
        explain: Callable[[dict[str, Any]], tuple[int, str]],
    ) -> None:
        """The process exists. `report` is where it tells what kept it from executing the program."""
        self.main = main
        self._members = members
        self._memory = Memory(memory)
        self._execution = Execution(main, report, explain, self.journal, self._loop)
        namespaced = self.isolation is Isolation.PID1
        self._watch = Watch(self.journal, main, self._loop, namespaced, self._tell)
        self._looks = Looks(main, members, self.isolation, self._watch, self.journal, self._tell)
        self.traces.started(self._pids, 1 if namespaced else 0)
        self.journal.add(FactName.STARTED, pid=main.pid, inner=1 if namespaced else main.pid, start=main.start)
        self._tell()
        self._execution.listen(self.see_execution)
        self._pump.start()

    def not_started(self, stage: str, error: OSError) -> None:
        """There was no process to be had."""
        reason = f"{stage}: {error.strerror or error}"
        not_executed(self.journal, stage, error.errno, reason, child.NOT_EXECUTABLE)
        self.ended = True
        self._leave_nothing()

    def see_execution(self) -> None:
        """Whether the program was executed; to be asked before the main process is waited for."""
        if self._execution.see():
            self._tell()

    def _pids(self) -> list[int]:
        return [self.main.pid, *self._members.others()]

    def follow(self, on: bool) -> None:
        """Whether growth of the log is told."""
        self._pump.follow(on)

    # --- stop

    def order_stop(self, order: dict[str, Any]) -> bool:
        """Write down the order, before anything is done; False if there is nothing to be done."""
        if self.ended or self.stopping or self.main.has_ended():
            return False
        self.see_execution()
        self.stopping = True
        self.grace = order["grace"]
        self._ordered = clock.monotonic_ns()
        self.journal.add(
            FactName.STOP,
            at=self._ordered,
            grace=self.grace,
            deadline=deadline(self._ordered, self.grace),
            boot=procfs.boot_id(),
            cause=order["cause"],
        )
        self.journal.flush()
        return True

    def see_before_signal(self, closely: bool) -> bool:
        """Take note of what the main process does; False if it is to be asked again in a moment (`BETWEEN_TWO_MASKS`).

        `closely`: look at the other processes too, because a main process that ends at once takes them with it.
        """
        settled = clock.monotonic_ns() - self._ordered >= BETWEEN_TWO_MASKS
        seen = self._looks.before_signal(closely, settled)
        if seen:
            self.traces.stopping()
        return seen

    @property
    def stoppable(self) -> bool:
        """Nothing has come between the order to stop and its signal."""
        return not self.ended and self.killed is None

    def send_sigterm(self, disposition: Disposition | None) -> tuple[str, str | None]:
        """Send SIGTERM to the main process by PID 1's rule: the outcome and the reason for it.

        `disposition` is what the process does with it; None if that could not be seen.
        """
        outcome, reason = "sent", None
        if not self._execution.came_about:
            outcome, reason = "withheld", "the program has not been executed yet"
        elif self.isolation is Isolation.PLAIN and disposition is not None and not disposition.takes:
            outcome, reason = "withheld", f"SIGTERM is at {disposition.value}: as PID 1 it would not get it"
        else:
            try:
                self.main.signal(signal.SIGTERM)
            except OSError as error:
                outcome, reason = "failed", error.strerror
        self.signalled = clock.monotonic_ns()
        return outcome, reason

    def signal_sent(self, outcome: tuple[str, str | None]) -> None:
        """Write down the instant of the signal, from which the grace counts, and keep the deadline."""
        self._looks.tell_before()
        self.traces.tell_stop()
        until = deadline(self.signalled, self.grace)
        self.journal.add(
            FactName.SIGNAL,
            at=self.signalled,
            signal="SIGTERM",
            pid=self.main.pid,
            outcome=outcome[0],
            reason=outcome[1],
            deadline=until,
        )
        if until == self.signalled:
            # A grace of 0: nothing comes between the two signals.
            self._on_deadline()
        self._loop.deadlines.at(until, self._on_deadline)
        if self.grace > 4 * BEFORE_DEADLINE:
            self._loop.deadlines.at(until - round(BEFORE_DEADLINE * 1e9), self._look_before_deadline)
        if self.stacks and self.grace >= stacks.SHORTEST_GRACE:
            self._loop.deadlines.at(until - round(stacks.BEFORE_DEADLINE * 1e9), lambda: self._take_stacks(until))
        self._tell()

    def look_after_signal(self) -> None:
        """All processes straight after the signal, and again while the grace runs; watch them end."""
        if self.look("after"):
            self._looks.during_grace(self._loop, lambda: self.ended or self.killed is not None)

    def look(self, moment: str) -> bool:
        """Write down all processes now; False if the main process has ended."""
        if self.ended:
            return False
        self.traces.look()
        self._looks.take(moment, watching=self.stopping)
        return True

    def _look_before_deadline(self) -> None:
        if not self.killed:
            self.look("deadline")

    def _take_stacks(self, until: int) -> None:
        if self.stacks and not self.ended and not self.killed:
            self.stacks(self.main.pid, self._looks.left(main_too=True), until, self._write_stacks)

    def _write_stacks(self, **members: Any) -> None:
        if not self.ended and not self.killed:
            self.journal.add(FactName.STACKS, **members)
            self._tell()

    def disposition(self) -> Disposition | None:
        """What the main process does with SIGTERM now; None if that cannot be seen, or the kernel knows what to do."""
        return self._looks.disposition() if self.isolation is Isolation.PLAIN else None

    def _on_deadline(self) -> None:
        self.kill(KillReason.DEADLINE)

    # --- kill

    def kill(self, why: KillReason) -> None:
        """SIGKILL to the main process; what is left of the job follows when its end is seen."""
        if self.ended or self.killed or self.main.has_ended():
            return
        self.killed = why
        if why is not KillReason.DEADLINE:
            self.traces.look()
        taken = self.traces.taken()
        before = clock.monotonic_ns()
        sent = True
        try:
            self.main.signal(signal.SIGKILL)
        except OSError:
            sent = False  # it has ended, and the end will be seen
        at = clock.monotonic_ns()
        self.traces.killed(taken, before, sent)
        if not sent:
            return
        self.journal.add(FactName.KILL, at, why=why.value, pid=self.main.pid)
        self._tell()
        self._loop.deadlines.after(self.unkillable_after, self._on_unkillable)

    def _on_unkillable(self) -> None:
        if self.gone or self._unkillable:
            return
        self._unkillable = True
        self.journal.add(FactName.UNKILLABLE, processes=self._looks.left(main_too=not self.ended))
        self._tell()

    # --- the end

    def main_ended(self, code: int | None, number: int | None, cpu: float | None) -> None:
        """The main process has ended and was waited for. In `pid1` nothing of the job is left by now."""
        self.ended = True
        if self._execution.came_about:
            self.journal.add(
                FactName.ENDED,
                pid=self.main.pid,
                code=code,
                signal=None if number is None else signal_name(number),
                killer=self._killer(number),
                out_of_memory=self._memory.killed() if number == signal.SIGKILL else "no",
                cpu=cpu,
            )
            self.traces.ended()
        if self.isolation is Isolation.PLAIN and self.stopping and number == signal.SIGTERM:
            self.journal.add(FactName.EMULATION_MISSED)
        self._write_left_over()
        self._write_unattributed()
        self._tell()
        self._finish(_RETRY)

    def _killer(self, number: int | None) -> str | None:
        if number != signal.SIGKILL:
            return None
        return "runner" if self.killed else "other"

    def _write_left_over(self) -> None:
        """What was alive after a main process that ended by itself; after our SIGKILL that is no news."""
        if self.killed:
            return
        left = self._looks.left() + self._watch.killed_with_main()
        if left:
            self.journal.add(FactName.LEFT_OVER, processes=left)

    def _write_unattributed(self) -> None:
        for jobs, escapees in self._members.strays():
            processes = self._looks.of(escapees)
            if processes:
                self.journal.add(FactName.UNATTRIBUTED, processes=processes, jobs=jobs)

    def _finish(self, retry: float) -> None:
        """Kill what is left until nothing is, however long that takes."""
        if self._members.end() and self._members.close() and self._memory.close():
            self._leave_nothing()
            return
        if retry == _RETRY:
            self._loop.deadlines.after(self.unkillable_after, self._on_unkillable)
        self._loop.deadlines.after(retry, lambda: self._finish(min(retry * 1.1, _SLOWEST_RETRY)))

    def _leave_nothing(self) -> None:
        if hasattr(self, "main"):
            self._watch.close()
            self.main.close()
        self.traces.close()
        self.gone = True
        self.journal.add(FactName.GONE, log=self._pump.finish())
        self._tell()
        self._pump.tell_end()

    def child_ended(self, pid: int, status: int) -> bool:
        """An orphan that the keeper has waited for: whether it was known as one of this job's."""
        return self._watch.ended(pid, status)

    def _tell(self) -> None:
        if not self.journal.flush():
            self._write_journal_later()
        elif self.gone:
            self.journal.close()
        self._grown("grown", self.key)

    def _write_journal_later(self) -> None:
        """The disk is full: what happens goes on, and is told when there is room."""
        if not self._writes_later:
            self._writes_later = True
            self._loop.deadlines.after(_DISK_RETRY, self._write_journal_again)

    def _write_journal_again(self) -> None:
        self._writes_later = False
        self._tell()
