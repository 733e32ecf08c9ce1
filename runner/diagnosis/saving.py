"""What the files of a job tell of its stop: which saves came before the signal, which after it, which were cut off."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from runner.diagnosis.files import Files, Save
from runner.diagnosis.story import ProcessEnd, Story

_AN_INSTANT = 50_000_000
"""ns within which the end of a process and the closing of its files are taken to be one."""
_PIECES = 500_000_000
"""ns between two pieces of one file that is appended to (`>>` of a shell opens and closes it for each)."""
_ONE_SAVE = 0.08
"""Seconds within which files are parts of one save."""
_OWN_RHYTHM = 0.6
"""How far the time between two saves may be from the usual one, as a part of it."""
_ENOUGH = 4
"""Saves from which a rhythm can be told."""


def is_watched(story: Story) -> bool:
    """Something can be said of what it saved, and of what it did not."""
    return bool(story.watched) and bool(story.files) and not story.last_files.missed


def saved_before(story: Story) -> tuple[Save, ...]:
    """Saves that were complete when the signal came, as far as they are kept in mind: the latest ones."""
    return tuple(save for save in _saves(story) if save.complete and _is_before(save, story))


def saved_after(story: Story) -> tuple[Save, ...]:
    """Saves that were completed after the signal, for whatever reason."""
    cut = {save.key for save in cut_off(story)}
    return tuple(s for s in _saves(story) if s.complete and not _is_before(s, story) and s.key not in cut)


def had_saved(story: Story) -> bool:
    """It had written in a watched folder before the signal."""
    return bool(saved_before(story)) or story.files.get("stop", Files()).saved > 0


def cut_off(story: Story) -> tuple[Save, ...]:
    """Saves that were not finished when whoever was writing them was killed, the earliest first."""
    if story.ended is None or not story.asked:
        return ()
    found = {save.key: save for save in story.last_files.open}
    if story.killed:
        found |= {save.key: save for save in story.files.get("kill", Files()).open}
    saves = {save.key: save for save in _saves(story)}
    found |= {key: save for key, save in saves.items() if _is_cut_off(save, story)}
    latest = [saves.get(key, save) for key, save in found.items()]
    kept = [save for save in latest if save.became != "removed" and not (save.is_log and _is_older(save, story))]
    return tuple(sorted(kept, key=lambda save: save.begun or 0))


def is_destroyed(save: Save, story: Story) -> bool:
    """What was there before is lost: it was written in place, over something that was there when the signal came."""
    if save.in_place:
        return not any(s.path == save.path and s.how == "created" and not _is_older(s, story) for s in _saves(story))
    at_signal = next((s for s in story.files.get("stop", Files()).open if s.key == save.key), None)
    if at_signal is None or not save.size or not at_signal.size or story.zero is None:
        return False
    # Held open all the time, and written again from its beginning: it does not grow, and it changes.
    return (save.changed or 0) > story.zero and save.size <= at_signal.size


def killed_inside(story: Story) -> tuple[ProcessEnd, ...]:
    """Other processes of the job that one of its own killed while the main process lived."""
    return tuple(end for end in _ended_inside(story) if end.signal == "SIGKILL")


def lost_inside(story: Story) -> tuple[ProcessEnd, ...]:
    """Other processes that ended while the main process lived, nobody knows how, in the middle of a save."""
    writers = {save.writer.pid for save in cut_off(story) if save.writer is not None}
    ends = _ended_inside(story)
    return tuple(end for end in ends if end.signal is None and end.code is None and end.pid in writers)


class Rhythm(NamedTuple):
    """It saves every so often."""

    every: float
    """Seconds, in the middle."""
    after: int
    """How often since the signal."""


def rhythm(story: Story) -> Rhythm | None:
    """How it saves, if it went on with it after the signal and until its end: all pauses are about the same."""
    times = _times(story)
    after = [at for at in times if at > 0]
    if len(times) < _ENOUGH or not after or story.ended is None:
        return None
    pauses = [b - a for a, b in pairwise(times)]
    every = sorted(pauses)[len(pauses) // 2]
    last = story.since_zero(story.ended.ns) - times[-1]
    if not all(_is_usual(pause, every) for pause in pauses) or last > every * (1 + _OWN_RHYTHM) + 0.1:
        return None
    return Rhythm(every, len(after))


def _is_usual(pause: float, every: float) -> bool:
    return abs(pause - every) <= _OWN_RHYTHM * every + 0.05


def _times(story: Story) -> list[float]:
    """When something was saved, in seconds from the signal: files of one save (model, optimizer, …) count once."""
    found: list[float] = []
    for save in _saves(story):
        if save.done is None or save.is_log:
            continue
        at = story.since_zero(save.done)
        if not found or at - found[-1] > _ONE_SAVE:
            found.append(at)
    return found


def _saves(story: Story) -> tuple[Save, ...]:
    """What was completed, with the pieces of a file that is appended to as one save."""
    found: list[Save] = []
    for save in story.last_files.saves:
        before = next((n for n in range(len(found) - 1, -1, -1) if found[n].path == save.path), None)
        if before is not None and _goes_on(found[before], save):
            first = found[before]
            found[before] = save._replace(
                begun=first.begun, how=first.how, writer=save.writer or first.writer, pieces=first.pieces + 1
            )
        else:
            found.append(save)
    return tuple(found)


def _goes_on(first: Save, save: Save) -> bool:
    if save.how != "overwritten" or first.done is None or save.begun is None or first.became != save.became:
        return False
    return (save.size or 0) > (first.size or 0) and 0 <= save.begun - first.done <= _PIECES


def _is_cut_off(save: Save, story: Story) -> bool:
    return _lost_its_writer(save, story) or _is_unfinished(save, story) or _was_appended_to(save, story)


def _was_appended_to(save: Save, story: Story) -> bool:
    """Piece by piece, until it was killed: the next one was due."""
    if save.pieces < 3 or not story.killed or story.kill is None or save.done is None or save.begun is None:
        return False
    pause = (save.done - save.begun) / (save.pieces - 1)
    return not _is_before(save, story) and story.kill.ns - save.done <= 2 * pause + _AN_INSTANT


def _lost_its_writer(save: Save, story: Story) -> bool:
    """It was closed by the kernel, because whoever had it open was killed with the main process or before it."""
    if save.writer is None or save.done is None or story.ended is None or save.to is not None:
        return False
    pid = save.writer.pid
    killed = {process.pid for process in story.left_over} | {end.pid for end in killed_inside(story)}
    killed |= {end.pid for end in _ended_inside(story) if end.signal is None and end.code is None}
    ends = [end.ns for end in story.process_ends if end.pid == pid]
    return pid in killed and save.done >= min([*ends, story.ended.ns]) - _AN_INSTANT


def _ended_inside(story: Story) -> tuple[ProcessEnd, ...]:
    """Other processes that ended after the signal, while the main process lived and before our SIGKILL."""
    if story.signal is None or story.ended is None:
        return ()
    until = min(story.ended.ns, story.kill.ns if story.kill else story.ended.ns)
    left = {process.pid for process in story.left_over}
    begin = story.signal.ns
    return tuple(end for end in story.process_ends if begin < end.ns <= until and end.pid not in left)


def _is_unfinished(save: Save, story: Story) -> bool:
    """A file under a temporary name that was written after the signal, and is still there."""
    return not _is_before(save, story) and save.became == "there" and save.is_temporary


def _is_before(save: Save, story: Story) -> bool:
    return save.done is not None and (story.zero is None or save.done <= story.zero)


def _is_older(save: Save, story: Story) -> bool:
    """It was begun before the signal."""
    return save.begun is not None and story.zero is not None and save.begun <= story.zero
