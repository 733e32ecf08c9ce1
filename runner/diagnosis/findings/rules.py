"""All findings in the order of their priority: the first that holds is the main one."""

from __future__ import annotations

from collections.abc import Sequence

from runner.diagnosis import cures
from runner.diagnosis.findings import afterwards, ends, handlers, handling, killers, saves, wrappers
from runner.diagnosis.findings.base import UNDECIDING, Code, Finding, Rule, Severity, Verdict, error, note
from runner.diagnosis.printable import seconds
from runner.diagnosis.story import Story
from runner.diagnosis.wording import ending, grace, main_name, outcome
from runner.lifecycle.stops import Disposition

_OPEN: Sequence[Rule] = (
    ends.not_executed,
    ends.keeper_lost,
    ends.ended_before_stop,
    ends.not_ended,
    killers.emulation_missed,
    ends.not_signalled,
    ends.cut_short,
    ends.cannot_tell,
)
"""Each leaves the verdict open."""

_REASONS: Sequence[Rule] = (
    killers.out_of_memory,
    killers.killed_by_other,
    killers.aborted,
    killers.unkillable,
    saves.checkpoint_corrupt,
    handlers.finished_anyway,
    handlers.suspended,
    handlers.too_early,
    handlers.wrapper_swallowed,
    handling.trap_deferred,
    handlers.ignored,
    handlers.blocked,
    handling.handler_crashed,
    handling.grace_shortened,
    saves.save_cut_off_by_end,
    wrappers.wrapper_died,
    saves.periodic_checkpoint,
    handlers.no_handler,
    handlers.no_handler_pid1,
    saves.save_too_slow,
    handling.handler_could_not_run,
    handling.handler_did_not_stop,
    saves.save_cut_off_by_kill,
    afterwards.checkpoint_unreadable,
    afterwards.did_not_resume,
    wrappers.left_overs,
    saves.nothing_saved,
    killers.unattributed,
)
"""An error is a reason why the stop was not graceful; what is none is worth knowing."""

_STILL = {
    Disposition.CAUGHT: "has a handler for SIGTERM and got the signal, but",
    Disposition.BLOCKED: "takes SIGTERM in a thread that waits for it, and it was taken, but",
    Disposition.WAITED: "waits for SIGTERM and got it, but",
}


def findings_of(story: Story) -> tuple[Finding, ...]:
    """What the facts show, the main one first. Never empty."""
    left_open = _holding(_OPEN, story)
    found = _holding(_REASONS, story)
    causes = [finding for finding in found if finding.severity == Severity.ERROR.value]
    remarks = [finding for finding in found if finding.severity != Severity.ERROR.value]
    if left_open:
        return (*left_open, *(_lowered(finding) for finding in causes), *remarks)
    if causes:
        return (*causes, *remarks)
    if story.heard is True and story.ended_by_itself:
        return (*_holding((afterwards.resumption_unknown,), story), *remarks, _graceful(story))
    return (_unexplained(story), *remarks)


def verdict_of(findings: Sequence[Finding]) -> Verdict:
    """Undecided if one of them leaves it open, else not graceful if there is an error, else graceful."""
    if any(finding.code in UNDECIDING for finding in findings):
        return Verdict.UNDECIDED
    if any(finding.severity == Severity.ERROR.value for finding in findings):
        return Verdict.NOT_GRACEFUL
    return Verdict.GRACEFUL if any(f.code == Code.GRACEFUL.value for f in findings) else Verdict.UNDECIDED


def _holding(rules: Sequence[Rule], story: Story) -> list[Finding]:
    return [finding for rule in rules if (finding := rule(story)) is not None]


def _lowered(finding: Finding) -> Finding:
    """A cause beside an open verdict is a suspicion."""
    if finding.severity == Severity.ERROR.value:
        return finding._replace(severity=Severity.WARNING.value)
    return finding


def _graceful(story: Story) -> Finding:
    after = story.seconds_to_exit
    when = f"{seconds(after)} after SIGTERM" if after is not None else "after SIGTERM"
    return note(
        Code.GRACEFUL,
        f"{main_name(story)} took SIGTERM and ended by itself {when}, inside {grace(story)}, with {ending(story)}.",
    )


def _unexplained(story: Story) -> Finding:
    who = main_name(story)
    still = _STILL.get(story.at_signal or Disposition.DEFAULT, "did not end by itself after SIGTERM:")
    last = story.last_of_main()
    seen = f" When it was last looked at, its state was {last.state}." if last is not None and last.state else ""
    return error(
        Code.UNEXPLAINED,
        f"{who} {still} it {outcome(story)}.{seen} The facts do not say why.",
        cures.where_it_hangs(story),
    )
