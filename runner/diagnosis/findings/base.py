"""What a finding is."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum, unique
from typing import NamedTuple

from runner.diagnosis.printable import lines_of, printable
from runner.diagnosis.story import Story


@unique
class Severity(StrEnum):
    ERROR = "error"
    """The stop was not graceful because of this."""
    WARNING = "warning"
    """Worth a change, but it decides nothing; or it leaves the verdict open."""
    NOTE = "note"


@unique
class Verdict(StrEnum):
    GRACEFUL = "graceful"
    NOT_GRACEFUL = "not-graceful"
    UNDECIDED = "undecided"


@unique
class Code(StrEnum):
    """Stable names of findings: none is ever renamed."""

    GRACEFUL = "graceful"
    """The main process ended by itself, because of SIGTERM, inside its grace."""
    NO_HANDLER = "no-handler"
    """The program died by SIGTERM's default action, where it was not PID 1 (for instance behind an init program)."""
    NO_HANDLER_PID1 = "no-handler-pid1"
    """The main process has no handler, so SIGTERM was dropped, and nothing below it has one either."""
    WRAPPER_SWALLOWED = "wrapper-swallowed"
    """The main process has no handler, so SIGTERM was dropped; a process below it has one and never got it."""
    WRAPPER_DIED = "wrapper-died"
    """A wrapper ended at SIGTERM before the program below it was done."""
    IGNORED = "ignored"
    """The main process ignores SIGTERM."""
    BLOCKED = "blocked"
    """The main process blocks SIGTERM and never took it."""
    SUSPENDED = "suspended"
    """The main process was stopped (SIGSTOP, SIGTSTP, SIGTTIN), so it could not act on SIGTERM."""
    TOO_EARLY = "too-early"
    """SIGTERM came before the handler was installed, and was lost."""
    FINISHED_ANYWAY = "finished-anyway"
    """It never got the signal and finished its work during the grace: by luck, not because it was asked."""
    KILLED_BY_OTHER = "killed-by-other"
    """SIGKILL came from somebody else than the supervisor."""
    OUT_OF_MEMORY = "out-of-memory"
    """The kernel killed the main process because memory was out."""
    ABORTED = "aborted"
    """It crashed after SIGTERM: SIGSEGV, SIGABRT and their like."""
    UNKILLABLE = "unkillable"
    """SIGKILL was sent and has had no effect for a while."""
    TRAP_DEFERRED = "trap-deferred"
    """A shell has a trap, and would run it only when its foreground command had ended."""
    SAVE_CUT_OFF = "save-cut-off"
    """Who was writing in a model, checkpoint or output folder was killed in the middle of it."""
    SAVE_TOO_SLOW = "save-too-slow"
    """It was still saving when its grace was over."""
    HANDLER_DID_NOT_STOP = "handler-did-not-stop"
    """It took SIGTERM, and went on."""
    HANDLER_COULD_NOT_RUN = "handler-could-not-run"
    """Its handler never got a turn: the main thread was in one long call."""
    HANDLER_CRASHED = "handler-crashed"
    """It failed while it handled SIGTERM."""
    GRACE_SHORTENED = "grace-shortened"
    """Something between it and the supervisor gave it less than the grace."""
    NOTHING_SAVED = "nothing-saved"
    """It left in time, and wrote nothing after SIGTERM."""
    PERIODIC_CHECKPOINT = "periodic-checkpoint"
    """It saved after SIGTERM because it saves every so often, and did not stop."""
    CHECKPOINT_CORRUPT = "checkpoint-corrupt"
    """The checkpoint cannot be read, or was being overwritten in place when it was killed."""
    DID_NOT_RESUME = "did-not-resume"
    """Started again with what it had saved, it began from the beginning."""
    UNEXPLAINED = "unexplained"
    """Not graceful, and the facts do not say why."""
    LEFT_OVERS = "left-overs"
    """Processes of the job were still alive when its main process had ended."""
    UNATTRIBUTED = "unattributed"
    """Processes that may or may not belong to this job."""
    ENDED_BEFORE_STOP = "ended-before-stop"
    """It had ended when the stop came, or ended without one."""
    NOT_EXECUTED = "not-executed"
    """The program could not be executed."""
    NOT_ENDED = "not-ended"
    """It has not ended yet."""
    KEEPER_LOST = "keeper-lost"
    """The process that owned the job died, and the job with it."""
    NOT_SIGNALLED = "not-signalled"
    """SIGTERM could not be delivered."""
    EMULATION_MISSED = "emulation-missed"
    """`plain` only: it died by a signal that a PID 1 would not have died by."""
    CUT_SHORT = "cut-short"
    """It had taken SIGTERM, and was killed before its grace was over."""
    CANNOT_TELL = "cannot-tell"
    """It ended after the stop, and the facts do not say whether because of it."""


UNDECIDING = frozenset(
    {
        Code.ENDED_BEFORE_STOP,
        Code.NOT_EXECUTED,
        Code.NOT_ENDED,
        Code.KEEPER_LOST,
        Code.NOT_SIGNALLED,
        Code.EMULATION_MISSED,
        Code.CUT_SHORT,
        Code.CANNOT_TELL,
    }
)
"""With one of these there is nothing to judge by."""


class Finding(NamedTuple):
    """A conclusion from the facts, in plain words, with what to do about it."""

    code: str
    severity: str
    """`error`, `warning` or `note`."""
    explanation: str
    cure: str
    """To be pasted; empty for `graceful` only."""


Rule = Callable[[Story], Finding | None]


def error(code: Code, explanation: str, cure: str) -> Finding:
    return _finding(code, Severity.ERROR, explanation, cure)


def warning(code: Code, explanation: str, cure: str) -> Finding:
    return _finding(code, Severity.WARNING, explanation, cure)


def note(code: Code, explanation: str, cure: str = "") -> Finding:
    return _finding(code, Severity.NOTE, explanation, cure)


def _finding(code: Code, severity: Severity, explanation: str, cure: str) -> Finding:
    return Finding(code.value, severity.value, printable(explanation), "\n".join(lines_of(cure)))
