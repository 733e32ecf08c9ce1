"""The program was ended by something else than its own decision: not by PID 1's rule, and not by the grace."""

from __future__ import annotations

from runner.diagnosis import cures
from runner.diagnosis.findings import handling
from runner.diagnosis.findings.base import Code, Finding, error, note, warning
from runner.diagnosis.story import CRASHES, Story
from runner.diagnosis.wording import ending, main_name, names_of
from runner.lifecycle.stops import Disposition


def emulation_missed(story: Story) -> Finding | None:
    if not story.emulated or story.ended is None or story.ended_before_stop or story.ended.signal in CRASHES:
        return None
    own_signal = story.ended_by_itself and story.ended.signal is not None and story.stop is not None
    if not own_signal and not story.emulation_missed:
        return None
    if story.at_signal is Disposition.CAUGHT:
        how = "Its handler probably restores the default action and raises the signal again"
    else:
        how = "The handler went away in the instant between reading and sending, or another process sent the signal"
    return warning(
        Code.EMULATION_MISSED,
        f"{main_name(story)} died by {ending(story)}, which PID 1 of a container does not die by: "
        f"the kernel drops it there. {how}. In plain isolation this cannot be judged.",
        cures.check(story, "--isolation pid1"),
    )


def out_of_memory(story: Story) -> Finding | None:
    if story.ended is None or story.ended.out_of_memory != "yes" or not story.killed_by_other:
        return None
    return error(
        Code.OUT_OF_MEMORY,
        f"The kernel killed {main_name(story)} because memory was out{_when(story)}.",
        cures.memory(story),
    )


def killed_by_other(story: Story) -> Finding | None:
    if not story.killed_by_other or story.ended is None or story.ended.out_of_memory == "yes":
        return None
    if handling.killed_itself(story):
        return None
    memory = (
        " It may have been the kernel, because memory was out: on this machine that cannot be told."
        if story.ended.out_of_memory != "no"
        else ""
    )
    return error(
        Code.KILLED_BY_OTHER,
        f"{main_name(story)} was killed by SIGKILL{_when(story)}, and the SIGKILL did not come from here.{memory}",
        "# who was it?\njournalctl -k --since -10min | grep -i -e 'killed process' -e oom",
    )


def aborted(story: Story) -> Finding | None:
    if not story.asked or story.ended is None or story.ended.signal not in CRASHES:
        return None
    abort = (
        " For PID 1 this may also be an abort(): the kernel drops SIGABRT there, and libc then takes another way out."
        if story.ended.signal == "SIGSEGV"
        else ""
    )
    return error(
        Code.ABORTED,
        f"{main_name(story)} crashed{_when(story)}: it ended by {story.ended.signal}.{abort}",
        cures.crash(story),
    )


def unkillable(story: Story) -> Finding | None:
    if not story.unkillable:
        return None
    return error(
        Code.UNKILLABLE,
        f"SIGKILL was sent and has had no effect for a while on {names_of(story.unkillable)}: "
        "the kernel does not let go of it, usually because of a disk, a network file system or a device driver.",
        f"# where it hangs in the kernel (as root):\ncat /proc/{story.unkillable[0].pid}/stack",
    )


def unattributed(story: Story) -> Finding | None:
    if not story.unattributed:
        return None
    return note(
        Code.UNATTRIBUTED,
        f"{names_of(story.unattributed)} left the session and cleared the environment, so it cannot be told "
        "whether this job had started it.",
        cures.check(story, "--isolation pid1"),
    )


def _when(story: Story) -> str:
    if story.ended is None or not story.asked:
        return ""
    return f" {max(story.since_zero(story.ended.ns), 0):.3g} s after SIGTERM"
