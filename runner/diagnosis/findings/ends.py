"""Where the verdict stays open: the stop met no running program, or the facts end before the program does."""

from __future__ import annotations

from runner.diagnosis import cures
from runner.diagnosis.findings.base import Code, Finding, warning
from runner.diagnosis.printable import printable, seconds
from runner.diagnosis.story import Story
from runner.diagnosis.wording import KILLED_WHY, ending, grace, main_name


def not_executed(story: Story) -> Finding | None:
    if story.not_executed is None:
        return None
    failed = story.not_executed
    what = printable(story.argv[0]) if story.argv else "The program"
    return warning(
        Code.NOT_EXECUTED,
        f"{what} could not be executed ({failed.stage or 'execution'}: {failed.reason or 'no reason on record'}), "
        "so there was nothing to stop.",
        "# is it there, and executable?\ncommand -v " + cures.first_word(story),
    )


def keeper_lost(story: Story) -> Finding | None:
    if not story.lost or story.ended is not None:
        return None
    return warning(
        Code.KEEPER_LOST,
        "The keeper, the process that owned the job, died and the job with it: how the program would have ended "
        "is not known.",
        cures.check(story, "--full-grace"),
    )


def ended_before_stop(story: Story) -> Finding | None:
    if not story.ended_before_stop or story.not_executed is not None or (story.lost and story.ended is None):
        return None
    cure = cures.alone(story) if _failed(story) else cures.check(story, f"--after {_sooner(story)}")
    return warning(Code.ENDED_BEFORE_STOP, _before(story), cure)


def not_ended(story: Story) -> Finding | None:
    if story.over or story.ended_before_stop or story.not_executed is not None:
        return None
    if story.stop is None:
        explanation = f"{main_name(story)} runs, and no stop has come yet."
    else:
        explanation = (
            f"{main_name(story)} has not ended yet: {grace(story)} runs."
            if story.signal
            else f"The stop was ordered; that SIGTERM went to {main_name(story)} is not on record."
        )
    return warning(Code.NOT_ENDED, explanation, cures.check(story, "--after 5"))


def not_signalled(story: Story) -> Finding | None:
    if story.signal is None or story.signal.outcome != "failed" or story.ended_before_stop:
        return None
    why = story.signal.reason or "no reason on record"
    return warning(
        Code.NOT_SIGNALLED,
        f"SIGTERM could not be delivered to {main_name(story)} ({why}), so what it would have done is not known.",
        "# has it changed its user id (su, sudo, setpriv)? Run the check as root, or without that change:\n"
        + cures.check(story, "--isolation pid1"),
    )


def cut_short(story: Story) -> Finding | None:
    """Only where the signal had been taken: a dropped one is decided at once."""
    if not story.asked or not story.cut_short or story.heard is False or story.kill is None:
        return None
    after = seconds(max(story.since_zero(story.kill.ns), 0))
    why = KILLED_WHY.get(story.kill.why, story.kill.why)
    return warning(
        Code.CUT_SHORT,
        f"{main_name(story)} was killed {after} after SIGTERM, before {grace(story)} was over, because {why}. "
        "Whether it would have ended in time is not known.",
        cures.check(story, "--full-grace"),
    )


def cannot_tell(story: Story) -> Finding | None:
    """It was stopped and has ended, and whether one led to the other is not on record."""
    nothing_to_tell = story.stop is None or not story.over or story.not_executed is not None
    if nothing_to_tell or story.ended_before_stop or (story.lost and story.ended is None):
        return None
    missing = _missing(story)
    if not missing:
        return None
    return warning(
        Code.CANNOT_TELL,
        f"The stop was ordered and the job has ended ({ending(story)}), but {missing}: "
        "whether it ended because of the stop cannot be told.",
        cures.check(story, "--full-grace"),
    )


def _missing(story: Story) -> str:
    """What would have to be known to judge. Empty: nothing."""
    if story.signal is None:
        return f"that SIGTERM went to {main_name(story)} is not on record"
    if story.signal.outcome == "failed" or story.heard is False:
        return ""
    if _end_is_unknown(story):
        return "how it ended is not on record"
    if story.heard is True or not story.ended_by_itself:
        return ""
    if story.at_signal is None:
        return f"what {main_name(story)} did with SIGTERM when it came is not on record"
    return f"{main_name(story)} installed its handler in the same instant in which SIGTERM came"


def _failed(story: Story) -> bool:
    """It ended by itself and not well: an earlier stop would show nothing of how it stops."""
    return story.ended is not None and story.ended.code != 0 and not story.killed


def _end_is_unknown(story: Story) -> bool:
    if story.ended is None:
        return story.kill is None
    return story.ended.code is None and story.ended.signal is None


def _before(story: Story) -> str:
    who = main_name(story)
    ran = _ran(story)
    for_so_long = f" after {seconds(ran)}" if ran is not None else ""
    if story.killed and story.kill is not None:
        why = KILLED_WHY.get(story.kill.why, story.kill.why)
        return f"{who} was killed{for_so_long} without a stop, because {why}: nothing can be said of how it stops."
    come = "before the stop came" if story.stop is not None else "and no stop came"
    return (
        f"{who} ended{for_so_long} with {ending(story)}, {come}. "
        "A program that has ended already has not shown that it can be stopped."
    )


def _ran(story: Story) -> float | None:
    began = story.executed if story.executed is not None else story.launched
    return None if began is None or story.ended is None else max((story.ended.ns - began) / 1e9, 0.0)


def _sooner(story: Story) -> str:
    """Half the time that it ran: as `--after` takes it."""
    return f"{(_ran(story) or 2.0) / 2:.2g}"
