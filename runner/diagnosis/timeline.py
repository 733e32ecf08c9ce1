"""The facts as a time line: what is worth telling of each, in seconds from the stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from runner.diagnosis import saving
from runner.diagnosis.members import Fact, nanoseconds, number, text, texts
from runner.diagnosis.printable import printable
from runner.diagnosis.reading import facts_of, processes_of
from runner.diagnosis.story import Process, Story
from runner.lifecycle.facts import FactName

Entry = dict[str, Any]

_MOST_SAVES = 20

_MEMBERS: Mapping[FactName, Sequence[str]] = {
    FactName.STARTED: ("pid", "inner"),
    FactName.EXECUTED: (),
    FactName.NOT_EXECUTED: ("stage", "reason", "code"),
    FactName.STOP: ("grace", "cause"),
    FactName.SIGNAL: ("signal", "pid", "outcome", "reason"),
    FactName.KILL: ("why", "pid"),
    FactName.ENDED: ("pid", "code", "signal", "killer", "out_of_memory"),
    FactName.PROCESS_ENDED: ("pid", "inner", "name", "code", "signal"),
    FactName.EMULATION_MISSED: (),
    FactName.OWNER_GONE: (),
    FactName.GONE: (),
}
_LISTS = frozenset({FactName.LEFT_OVER, FactName.UNATTRIBUTED, FactName.UNKILLABLE, FactName.LOST})


def timeline_of(facts: Sequence[Fact], story: Story) -> tuple[Entry, ...]:
    """Entries in the order of time. Each has `t` (seconds from the stop, negative before it) and `event`.

    A signal also has `disposition`: what the main process did with it, as it was seen to just before.
    `event` is the name of a fact (`lifecycle.facts.FactName`), with its members; a launch has `command`, lists of
    processes have `processes`. Looks are left out, but where one shows that the main process does something else
    with SIGTERM than the one before, there is an entry `disposition` with `from` and `to`. A file that was written
    since the signal is an entry `saved` or `cut-off`, with `path` and `size`.
    """
    entries = [entry for fact in facts_of(facts) for entry in _entries(fact, story)]
    for entry in entries:
        if entry["event"] == FactName.SIGNAL.value:
            entry["disposition"] = story.at_signal.value if story.at_signal else None
    entries += [*_changes(story), *_saves(story)]
    return tuple(sorted(entries, key=lambda entry: float(entry["t"])))


def process_entry(process: Process) -> Entry:
    """A process as the JSON shows it; every text in it is printable."""
    return {
        "pid": process.pid,
        "inner": process.inner,
        "name": process.name,
        "command": [printable(word) for word in process.command],
        "sigterm": process.sigterm.value if process.sigterm else None,
        "state": process.state or None,
    }


def _entries(fact: Fact, story: Story) -> Iterator[Entry]:
    read = _READERS.get(str(fact.get("fact")))
    if read is not None:
        at = round(story.since_zero(nanoseconds(fact)), 6)
        yield {"t": at, "event": str(fact["fact"]), **read(fact)}


def _plainly(names: Sequence[str]) -> Callable[[Fact], Entry]:
    return lambda fact: {name: _value(fact.get(name)) for name in names}


def _launched(fact: Fact) -> Entry:
    return {"command": [printable(word) for word in texts(fact.get("argv"))], "isolation": text(fact.get("isolation"))}


def _listed(fact: Fact) -> Entry:
    return {"processes": [process_entry(process) for process in processes_of(fact)]}


def _value(value: object) -> object:
    if isinstance(value, str):
        return text(value)
    return value if isinstance(value, float) else number(value)


def _changes(story: Story) -> Iterator[Entry]:
    seen = story.at_signal
    for look in story.looks_after:
        for process in look.processes:
            now = process.sigterm
            if story.is_main(process) and now is not None and now is not seen:
                if seen is not None:
                    at = round(story.since_zero(look.ns), 6)
                    yield {
                        "t": at,
                        "event": "disposition",
                        "pid": process.pid,
                        "name": process.name,
                        "from": seen.value,
                        "to": now.value,
                    }
                seen = now


def _saves(story: Story) -> Iterator[Entry]:
    """As they were done; one that was cut off stands where it began."""
    for save in saving.saved_after(story)[:_MOST_SAVES]:
        at = round(story.since_zero(save.done or 0), 6)
        yield {"t": at, "event": "saved", "path": save.final, "size": save.size}
    for save in saving.cut_off(story)[:_MOST_SAVES]:
        begun = round(story.since_zero(save.begun), 6) if save.begun is not None else 0.0
        yield {"t": begun, "event": "cut-off", "path": save.final, "size": save.size}


_READERS: Mapping[str, Callable[[Fact], Entry]] = {
    FactName.LAUNCH.value: _launched,
    **{name.value: _plainly(members) for name, members in _MEMBERS.items()},
    **{name.value: _listed for name in _LISTS},
}
