"""The words of the transition table: what phase a job is in, what can happen to it, what is to be done about it."""

from __future__ import annotations

from enum import Enum, unique


@unique
class Phase(Enum):
    """Where a job is in its life. Finer than the status that SageMaker's API shows, and internal.

    The three `UPLOADING_…` phases name the end that they lead to, so that the end is decided once,
    when the program ends, and cannot be forgotten while its artifacts are on their way.
    """

    PENDING = "pending"
    """Recorded; waits for a place to run."""
    PREPARING = "preparing"
    """Folders are made and inputs are brought in."""
    LAUNCHING = "launching"
    """The launch was ordered; the program has not been seen to execute yet."""
    RUNNING = "running"
    """The program executes."""
    INTERRUPTED = "interrupted"
    """A spot interruption takes the program down; another attempt follows."""
    TIMING_OUT = "timing-out"
    """A job type that fails at its time limit (compilation) is being taken down."""
    CANCELLING = "cancelling"
    """A stop came before the program ran: there is nothing to signal and nothing to upload."""
    STOPPING = "stopping"
    """SIGTERM was ordered for the program and its end has not been seen yet."""
    FAILING = "failing"
    """The program could not be run: there is nothing to upload."""
    UPLOADING_COMPLETED = "uploading-completed"
    UPLOADING_FAILED = "uploading-failed"
    UPLOADING_STOPPED = "uploading-stopped"
    COMPLETED = "completed"
    FAILED = "failed"
    STOPPED = "stopped"
    DELETING = "deleting"
    DELETED = "deleted"

    @property
    def is_terminal(self) -> bool:
        """The job has ended: no event but a deletion changes it any more."""
        return self in TERMINAL

    @property
    def is_stopping(self) -> bool:
        """The API says Stopping: a stop was accepted and has not been completed."""
        return self in STOPPING


TERMINAL = frozenset({Phase.COMPLETED, Phase.FAILED, Phase.STOPPED, Phase.DELETING, Phase.DELETED})
STOPPING = frozenset({Phase.CANCELLING, Phase.STOPPING, Phase.UPLOADING_STOPPED})


@unique
class Event(Enum):
    """What can happen to a job."""

    ADMITTED = "admitted"
    """A place to run was found."""
    PREPARED = "prepared"
    """Folders and inputs are ready."""
    LAUNCH_FAILED = "launch-failed"
    """Inputs could not be brought in, or the program could not be executed."""
    EXECUTED = "executed"
    """The kernel took the program: exec(2) succeeded."""
    STOP_REQUESTED = "stop-requested"
    """Stop…Job was called, or the tuning job that launched this job is stopping."""
    RUNTIME_EXCEEDED = "runtime-exceeded"
    """MaxRuntimeInSeconds is over, for a job type that is Stopped then (training, tuning)."""
    TIMED_OUT = "timed-out"
    """MaxRuntimeInSeconds is over, for a job type that is FAILED then (compilation)."""
    WAIT_EXCEEDED = "wait-exceeded"
    """MaxWaitTimeInSeconds is over (spot training)."""
    INTERRUPTED = "interrupted"
    """The spot instance is taken away."""
    SUCCEEDED = "succeeded"
    """The main process exited with 0 and nothing of the job is left."""
    FAILED = "failed"
    """The main process ended in any other way and nothing of the job is left."""
    LOST = "lost"
    """The keeper died and the job's processes with it."""
    CLEARED = "cleared"
    """What had to be uploaded is uploaded (or kept in `unsent/`), folders are removed, the place is free."""
    DELETE_REQUESTED = "delete-requested"
    ERASED = "erased"
    """Journal, log and records of the job are gone."""


@unique
class Order(Enum):
    """What a transition asks of the supervisor, in the order in which it is to be done."""

    ADMIT = "admit"
    PREPARE = "prepare"
    LAUNCH = "launch"
    STOP = "stop"
    """SIGTERM to the main process, the grace, SIGKILL. The only order that leads to a signal."""
    UPLOAD = "upload"
    CLEAR = "clear"
    ERASE = "erase"


@unique
class Cause(Enum):
    """Why a job stops. The first cause stays: what comes later finds the stop under way."""

    REQUESTED = "requested"
    RUNTIME_EXCEEDED = "runtime-exceeded"
    TIMED_OUT = "timed-out"
    WAIT_EXCEEDED = "wait-exceeded"
    INTERRUPTED = "interrupted"


@unique
class Refusal(Enum):
    """Why an event changes nothing in a phase."""

    ENDED = "the job has ended"
    GONE = "the job has been deleted"
    NOT_ENDED = "the job has not ended yet"
    IMPOSSIBLE = "this cannot happen in this phase; it would be a mistake of the supervisor"
    OVERTAKEN = "a stop or a failure came first"
    NOT_RUNNING = "the job's program does not run"
