"""How processes and the signal's way are put into words: the same ones in every finding and in the text."""

from __future__ import annotations

from runner.diagnosis.commands import shown
from runner.diagnosis.printable import command_line, seconds
from runner.diagnosis.story import Process, Story
from runner.lifecycle.facts import KillReason
from runner.lifecycle.stops import Isolation

KILLED_WHY = {
    KillReason.DEADLINE.value: "its grace was over",
    KillReason.NOW.value: "it was told to stop at once",
    KillReason.OWNER_GONE.value: "the program that had started it was gone",
    KillReason.FACTS_DECIDE.value: "the facts had decided: waiting longer would have shown nothing more",
    KillReason.CLOSED.value: "its runner was closed",
}

_BEFORE_EXEC = "runner-keeper"
"""What the kernel calls the main process until it executes the program."""

AS_PID1 = {
    Isolation.PID1.value: "as PID 1 of a namespace of its own, as in a container",
    Isolation.DOCKER.value: "as PID 1 of a container",
}


def main_name(story: Story) -> str:
    """`sh (PID 1)`; where its number says nothing, `sh (the main process)`."""
    name = story.main.name if story.main and story.main.name != _BEFORE_EXEC else _from_argv(story)
    return f"{name} (PID 1)" if has_pid1(story) else f"{name} (the main process)"


def name_of(process: Process) -> str:
    """`python train.py (PID 7)`: the number is the one that the job itself sees."""
    return f"{shown(process)} (PID {process.inner})"


def names_of(processes: tuple[Process, ...], most: int = 4) -> str:
    """`a (PID 2), b (PID 3) and 7 more`."""
    listed = [name_of(process) for process in processes[:most]]
    if len(processes) > most:
        return f"{', '.join(listed)} and {len(processes) - most} more"
    return " and ".join([", ".join(listed[:-1]), listed[-1]] if len(listed) > 1 else listed)


def relation(story: Story, process: Process) -> str:
    """`its child`, or `its descendant` if processes are between them."""
    return "its child" if story.main is not None and process.ppid == story.main.pid else "its descendant"


def has_pid1(story: Story) -> bool:
    """The main process was PID 1 of its job."""
    return story.isolation in AS_PID1 or (not story.emulated and story.main is not None and story.main.inner == 1)


def dropped(story: Story) -> str:
    """What became of a SIGTERM that the main process had no handler for."""
    if story.emulated:
        return "so it was withheld, as the kernel drops it for PID 1 of a container"
    return "so the kernel dropped it" if has_pid1(story) else "so it had no effect"


def seen_in_plain(story: Story) -> str:
    """What would differ in a container, for an explanation that ends with it. Empty for other isolations."""
    if not story.emulated:
        return ""
    return (
        " This was seen in plain isolation, where the main process is not PID 1: outside a container the same SIGTERM "
        "would have ended it at once, with nothing saved."
    )


def outcome(story: Story) -> str:
    """How it went on after the signal, as a clause: `was killed 120 s after it`."""
    if story.ended is not None and story.killed:
        return f"was killed {seconds(max(story.since_zero(story.ended.ns), 0))} later, {_deadline(story)}"
    if story.ended is not None and story.killed_by_other:
        return f"was killed by somebody else {seconds(max(story.since_zero(story.ended.ns), 0))} later"
    if story.ended is not None:
        return f"ended {seconds(max(story.since_zero(story.ended.ns), 0))} later with {ending(story)}"
    return "is being killed" if story.kill else "still runs"


def ending(story: Story) -> str:
    """`exit code 0`, `signal SIGTERM`."""
    if story.ended is None:
        return "no end on record"
    if story.ended.signal is not None:
        return f"signal {story.ended.signal}"
    return "an unknown exit code" if story.ended.code is None else f"exit code {story.ended.code}"


def grace(story: Story) -> str:
    amount = story.stop.grace if story.stop else None
    return "its grace" if amount is None else f"its grace of {seconds(amount)}"


def capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _deadline(story: Story) -> str:
    return f"before {grace(story)} was over" if story.cut_short else f"when {grace(story)} was over"


def _from_argv(story: Story) -> str:
    return command_line(story.argv[:1]).rsplit("/", 1)[-1] or "the program"
