"""What happened to one attempt of a job, as values: the journal read once, and what follows from it directly.

No judgement is made here: `findings` does that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from runner.diagnosis.files import Files, Folder, Temporaries
from runner.diagnosis.log import Log
from runner.diagnosis.programs import SHELLS
from runner.diagnosis.stacks import Stack
from runner.lifecycle.facts import KillReason
from runner.lifecycle.stops import Disposition, Isolation

if TYPE_CHECKING:
    from runner.diagnosis.afterwards import Afterwards

CRASHES = frozenset({"SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE", "SIGSYS", "SIGTRAP"})
"""Signals by which the kernel or libc ends a program that has gone wrong."""

_DEAD = frozenset("ZX")


class Process(NamedTuple):
    """A process of the job as it was seen at one moment."""

    pid: int
    inner: int
    """Its pid as the job sees it."""
    ppid: int | None
    name: str
    """Made printable."""
    state: str
    """Letter of /proc/PID/stat; empty if it was not read."""
    sigterm: Disposition | None
    """None: not known."""
    blocked: bool
    """SIGTERM is blocked, whatever its disposition."""
    pending: bool
    start: int | None
    command: tuple[str, ...]
    """As the program has it: not to be shown unquoted. Empty if it was not read."""
    cpu: float | None = None
    """Seconds of CPU so far."""
    switches: int | None = None
    """Voluntary context switches of its main thread so far: it has waited for something so often."""
    background: bool = False
    """A shell without job control started it with an `&`."""
    wait: str | None = None
    """Kernel function in which its main thread sleeps."""
    blocks_all: bool = False
    """Every signal is blocked, as in the instant of a fork: that says nothing of SIGTERM."""

    @property
    def alive(self) -> bool:
        return self.state not in _DEAD or not self.state

    @property
    def takes(self) -> bool:
        """It is known to have arranged to receive SIGTERM."""
        return self.sigterm is not None and self.sigterm.takes

    @property
    def identity(self) -> tuple[int, int | None]:
        return (self.pid, self.start)


class Look(NamedTuple):
    ns: int
    moment: str
    processes: tuple[Process, ...]


class Stop(NamedTuple):
    ns: int
    wall: int | None
    grace: float | None
    cause: str | None


class Signal(NamedTuple):
    ns: int
    wall: int | None
    outcome: str
    reason: str


class Kill(NamedTuple):
    ns: int
    why: str


class Ended(NamedTuple):
    ns: int
    code: int | None
    signal: str | None
    killer: str | None
    out_of_memory: str | None


class ProcessEnd(NamedTuple):
    """The end of one of the other processes. Neither code nor signal: how it ended is not known."""

    ns: int
    pid: int
    code: int | None
    signal: str | None


class NotExecuted(NamedTuple):
    stage: str
    reason: str


@dataclass(frozen=True)
class Story:
    """One attempt. What is None or empty is not in the journal (yet)."""

    attempt: int
    argv: tuple[str, ...] = ()
    isolation: str | None = None
    main_pid: int | None = None
    launched: int | None = None
    executed: int | None = None
    not_executed: NotExecuted | None = None
    stop: Stop | None = None
    signal: Signal | None = None
    kill: Kill | None = None
    ended: Ended | None = None
    looks: tuple[Look, ...] = ()
    process_ends: tuple[ProcessEnd, ...] = ()
    watched: tuple[Folder, ...] = ()
    files: Mapping[str, Files] = field(default_factory=dict)
    """What is known of its files at the moments `stop`, `kill` and `end`."""
    stacks: tuple[Stack, ...] = ()
    temporaries: Temporaries | None = None
    log: Log = field(default_factory=Log)
    left_over: tuple[Process, ...] = ()
    unattributed: tuple[Process, ...] = ()
    unkillable: tuple[Process, ...] = ()
    emulation_missed: bool = False
    lost: bool = False
    gone: bool = False
    afterwards: Afterwards | None = None

    @property
    def emulated(self) -> bool:
        """PID 1's rule was applied by us, not by the kernel."""
        return self.isolation == Isolation.PLAIN.value

    @property
    def zero(self) -> int | None:
        """The instant from which seconds are counted: the signal, else the order to stop, else the launch."""
        if self.signal:
            return self.signal.ns
        return self.stop.ns if self.stop else self.launched

    def since_zero(self, ns: int) -> float:
        return (ns - self.zero) / 1e9 if self.zero is not None else 0.0

    @property
    def ended_before_stop(self) -> bool:
        """The main process had ended when the stop came, or ended without one."""
        if self.main_before is not None and not self.main_before.alive:
            return True
        if self.ended is None:
            return self.gone and self.signal is None
        if self.signal is None:
            return self.stop is None or self.ended.ns < self.stop.ns
        return self.ended.ns < self.signal.ns or (self.signal.outcome == "failed" and _no_process(self.signal.reason))

    @property
    def asked(self) -> bool:
        """SIGTERM was sent, or withheld by PID 1's rule, while the main process lived."""
        return self.signal is not None and self.signal.outcome != "failed" and not self.ended_before_stop

    @property
    def over(self) -> bool:
        """The main process has ended, or SIGKILL is on its way to it."""
        return self.ended is not None or self.kill is not None or self.gone or self.lost

    @property
    def killed(self) -> bool:
        """Our SIGKILL ended the main process, or is on its way."""
        if self.ended is None:
            return self.kill is not None
        ours = self.ended.killer == "runner" or (self.ended.killer is None and self.kill is not None)
        return self.ended.signal == "SIGKILL" and ours

    @property
    def killed_by_other(self) -> bool:
        return self.ended is not None and self.ended.signal == "SIGKILL" and not self.killed

    @property
    def cut_short(self) -> bool:
        """Our SIGKILL ended it before its grace was over."""
        return self.killed and self.kill is not None and self.kill.why != KillReason.DEADLINE.value

    @property
    def ended_by_itself(self) -> bool:
        """By an exit, or by a signal that is neither SIGKILL nor a crash. Says nothing of when."""
        if self.ended is None:
            return False
        signal = self.ended.signal
        return self.ended.code is not None if signal is None else signal not in CRASHES | {"SIGKILL"}

    @property
    def died_of_it(self) -> bool:
        """SIGTERM's default action ended the main process, which cannot happen to a PID 1."""
        return self.asked and self.ended is not None and self.ended.signal == "SIGTERM"

    @property
    def seconds_to_exit(self) -> float | None:
        """From the signal to the end of the main process. None without a stop before the end, and if cut short."""
        if self.ended is None or self.stop is None or self.ended_before_stop or self.cut_short:
            return None
        return round(max(self.since_zero(self.ended.ns), 0.0), 6)

    @cached_property
    def main_before(self) -> Process | None:
        """The main process just before the signal."""
        seen = [p for look in self.looks if look.moment == "before" for p in look.processes if self.is_main(p)]
        return seen[-1] if seen else None

    @cached_property
    def main_after(self) -> tuple[Process, ...]:
        """The main process as every look since the signal showed it."""
        return tuple(p for look in self.looks_after for p in look.processes if self.is_main(p))

    @cached_property
    def main(self) -> Process | None:
        """The main process as it was seen at, or nearest to, the signal, preferably with its command line."""
        seen = [*([self.main_before] if self.main_before else []), *self.main_after]
        seen += [p for look in self.looks for p in look.processes if self.is_main(p)]
        return next((p for p in seen if p.command), seen[0] if seen else None)

    @cached_property
    def at_signal(self) -> Disposition | None:
        """What the main process did with SIGTERM when it came. None: not known."""
        if self.signal and self.executed is not None and self.executed > self.signal.ns:
            return Disposition.DEFAULT  # execve(2) resets handlers: none of the program's own can have been there
        seen = [self.main_before, *self.main_after[:1]]
        return next((p.sigterm for p in seen if p is not None and p.sigterm is not None), None)

    @property
    def installed_later(self) -> Process | None:
        """The main process in the first look that shows it taking SIGTERM, if it did not when the signal came."""
        if self.at_signal is None or self.at_signal.takes:
            return None
        return next((p for p in self.main_after if p.takes and not p.blocks_all), None)

    @property
    def heard(self) -> bool | None:
        """SIGTERM reached something that the main process had arranged. None: the facts do not say.

        What the keeper withheld, and in `plain` what it sent, it has decided. Elsewhere the kernel has, at an instant
        between two looks: where they disagree, either may have been the case.
        """
        if not self.asked or self.signal is None:
            return None
        if self.emulated or self.signal.outcome == "withheld":
            return self.signal.outcome == "sent"
        if self.at_signal is None:
            return None
        first = self.main_after[0] if self.main_after else None
        if not self.at_signal.takes and first is not None and first.takes and self.ended_by_itself:
            return None
        return self.at_signal.takes

    @cached_property
    def looks_after(self) -> tuple[Look, ...]:
        """Looks at all processes since the signal."""
        if self.signal is None:
            return ()
        return tuple(look for look in self.looks if look.moment != "before" and look.ns >= self.signal.ns)

    @cached_property
    def descendants(self) -> tuple[Process, ...]:
        """Every other process that was alive at the signal or since, nearest to the main process first.

        Each as it was when it took SIGTERM, if it ever did, else as it was seen last.
        """
        others = [process for process in self._others() if process.alive]
        names = {process.identity: process.name for process in others}
        seen: dict[tuple[int, int | None], Process] = {}
        for process in others:
            if process.name != names[process.identity] or self._is_copy_of_shell(process):
                continue  # it had not executed its program yet: what it did with SIGTERM was its parent's way
            if process.identity not in seen or not seen[process.identity].takes:
                seen[process.identity] = process
        parents = {p.pid: p.ppid for p in seen.values()}
        return tuple(sorted(seen.values(), key=lambda p: _depth(p.pid, parents)))

    @cached_property
    def last_files(self) -> Files:
        """The latest of what is known of its files."""
        return next((self.files[moment] for moment in ("end", "kill", "stop") if moment in self.files), Files())

    def _is_copy_of_shell(self, process: Process) -> bool:
        """A fork of a shell, seen from afar: bash blocks SIGTERM from its fork(2) to the exec(2)."""
        return process.name in SHELLS and not process.command and process.takes

    def is_main(self, process: Process) -> bool:
        return process.pid == self.main_pid if self.main_pid is not None else process.inner == 1

    def last_of_main(self) -> Process | None:
        """The main process in the last look that shows it."""
        return self.main_after[-1] if self.main_after else None

    def _others(self) -> Iterator[Process]:
        for look in self.looks:
            if look.moment != "before" and look not in self.looks_after:
                continue
            yield from (p for p in look.processes if not self.is_main(p))
        yield from self.left_over


def _depth(pid: int, parents: dict[int, int | None]) -> int:
    depth, seen = 0, set()
    at: int | None = pid
    while at is not None and at in parents and at not in seen:
        seen.add(at)
        at, depth = parents[at], depth + 1
    return depth


def _no_process(reason: str) -> bool:
    return "ESRCH" in reason or "no such process" in reason.lower()
