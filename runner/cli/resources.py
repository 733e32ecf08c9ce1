"""What running jobs use of the machine."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import NamedTuple

import psutil

_MARK = "RUNNER_MARK"
"""Variable by which the keeper marks the processes of a job; those that they start inherit it."""
_SAMPLE = 0.25
"""Seconds over which CPU is measured."""


class Use(NamedTuple):
    """What one job uses now."""

    processes: int
    cpu_percent: float
    """Of one processor."""
    memory: int
    """Bytes; what several processes share is counted once (proportional set size)."""


def used(marks: Iterable[str]) -> dict[str, Use]:
    """Mark of a job -> what its processes use. Takes 0.25 s, for CPU is measured over a time."""
    members = {mark: found for mark, found in _members(set(marks)).items() if found}
    everyone = [process for found in members.values() for process in found.values()]
    before = {process.pid: _cpu(process) for process in everyone}
    if everyone:
        time.sleep(_SAMPLE)
    return {mark: _use(list(found.values()), before) for mark, found in members.items()}


def _members(marks: set[str]) -> dict[str, dict[int, psutil.Process]]:
    """Processes with a mark, and what descends from them: it may have cleared its environment."""
    children: defaultdict[int, list[psutil.Process]] = defaultdict(list)
    found: dict[str, dict[int, psutil.Process]] = {mark: {} for mark in marks}
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            children[process.ppid()].append(process)
            # A job inside of a job has the mark of the outer one behind its own.
            for mark in process.environ().get(_MARK, "").split(";"):
                if mark in found:
                    found[mark][process.pid] = process
    for members in found.values():
        waiting = list(members)
        while waiting:
            for child in children[waiting.pop()]:
                if child.pid not in members:
                    members[child.pid] = child
                    waiting.append(child.pid)
    return found


def _use(processes: Iterable[psutil.Process], before: Mapping[int, float]) -> Use:
    count, cpu, memory = 0, 0.0, 0
    for process in processes:
        with suppress(psutil.Error, OSError):
            memory += _memory(process)
            cpu += max(0.0, _cpu(process) - before[process.pid])
            count += 1
    return Use(count, round(100 * cpu / _SAMPLE, 1), memory)


def _cpu(process: psutil.Process) -> float:
    """Seconds so far; 0 of one that has ended."""
    with suppress(psutil.Error, OSError):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0


def _memory(process: psutil.Process) -> int:
    with suppress(psutil.AccessDenied):
        return int(process.memory_full_info().pss)
    return int(process.memory_info().rss)
