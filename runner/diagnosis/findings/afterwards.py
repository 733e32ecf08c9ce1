"""What it could do with what it had saved: found by starting it again, and by a command that reads it."""

from __future__ import annotations

from runner.diagnosis import remedies
from runner.diagnosis.afterwards import Load
from runner.diagnosis.findings.base import Code, Finding, error, warning
from runner.diagnosis.printable import clipped, seconds
from runner.diagnosis.story import Story
from runner.diagnosis.wording import main_name


def did_not_resume(story: Story) -> Finding | None:
    after = story.afterwards
    if after is None or not after.tried or after.resumed is not False or not after.saved:
        return None
    files = "1 file" if after.saved == 1 else f"{after.saved} files"
    return error(
        Code.DID_NOT_RESUME,
        f"{main_name(story)} was started again with what it had saved ({files}), and it did not go on from there: "
        f"{after.why}. After a stop, an interruption or a restart it begins from the beginning.",
        remedies.RESUME,
    )


def checkpoint_unreadable(story: Story) -> Finding | None:
    load = story.afterwards.load if story.afterwards else None
    if load is None or not load.could_be_run or load.seconds is not None or load.code == 0:
        return None
    return error(
        Code.CHECKPOINT_CORRUPT,
        f"What {main_name(story)} had saved cannot be read: `{clipped(load.command, 200)}` ended with {_end(load)} "
        f"for {clipped(load.checkpoint, 200)}.{_last(load)}",
        remedies.ATOMIC_SAVE,
    )


def resumption_unknown(story: Story) -> Finding | None:
    """The stop was in order, and what was asked besides cannot be answered."""
    after = story.afterwards
    if after is None:
        return None
    unknown = []
    if after.tried and after.saved and after.resumed is None:
        unknown.append(f"whether it goes on from what it had saved: {after.why}")
    if after.load is not None and not after.load.could_be_run:
        unknown.append(f"whether that can be read: `{clipped(after.load.command, 200)}` could not be run")
    if after.load is not None and after.load.seconds is not None:
        unknown.append(f"whether that can be read: the command had not ended after {seconds(after.load.seconds)}")
    if not unknown:
        return None
    ask = "--resumed REGEX" if after.resumed is None else "--load COMMAND"
    last = _last(after.load) if after.load is not None else ""
    return warning(
        Code.CANNOT_TELL,
        f"{main_name(story)} left in time, but it cannot be told {'; nor '.join(unknown)}.{last}",
        f"# say by what line it can be told, or give another command:\nrunner check --resume {ask} -- COMMAND",
    )


def _end(load: Load) -> str:
    return f"exit code {load.code}" if load.code is not None else f"signal {load.signal or 'of an unknown name'}"


def _last(load: Load) -> str:
    lines = [line.strip() for line in load.last if line.strip()]
    return f" Its output ends with: {clipped(' / '.join(lines[-3:]), 400)}" if lines else ""
