"""Whether waiting for the deadline would show anything more. `check` stops waiting when it would not."""

from __future__ import annotations

from collections.abc import Sequence

from runner.diagnosis.commands import is_helper
from runner.diagnosis.members import Fact
from runner.diagnosis.reading import read
from runner.diagnosis.story import Look, Process, Story

SETTLED_AFTER = 10.0
"""Seconds from the signal on, before which nothing is decided: programs import for that long before they install
their handlers."""


def decided(facts: Sequence[Fact]) -> bool:
    """The stop cannot become graceful any more, and it is known why.

    True if the signal was dropped (or withheld, as the kernel would have dropped it), a look at all processes
    `SETTLED_AFTER` seconds later or more shows that no process of the job has installed a handler since, and SIGTERM
    waits for none of them. Have the backend look before asking: without such a look the answer is False.
    """
    story = read(facts)
    if story.over or not story.asked or story.heard is not False or story.signal is None:
        return False
    first = next(iter(story.looks_after), None)
    last = story.looks_after[-1] if story.looks_after else None
    if first is None or last is None or story.since_zero(last.ns) < SETTLED_AFTER or not _shows_main(last, story):
        return False
    takers = {process.pid for process in first.processes if process.takes}
    return all(_settled(process, takers, story) for process in last.processes if process.alive)


def _shows_main(look: Look, story: Story) -> bool:
    return any(story.is_main(process) and process.alive for process in look.processes)


def _settled(process: Process, takers: set[int], story: Story) -> bool:
    """It cannot learn of the stop, and it does with SIGTERM what it did when the stop came."""
    if process.sigterm is None or process.pending:
        return False
    if not process.takes:
        return True
    if story.main is None or story.is_main(process):
        return False
    # A fork of a process that had a handler has inherited it.
    return is_helper(process, story.main) or process.pid in takers or process.ppid in takers
