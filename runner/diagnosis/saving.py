"""What the files of a job tell of its stop: which saves came before the signal, which after it, which were cut off."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from runner.diagnosis.files import Files, Save
from runner.diagnosis.story import ProcessEnd, Story

_AN_INSTANT = 50_000_000
"""ns within which the end of a process and the closing of its files are taken to be one."""
_OWN_RHYTHM = 0.6
"""How far the time between two saves may be from the usual one, as a part of it."""
_ENOUGH = 3
"""Saves before the signal from which a rhythm can be told."""


def is_watched(story: Story) -> bool:
    """Something can be said of what it saved, and of what it did not."""
    return bool(story.watched) and bool(story.files) and not story.last_files.missed


def saved_before(story: Story) -> tuple[Save, ...]:
    """Saves that were complete when the signal came, as far as they are kept in mind: the latest ones."""
    return tuple(save for save in story.last_files.saves if save.complete and _is_before(save, story))


def saved_after(story: Story) -> tuple[Save, ...]:
    """Saves that were completed after the signal, for whatever reason."""
    cut = {save.key for save in cut_off(story)}
    saves = story.last_files.saves
    return tuple(save for save in saves if save.complete and not _is_before(save, story) and save.key not in cut)


def had_saved(story: Story) -> bool:
    """It had written in a watched folder before the signal."""
    return bool(saved_before(story)) or story.files.get("stop", Files()).saved > 0


def cut_off(story: Story) -> tuple[Save, ...]:
    """Saves that were not finished when whoever was writing them was killed, the earliest first."""
    if story.ended is None or not story.asked:
        return ()
    last = story.last_files
    found = {save.key: save for save in last.open}
    if story.killed:
        found |= {save.key: save for save in story.files.get("kill", Files()).open}
    found |= {save.key: save for save in last.saves if _lost_its_writer(save, story) or _is_unfinished(save, story)}
    latest = {save.key: save for save in last.saves}
    saves = [latest.get(key, save) for key, save in found.items()]
    return tuple(sorted((s for s in saves if s.became != "removed"), key=lambda save: save.begun or 0))


def killed_inside(story: Story) -> tuple[ProcessEnd, ...]:
    """Other processes of the job that one of its own killed while the main process lived."""
    if story.signal is None or story.ended is None:
        return ()
    until = min(story.ended.ns, story.kill.ns if story.kill else story.ended.ns)
    left = {process.pid for process in story.left_over}
    begin = story.signal.ns
    return tuple(
        end for end in story.process_ends if end.signal == "SIGKILL" and begin < end.ns <= until and end.pid not in left
    )


class Rhythm(NamedTuple):
    """It saves every so often."""

    every: float
    """Seconds, in the middle."""
    before: int
    after: int


def rhythm(story: Story) -> Rhythm | None:
    """How it saved before the signal, if it went on in just that way after it."""
    times = _times(saved_before(story))
    later = _times(saved_after(story))
    if len(times) < _ENOUGH or not later:
        return None
    pauses = sorted(b - a for a, b in pairwise(times))
    every = pauses[len(pauses) // 2]
    if every <= 0:
        return None
    due = [b - a for a, b in pairwise([times[-1], *later])]
    if not all(abs(pause - every) <= _OWN_RHYTHM * every + 0.05 for pause in due):
        return None
    return Rhythm(every, len(times), len(later))


def _times(saves: Sequence[Save]) -> list[float]:
    """When something was saved, in seconds: files of one save (model, optimizer, …) count once."""
    found: list[float] = []
    for save in saves:
        at = (save.done or 0) / 1e9
        if not found or at - found[-1] > _ONE_SAVE:
            found.append(at)
    return found


_ONE_SAVE = 0.08
"""Seconds within which files are parts of one save."""


def _lost_its_writer(save: Save, story: Story) -> bool:
    """It was closed by the kernel, because whoever had it open was killed with the main process or before it."""
    if save.writer is None or save.done is None or story.ended is None or save.to is not None:
        return False
    pid = save.writer.pid
    killed = {process.pid for process in story.left_over} | {end.pid for end in killed_inside(story)}
    ends = [end.ns for end in story.process_ends if end.pid == pid]
    return pid in killed and save.done >= min([*ends, story.ended.ns]) - _AN_INSTANT


def _is_unfinished(save: Save, story: Story) -> bool:
    """A file under a temporary name that was written after the signal, and is still there."""
    return not _is_before(save, story) and save.became == "there" and save.is_temporary


def _is_before(save: Save, story: Story) -> bool:
    return save.done is not None and (story.zero is None or save.done <= story.zero)
