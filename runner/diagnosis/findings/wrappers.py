"""A wrapper that took SIGTERM, and what became of the program below it."""

from __future__ import annotations

from runner.diagnosis import cures, remedies, saving
from runner.diagnosis.commands import ignores_by_design, is_helper, is_shell, passes_on, program
from runner.diagnosis.files import amount
from runner.diagnosis.findings.base import Code, Finding, error, warning
from runner.diagnosis.printable import clipped, seconds
from runner.diagnosis.story import Process, Story
from runner.diagnosis.wording import ending, has_pid1, main_name, name_of, names_of


def wrapper_died(story: Story) -> Finding | None:
    """Only where the main process is a wrapper: it leaves the program behind and has cut it off.

    A program of its own that leaves workers behind has left-overs.
    """
    main, ended = story.main, story.ended
    if main is None or ended is None or not story.asked or not story.ended_by_itself:
        return None
    below = next((p for p in still_alive(story) if p.takes and not is_helper(p, main)), None)
    if below is None or not (story.heard is True or story.died_of_it) or not _is_wrapper(main, below, story):
        return None
    end = "the end of PID 1 kills everything else" if has_pid1(story) else "what is left of a job is killed then"
    return error(
        Code.WRAPPER_DIED,
        f"{main_name(story)} ended {seconds(max(story.since_zero(ended.ns), 0))} after SIGTERM with "
        f"{ending(story)}, while {name_of(below)}, which has a handler, was still running: {end}, whatever it was "
        "saving at that moment.",
        cures.init(story, below),
    )


def _is_wrapper(main: Process, below: Process, story: Story) -> bool:
    """It has no work of its own: a shell, an init program, or what started the program and has saved nothing."""
    if is_shell(main) or passes_on(main):
        return True
    return saving.is_watched(story) and _is_child(below, main, story) and not saving.saved_after(story)


def _is_child(below: Process, main: Process, story: Story) -> bool:
    """It was at some time: an orphan has another parent."""
    seen = (p for look in story.looks for p in look.processes if p.identity == below.identity)
    return any(p.ppid == main.pid for p in seen)


def left_overs(story: Story) -> Finding | None:
    left = tuple(p for p in still_alive(story) if not ignores_by_design(p) and not _is_pause(p, story))
    if not story.ended_by_itself:
        return None
    files = _files_left(story)
    if not left and not files:
        return None
    return warning(
        Code.LEFT_OVERS,
        " ".join(part for part in (_processes_left(left, story), files) if part),
        cures.children(story.main, left[0]) if left else remedies.TEMPORARIES,
    )


def _is_pause(process: Process, story: Story) -> bool:
    """A script's own `sleep` in its foreground: nothing is lost with it."""
    main = story.main
    if main is None or not is_shell(main) or process.background:
        return False
    return program(process) == "sleep" and _is_child(process, main, story)


def _processes_left(left: tuple[Process, ...], story: Story) -> str:
    if not left:
        return ""
    one = len(left) == 1
    return (
        f"{names_of(left)} {'was' if one else 'were'} still alive when {main_name(story)} had ended, and "
        f"{'was' if one else 'were'} killed with SIGKILL, as everything in a container is when its PID 1 ends. "
        f"What {'it' if one else 'they'} had not finished is lost."
    )


def _files_left(story: Story) -> str:
    found = story.temporaries
    if found is None:
        return ""
    parts = []
    if found.paths:
        more = f" and {found.how_many - 3} more" if found.how_many > 3 else ""
        names = ", ".join(clipped(path.rpartition("/")[2], 40) for path in found.paths[:3])
        parts.append(f"Temporary files were left in TMPDIR: {names}{more} ({amount(found.size)}).")
    if found.shared_memory:
        parts.append(
            f"Shared memory was left in /dev/shm: {', '.join(clipped(n, 40) for n in found.shared_memory[:3])}."
        )
    return " ".join(parts)


def still_alive(story: Story) -> tuple[Process, ...]:
    """What outlived the main process, without zombies, which only wait to be reaped."""
    left = story.left_over or tuple(
        p for look in story.looks if look.moment == "end" for p in look.processes if not story.is_main(p)
    )
    return tuple(p for p in left if p.alive and not story.is_main(p))
