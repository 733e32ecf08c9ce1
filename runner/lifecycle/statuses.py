"""What SageMaker shows of a job: statuses, secondary statuses and their messages, by job type.

Value sets: `TrainingJobStatus`, `SecondaryStatus`, `CompilationJobStatus`, `HyperParameterTuningJobStatus` of the
API reference. Messages: as seen in public logs of the service; the two marked "assumed" were not found verbatim.
"""

from __future__ import annotations

from enum import Enum, unique
from typing import NamedTuple

from runner.lifecycle.phases import Cause, Phase
from runner.lifecycle.transitions import State


@unique
class TrainingJobStatus(Enum):
    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    DELETING = "Deleting"


@unique
class CompilationJobStatus(Enum):
    """Upper case on the wire, although the text of the API page says `Stopping` and `Stopped`."""

    STARTING = "STARTING"
    INPROGRESS = "INPROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"


@unique
class TuningJobStatus(Enum):
    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    DELETING = "Deleting"
    DELETE_FAILED = "DeleteFailed"
    """Of the API, and never shown here: a deletion is repeated until it has succeeded."""


@unique
class SecondaryStatus(Enum):
    """Of training jobs only."""

    STARTING = "Starting"
    DOWNLOADING = "Downloading"
    TRAINING = "Training"
    INTERRUPTED = "Interrupted"
    UPLOADING = "Uploading"
    STOPPING = "Stopping"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPED = "Stopped"
    MAX_RUNTIME_EXCEEDED = "MaxRuntimeExceeded"
    MAX_WAIT_TIME_EXCEEDED = "MaxWaitTimeExceeded"
    DELETING = "Deleting"


class Secondary(NamedTuple):
    """One entry of `SecondaryStatusTransitions`, without its times."""

    status: SecondaryStatus
    message: str


_UPLOADING = Secondary(SecondaryStatus.UPLOADING, "Uploading generated training model")
_STOPPED = Secondary(SecondaryStatus.STOPPED, "Training job stopped")
_TRAINING = Secondary(SecondaryStatus.TRAINING, "Training image download completed. Training in progress.")
_STOPPING = Secondary(SecondaryStatus.STOPPING, "Stopping the training job")
_DOWNLOADING = Secondary(SecondaryStatus.DOWNLOADING, "Downloading input data")
_FAILED = Secondary(SecondaryStatus.FAILED, "Training job failed")

_SECONDARY: dict[Phase, Secondary] = {
    Phase.PENDING: Secondary(SecondaryStatus.STARTING, "Starting the training job"),
    Phase.PREPARING: _DOWNLOADING,
    Phase.LAUNCHING: _DOWNLOADING,
    Phase.RUNNING: _TRAINING,
    Phase.INTERRUPTED: Secondary(SecondaryStatus.INTERRUPTED, "Training job interrupted"),  # text assumed
    Phase.TIMING_OUT: _TRAINING,
    Phase.CANCELLING: _STOPPING,
    Phase.STOPPING: _STOPPING,
    Phase.FAILING: _DOWNLOADING,
    Phase.UPLOADING_COMPLETED: _UPLOADING,
    Phase.UPLOADING_FAILED: _UPLOADING,
    Phase.UPLOADING_STOPPED: _UPLOADING,
    Phase.COMPLETED: Secondary(SecondaryStatus.COMPLETED, "Training job completed"),
    Phase.FAILED: _FAILED,
    Phase.STOPPED: _STOPPED,
    Phase.DELETING: Secondary(SecondaryStatus.DELETING, "Deleting the training job"),  # text assumed
}

_STOPPED_BY: dict[Cause | None, Secondary] = {
    Cause.RUNTIME_EXCEEDED: Secondary(
        SecondaryStatus.MAX_RUNTIME_EXCEEDED,
        "Training job runtime exceeded MaxRuntimeInSeconds provided",  # text assumed, by symmetry with the next
    ),
    Cause.WAIT_EXCEEDED: Secondary(
        SecondaryStatus.MAX_WAIT_TIME_EXCEEDED,
        "Training job wait time exceeded MaxWaitTimeInSeconds provided",
    ),
}


def secondary(state: State) -> Secondary:
    """The secondary status of a training job; at the end of a stop it tells the cause.

    Raises KeyError for a deleted job, which has none.
    """
    if state.phase is Phase.STOPPED:
        return _STOPPED_BY.get(state.cause, _STOPPED)
    return _SECONDARY[state.phase]


_T, _C, _H = TrainingJobStatus, CompilationJobStatus, TuningJobStatus

_TRAINING_STATUS: dict[Phase, TrainingJobStatus] = dict.fromkeys(Phase, _T.IN_PROGRESS) | {
    Phase.CANCELLING: _T.STOPPING,
    Phase.STOPPING: _T.STOPPING,
    Phase.UPLOADING_STOPPED: _T.STOPPING,
    Phase.COMPLETED: _T.COMPLETED,
    Phase.FAILED: _T.FAILED,
    Phase.STOPPED: _T.STOPPED,
    Phase.DELETING: _T.DELETING,
    Phase.DELETED: _T.DELETING,
}
_COMPILATION_STATUS: dict[Phase, CompilationJobStatus] = dict.fromkeys(Phase, _C.INPROGRESS) | {
    Phase.PENDING: _C.STARTING,
    Phase.PREPARING: _C.STARTING,
    Phase.CANCELLING: _C.STOPPING,
    Phase.STOPPING: _C.STOPPING,
    Phase.UPLOADING_STOPPED: _C.STOPPING,
    Phase.COMPLETED: _C.COMPLETED,
    Phase.FAILED: _C.FAILED,
    Phase.STOPPED: _C.STOPPED,
}


def training_status(phase: Phase) -> TrainingJobStatus:
    """`TrainingJobStatus` of a job in `phase`."""
    return _TRAINING_STATUS[phase]


def compilation_status(phase: Phase) -> CompilationJobStatus:
    """`CompilationJobStatus` of a job in `phase`; the model has no status for one that is being deleted."""
    return _COMPILATION_STATUS[phase]


def tuning_status(phase: Phase) -> TuningJobStatus:
    """`HyperParameterTuningJobStatus` of a job in `phase`: the same words as for training."""
    return _H(_TRAINING_STATUS[phase].value)
