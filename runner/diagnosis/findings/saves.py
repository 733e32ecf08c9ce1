"""What became of the files in the model, checkpoint and output folders."""

from __future__ import annotations

from itertools import pairwise

from runner.diagnosis import cures, remedies, saving
from runner.diagnosis.files import Save, amount
from runner.diagnosis.findings import handlers
from runner.diagnosis.findings.base import Code, Finding, error, warning
from runner.diagnosis.printable import clipped, seconds
from runner.diagnosis.story import Story
from runner.diagnosis.wording import grace, main_name, outcome
from runner.lifecycle.stops import Disposition

_TALKATIVE = 4
"""Lines before the signal from which it is known when the next one is due."""
_LONG = 0.3
"""Seconds for which a file was open when it was cut off, from which that was no mere chance."""


def checkpoint_corrupt(story: Story) -> Finding | None:
    """The only copy was being overwritten. Whether it can still be read, `check --load` tries."""
    cut = next(
        (save for save in saving.cut_off(story) if saving.is_destroyed(save, story) and _took_long(save, story)), None
    )
    if cut is None:
        return None
    return error(
        Code.CHECKPOINT_CORRUPT,
        f"{_name(cut)} was being overwritten in place when {_killer(story)}: {amount(cut.size)} of it are there, and "
        "what it held before is lost as well. There is nothing left to go on from.",
        remedies.ATOMIC_SAVE,
    )


def save_too_slow(story: Story) -> Finding | None:
    if not story.killed or story.cut_short or story.heard is not True or story.signal is None or story.kill is None:
        return None
    cut = next((save for save in saving.cut_off(story) if _is_answer(save, story)), None)
    if cut is None:
        return None
    begun = max(story.since_zero(cut.begun), 0.0) if cut.begun is not None else 0.0
    took = max(story.since_zero(story.kill.ns) - begun, 0.001)
    rate = f" ({amount(round(cut.size / took))} a second)" if cut.size else ""
    earlier = [save.size for save in saving.saved_before(story) if save.role == cut.role and save.size]
    whole = f" The one before it had {amount(max(earlier))}." if earlier and cut.size is not None else ""
    return error(
        Code.SAVE_TOO_SLOW,
        f"{main_name(story)} took SIGTERM and began to save {seconds(begun) if begun else 'at once'}"
        f"{' later' if begun else ''}, and was still writing {_name(cut)} when {grace(story)} was over: "
        f"{amount(cut.size)} in {seconds(took)}{rate}.{whole}",
        remedies.SMALLER_SAVE,
    )


def save_cut_off_by_end(story: Story) -> Finding | None:
    """The main process ended by itself and took along who was saving."""
    return None if story.killed else _save_cut_off(story)


def save_cut_off_by_kill(story: Story) -> Finding | None:
    """Besides what kept the program from leaving in time."""
    return _save_cut_off(story) if story.killed else None


def periodic_checkpoint(story: Story) -> Finding | None:
    """Only where the program did not end because of the signal: its saves prove nothing then."""
    rhythm = saving.rhythm(story)
    if rhythm is None or not story.asked or not story.killed or story.log.news or _is_explained(story):
        return None
    return error(
        Code.PERIODIC_CHECKPOINT,
        f"{main_name(story)} saved {rhythm.after} {'time' if rhythm.after == 1 else 'times'} after SIGTERM, and not "
        f"because of it: it saves about every {seconds(rhythm.every)} anyhow, and went on in that rhythm. "
        f"It {outcome(story)}, and what it did since its last save is lost.",
        cures.handler_of_main(story),
    )


def nothing_saved(story: Story) -> Finding | None:
    """Of a program that left in time. Whether that is a fault depends on whether it should have saved."""
    if not saving.is_watched(story) or story.heard is not True or not story.ended_by_itself:
        return None
    if saving.saved_after(story) or saving.cut_off(story) or _is_up_to_date(story):
        return None
    explanation = (
        f"{main_name(story)} left in time, and wrote nothing after SIGTERM in {_folders(story)}.{_last(story)}"
    )
    if saving.had_saved(story) or any(folder.asked for folder in story.watched):
        return error(Code.NOTHING_SAVED, explanation, remedies.save_on_sigterm(story))
    return warning(Code.NOTHING_SAVED, explanation, remedies.where_it_saves(story))


def _save_cut_off(story: Story) -> Finding | None:
    cut = [save for save in saving.cut_off(story) if not (saving.is_destroyed(save, story) and _took_long(save, story))]
    if save_too_slow(story) is not None:
        cut = [save for save in cut if not _is_answer(save, story)]
    if not cut:
        return None
    first = cut[0]
    who = f" by {first.writer.name} (PID {first.writer.inner})" if first.writer else ""
    more = (
        "" if len(cut) == 1 else " So was one other file." if len(cut) == 2 else f" So were {len(cut) - 1} other files."
    )
    return error(
        Code.SAVE_CUT_OFF,
        f"{_name(first)} was being written{who} when {_killer(story)}: {amount(first.size)} of it are there, "
        f"and it was never finished.{more}",
        remedies.cut_off_save(story),
    )


def _is_explained(story: Story) -> bool:
    """What kept it from stopping is known, and how it saves has nothing to do with that."""
    if story.at_signal is None or story.at_signal is Disposition.IGNORED or handlers.blocked(story) is not None:
        return True
    return handlers.wrapper_swallowed(story) is not None or handlers.too_early(story) is not None


def _is_answer(save: Save, story: Story) -> bool:
    """It was begun because of the signal, or was being written when the signal came."""
    return saving.rhythm(story) is None or _took_long(save, story)


def _took_long(save: Save, story: Story) -> bool:
    end = story.kill.ns if story.killed and story.kill else story.ended.ns if story.ended else None
    return end is not None and save.begun is not None and (end - save.begun) / 1e9 >= _LONG


def _is_up_to_date(story: Story) -> bool:
    """The last save before the signal came after the last line that was due: it had nothing new to save."""
    before, lines = saving.saved_before(story), story.log.before
    if not before or len(lines) < _TALKATIVE:
        return False
    pauses = sorted(b.t - a.t for a, b in pairwise(lines))
    due = lines[-1].t + 2 * pauses[len(pauses) // 2]
    last = max(story.since_zero(save.done) for save in before if save.done is not None)
    return last >= lines[-1].t and due >= 0


def _last(story: Story) -> str:
    before = saving.saved_before(story)
    if not before:
        return ""
    ago = -max(story.since_zero(save.done) for save in before if save.done is not None)
    return f" Its last save is {seconds(max(ago, 0.001))} older than the signal: what it did since is lost."


def _folders(story: Story) -> str:
    asked = [folder.path for folder in story.watched if folder.asked]
    paths = asked or [folder.path for folder in story.watched]
    return " or ".join(clipped(path, 60) for path in paths[:4])


def _killer(story: Story) -> str:
    if story.killed:
        return f"{main_name(story)} was killed"
    return f"{main_name(story)} ended, and with it everything else"


def _name(save: Save) -> str:
    return clipped(save.final, 80)
