"""Journal lines -> `Story`. A journal may be torn, unfinished or newer than this code: nothing here raises for that.

A member that is missing or has another type than `lifecycle.facts` says counts as null; facts of unknown names count
as not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runner.diagnosis import evidence
from runner.diagnosis.members import Fact, amount, nanoseconds, number, text, text_or_none, texts
from runner.diagnosis.story import Ended, Kill, Look, NotExecuted, Process, ProcessEnd, Signal, Stop, Story
from runner.lifecycle.facts import FactName
from runner.lifecycle.stops import Disposition

_DISPOSITIONS = {disposition.value: disposition for disposition in Disposition}


def read(facts: Sequence[Fact]) -> Story:
    """The story of one attempt: of the last one that was stopped, else of the last one."""
    own = facts_of(facts)
    by_name: dict[str, list[Fact]] = {}
    for fact in own:
        by_name.setdefault(str(fact.get("fact")), []).append(fact)

    def all_of(name: FactName) -> list[Fact]:
        return by_name.get(name.value, [])

    def first(name: FactName) -> Fact | None:
        return next(iter(all_of(name)), None)

    def listed(name: FactName) -> tuple[Process, ...]:
        return tuple(process for fact in all_of(name) for process in processes_of(fact))

    launch, started, executed = first(FactName.LAUNCH), first(FactName.STARTED), first(FactName.EXECUTED)
    return Story(
        attempt=_attempt(own[-1]) if own else 1,
        argv=texts(launch.get("argv")) if launch else (),
        isolation=text_or_none(launch.get("isolation")) if launch else None,
        main_pid=number(started.get("pid")) if started else None,
        launched=nanoseconds(launch) if launch else None,
        executed=nanoseconds(executed) if executed else None,
        not_executed=_not_executed(first(FactName.NOT_EXECUTED)),
        stop=_stop(first(FactName.STOP)),
        signal=_signal(all_of(FactName.SIGNAL)),
        kill=_kill(first(FactName.KILL)),
        ended=_ended(first(FactName.ENDED)),
        looks=tuple(_look(fact) for fact in all_of(FactName.LOOK)),
        process_ends=tuple(_process_end(fact) for fact in all_of(FactName.PROCESS_ENDED)),
        watched=evidence.watched(launch),
        files=evidence.files(all_of(FactName.FILES)),
        stacks=evidence.stacks(all_of(FactName.STACKS)),
        temporaries=evidence.temporaries(first(FactName.TEMPORARIES)),
        left_over=listed(FactName.LEFT_OVER),
        unattributed=listed(FactName.UNATTRIBUTED),
        unkillable=listed(FactName.UNKILLABLE),
        emulation_missed=first(FactName.EMULATION_MISSED) is not None,
        lost=first(FactName.LOST) is not None,
        gone=first(FactName.GONE) is not None,
    )


def facts_of(facts: Sequence[Fact]) -> list[Fact]:
    """The facts of the attempt that is judged."""
    stopped = [fact for fact in facts if fact.get("fact") == FactName.STOP.value] or facts
    if not stopped:
        return []
    attempt = _attempt(stopped[-1])
    return [fact for fact in facts if _attempt(fact) == attempt]


def processes_of(fact: Fact) -> tuple[Process, ...]:
    """The processes that the fact lists; entries without a pid are left out."""
    listed = fact.get("processes")
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        return ()
    return tuple(_process(item) for item in listed if isinstance(item, Mapping) and number(item.get("pid")) is not None)


def _attempt(fact: Fact) -> int:
    return number(fact.get("a")) or 1


def _process(item: Mapping[str, Any]) -> Process:
    pid = number(item.get("pid")) or 0
    inner = number(item.get("inner"))
    disposition = item.get("sigterm")
    return Process(
        pid=pid,
        inner=pid if inner is None else inner,
        ppid=number(item.get("ppid")),
        name=text(item.get("name")) or "a process",
        state=text(item.get("state")),
        sigterm=_DISPOSITIONS.get(disposition) if isinstance(disposition, str) else None,
        blocked=item.get("blocked") is True or disposition == Disposition.BLOCKED.value,
        pending=item.get("pending") is True,
        start=number(item.get("start")),
        command=texts(item.get("command")),
        cpu=amount(item.get("cpu")),
        switches=number(item.get("switches")),
        background=item.get("background") is True,
        wait=text_or_none(item.get("wait")),
        blocks_all=item.get("blocks_all") is True,
    )


def _look(fact: Fact) -> Look:
    return Look(nanoseconds(fact), text(fact.get("moment")), processes_of(fact))


def _stop(fact: Fact | None) -> Stop | None:
    if fact is None:
        return None
    return Stop(nanoseconds(fact), number(fact.get("w")), amount(fact.get("grace")), text_or_none(fact.get("cause")))


def _signal(facts: Sequence[Fact]) -> Signal | None:
    for fact in facts:
        if fact.get("signal") == "SIGTERM":
            wall = number(fact.get("w"))
            return Signal(nanoseconds(fact), wall, text(fact.get("outcome")), text(fact.get("reason")))
    return None


def _kill(fact: Fact | None) -> Kill | None:
    return None if fact is None else Kill(nanoseconds(fact), text(fact.get("why")))


def _ended(fact: Fact | None) -> Ended | None:
    if fact is None:
        return None
    return Ended(
        ns=nanoseconds(fact),
        code=number(fact.get("code")),
        signal=text_or_none(fact.get("signal")),
        killer=text_or_none(fact.get("killer")),
        out_of_memory=text_or_none(fact.get("out_of_memory")),
    )


def _process_end(fact: Fact) -> ProcessEnd:
    how = number(fact.get("code")), text_or_none(fact.get("signal"))
    return ProcessEnd(nanoseconds(fact), number(fact.get("pid")) or 0, *how)


def _not_executed(fact: Fact | None) -> NotExecuted | None:
    return None if fact is None else NotExecuted(text(fact.get("stage")), text(fact.get("reason")))
