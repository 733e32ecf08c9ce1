"""What a test sees of processes that a journal has named."""

from __future__ import annotations

import os

from runner.backends.base import Fact
from runner.lifecycle.facts import FactName
from runner.linux import procfs
from tests.keeper.bench import Attempt, Bench
from tests.waiting import wait_until


def lives(process: Fact) -> bool:
    """This process, not a later one with its pid, is there, and not as a zombie."""
    try:
        stat = procfs.read_stat(process["pid"])
    except OSError:
        return False
    return stat.start == process["start"] and not stat.ended


def living(processes: list[Fact]) -> list[Fact]:
    return [process for process in processes if lives(process)]


def others(job: Attempt, count: int, sigterm: str | None = None) -> list[Fact]:
    """The job's processes but for the main one, once a look finds `count` of them, all with this disposition."""

    def found() -> list[Fact]:
        seen = [process for process in job.see() if process["pid"] != job.pid]
        as_asked = [process for process in seen if sigterm in (None, process["sigterm"])]
        return seen if len(seen) == len(as_asked) == count else []

    return wait_until(found, within=5, saying=lambda: f"not {count} other processes: {job.see()}")


def told(job: Attempt, word: str) -> int:
    """The pid, as the job sees it, in the line of its log that begins with this word."""
    job.wait_for_log(f"{word} ")
    return int(next(line.split()[1] for line in job.log().splitlines() if line.startswith(f"{word} ")))


def zombies(bench: Bench) -> list[int]:
    """Children of the keeper that it has not waited for."""
    found = []
    for pid in procfs.children(bench.backend.keeper_pid):
        try:
            if procfs.read_stat(pid).ended:
                found.append(pid)
        except OSError:
            continue
    return found


def end_of(job: Attempt, process: Fact) -> Fact:
    """How the journal says that this process ended; there may be one such fact only."""
    (fact,) = (fact for fact in job.facts(FactName.PROCESS_ENDED) if fact["pid"] == process["pid"])
    return fact


def keeps_statuses() -> bool:
    """The kernel tells the status of a process that somebody else has waited for: Linux 6.15."""
    major, minor = os.uname().release.split(".")[:2]
    return (int(major), int(minor)) >= (6, 15)
