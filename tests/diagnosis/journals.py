"""Journals written by hand, in the words of `runner.lifecycle.facts`, with seconds instead of nanoseconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runner.diagnosis.report import LogLine

BOOTED = 1_000_000_000_000
EPOCH = 1_760_000_000_000_000_000
MAIN = 4200

Facts = list[dict[str, Any]]


def proc(name: str, sigterm: str | None, pid: int = MAIN, **more: Any) -> dict[str, Any]:
    """A process in a fact. As `pid1` has it: the main process is 1 inside, its children 2 and so on."""
    return {
        "pid": pid,
        "inner": pid - MAIN + 1,
        "ppid": MAIN if pid != MAIN else 999,
        "name": name,
        "state": "S",
        "sigterm": sigterm,
        "blocked": sigterm == "blocked",
        "pending": False,
        "cpu": 0.5,
        "start": 70_000 + pid,
        "command": [name],
        "wait": "0",
    } | more


class Journal:
    """Facts in order. Times are seconds, with the signal at 0, as in the report."""

    def __init__(self, *argv: str, isolation: str = "pid1", grace: float = 120.0, attempt: int = 1) -> None:
        self.facts: Facts = []
        self.isolation, self.grace, self.attempt = isolation, grace, attempt
        self.note(-5.01, "launch", argv=list(argv), isolation=isolation, boot="b", cgroup=None, folder="/f")
        self.note(-5.005, "started", pid=MAIN, inner=1 if isolation == "pid1" else MAIN, start=74_200)
        self.note(-5.0, "executed")

    def note(self, at: float, fact: str, /, **members: Any) -> Journal:
        ns = round(at * 1e9)
        number = len(self.facts) + 1
        line = {"n": number, "t": BOOTED + ns, "w": EPOCH + ns, "a": self.attempt, "fact": fact}
        self.facts.append(line | members)
        return self

    def stop(self, main: Mapping[str, Any] | None, *below: Mapping[str, Any], outcome: str = "sent") -> Journal:
        """The order, the look before, the signal, and the look after it at the main process and those below it."""
        self.order()
        if main is not None:
            self.look(-0.0001, "before", main)
        self.signal(outcome)
        return self.look(0.0005, "after", *([main] if main is not None else []), *below)

    def order(self) -> Journal:
        deadline = BOOTED + round(self.grace * 1e9)
        return self.note(-0.0005, "stop", grace=self.grace, deadline=deadline, boot="b", cause="requested")

    def signal(self, outcome: str = "sent", reason: str | None = None) -> Journal:
        deadline = BOOTED + round(self.grace * 1e9)
        return self.note(0.0, "signal", signal="SIGTERM", pid=MAIN, outcome=outcome, reason=reason, deadline=deadline)

    def look(self, at: float, moment: str, *processes: Mapping[str, Any]) -> Journal:
        return self.note(at, "look", moment=moment, processes=list(processes))

    def exit(self, at: float, code: int) -> Journal:
        return self._ended(at, code=code)

    def died(self, at: float, signal: str, killer: str | None = None, out_of_memory: str = "no") -> Journal:
        return self._ended(at, signal=signal, killer=killer, out_of_memory=out_of_memory)

    def killed(self, at: float | None = None, why: str = "deadline") -> Journal:
        """Our SIGKILL, and the end by it."""
        when = self.grace if at is None else at
        self.note(when, "kill", why=why, pid=MAIN)
        return self.died(when + 0.0002, "SIGKILL", "runner")

    def left(self, *processes: Mapping[str, Any]) -> Journal:
        return self.note(self._last() + 0.0001, "left-over", processes=list(processes))

    def gone(self) -> Facts:
        return self.note(self._last() + 0.001, "gone", log=0).facts

    def log(self, *at: float) -> list[LogLine]:
        return [LogLine(EPOCH + round(when * 1e9), f"loss {when}") for when in at]

    def _last(self) -> float:
        return float((self.facts[-1]["t"] - BOOTED) / 1e9)

    def _ended(self, at: float, **how: Any) -> Journal:
        members = {"code": None, "signal": None, "killer": None, "out_of_memory": "no"} | how
        return self.note(at, "ended", pid=MAIN, cpu=1.5, **members)


def plain(*processes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The processes as `plain` has them: no namespace, so the pids inside are those of the machine."""
    return [dict(process) | {"inner": process["pid"]} for process in processes]


SHELL = proc("sh", "default", command=["sh", "-c", "python train.py; echo done"])
DEAF = proc("python", "default", command=["python", "train.py"])
GOOD = proc("python", "caught", command=["python", "train.py"])
CHILD = proc("python", "caught", MAIN + 1, command=["python", "train.py"])
DEAF_CHILD = proc("python", "default", MAIN + 1, command=["python", "train.py"])
TRACKER = proc(
    "python",
    "ignored",
    MAIN + 2,
    command=["python", "-c", "from multiprocessing.resource_tracker import main;main(5)"],
)


def wrapper_swallowed() -> Facts:
    argv = ("sh", "-c", "python train.py; echo done")
    journal = Journal(*argv).stop(SHELL, CHILD).look(10.0, "asked", SHELL, CHILD)
    return journal.killed(10.01, "facts-decide").gone()


def graceful() -> Facts:
    return Journal("python", "train.py").stop(GOOD).exit(0.84, 0).gone()


def left_overs() -> Facts:
    left = [proc("tensorboard", "default", MAIN + 1), proc("sleep", "ignored", MAIN + 2)]
    return Journal("python", "train.py").stop(GOOD, *left).exit(0.5, 0).left(*left).gone()


def names(of: Sequence[Any]) -> list[str]:
    return [finding.code for finding in of]
