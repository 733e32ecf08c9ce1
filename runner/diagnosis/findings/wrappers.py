"""A wrapper that took SIGTERM, and what became of the program below it."""

from __future__ import annotations

from runner.diagnosis import cures
from runner.diagnosis.commands import ignores_by_design, is_helper, is_shell, passes_on
from runner.diagnosis.findings.base import Code, Finding, error, warning
from runner.diagnosis.printable import seconds
from runner.diagnosis.story import Process, Story
from runner.diagnosis.wording import ending, has_pid1, main_name, name_of, names_of


def wrapper_died(story: Story) -> Finding | None:
    """Only where the main process ended as SIGTERM ends it (by the signal, or with 128 + 15) and is a wrapper.

    A program of its own that leaves workers behind has left-overs; a wrapper that leaves the program behind has cut
    it off.
    """
    main, ended = story.main, story.ended
    if main is None or ended is None or not story.asked or not (ended.signal == "SIGTERM" or ended.code == 128 + 15):
        return None
    below = next((p for p in still_alive(story) if p.takes and not is_helper(p, main)), None)
    if below is None or not (is_shell(main) or passes_on(main)):
        return None
    end = "the end of PID 1 kills everything else" if has_pid1(story) else "what is left of a job is killed then"
    return error(
        Code.WRAPPER_DIED,
        f"{main_name(story)} ended {seconds(max(story.since_zero(ended.ns), 0))} after SIGTERM with "
        f"{ending(story)}, while {name_of(below)}, which has a handler, was still running: {end}, whatever it was "
        "saving at that moment.",
        cures.init(story, below),
    )


def left_overs(story: Story) -> Finding | None:
    left = tuple(p for p in still_alive(story) if not ignores_by_design(p))
    if not left or not story.ended_by_itself:
        return None
    one = len(left) == 1
    return warning(
        Code.LEFT_OVERS,
        f"{names_of(left)} {'was' if one else 'were'} still alive when {main_name(story)} had ended, and "
        f"{'was' if one else 'were'} killed with SIGKILL, as everything in a container is when its PID 1 ends. "
        f"What {'it' if one else 'they'} had not finished is lost.",
        cures.children(story.main, left[0]),
    )


def still_alive(story: Story) -> tuple[Process, ...]:
    """What outlived the main process, without zombies, which only wait to be reaped."""
    left = story.left_over or tuple(
        p for look in story.looks if look.moment == "end" for p in look.processes if not story.is_main(p)
    )
    return tuple(p for p in left if p.alive and not story.is_main(p))
