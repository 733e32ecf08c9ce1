"""What a job type tells of itself, and what one job of it is, read from its Create request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, unique
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from runner.errors import InvalidRequest
from runner.lifecycle.phases import Event, Phase
from runner.lifecycle.stops import Isolation, check_grace
from runner.lifecycle.transitions import State

Request = Mapping[str, Any]
NONE: Mapping[str, Any] = MappingProxyType({})
"""A default that nobody can change."""
"""The API's own Create request, member names as SageMaker spells them."""


@unique
class Kind(Enum):
    """The job types."""

    COMPILATION = "compilation"
    TRAINING = "training"
    TUNING = "tuning"


def kind_named(field: str, value: object) -> Kind:
    """The job type of this name; InvalidRequest for `field` if there is none."""
    try:
        return Kind(value)
    except ValueError:
        known = ", ".join(kind.value for kind in Kind)
        raise InvalidRequest(field, f"must be one of {known}, not {value!r}") from None


def key(kind: Kind, name: str) -> str:
    """What a job is called inside a data directory: `training/digits-1`. Also its folder under `jobs/`."""
    return f"{kind.value}/{name}"


class Channel(NamedTuple):
    """Input data that is brought to `/opt/ml/input/data/NAME` before the program runs."""

    name: str
    uri: str | None
    """None: there is nothing to bring, and the folder stays empty."""


class Saves(NamedTuple):
    """A folder in which the program is expected to save: what happens there is evidence."""

    role: str
    """`model`, `checkpoints` or `output`."""
    path: str
    """In `/opt/ml`, e.g. `/opt/ml/model`."""


class Upload(NamedTuple):
    """A folder of the job's `/opt/ml` that is kept after its end.

    `folder` is relative to `/opt/ml`; `uri` is where it goes: a `.tar.gz` object, made even from an empty folder
    if `always`, or, if `plain`, many objects.
    """

    folder: str
    uri: str
    always: bool = True
    ready: str = ""
    """An archive that the program makes itself: as the folder's only entry it is uploaded as it is."""
    completed_only: bool = False
    """Kept only of a job that has completed: half of a compiled model is no model."""
    plain: bool = False
    """Each file is an object below `uri`."""
    restored: bool = False
    """What lies below `uri` is in the folder again when the program starts; for plain ones."""


class Spec(NamedTuple):
    """One job, as far as a supervisor has to know it: validated, with defaults filled in."""

    kind: Kind
    name: str
    request: Request
    grace: float
    isolation: Isolation | None
    """None: the most faithful one that the machine allows."""
    max_runtime: float | None
    command: Sequence[str] = ()
    """Empty: the job fails at launch with `no_command` as its reason."""
    no_command: str = ""
    environment: Mapping[str, str] = NONE
    channels: Sequence[Channel] = ()
    uploads: Sequence[Upload] = ()
    saves: Sequence[Saves] = ()
    tags: Mapping[str, str] = NONE
    unheeded: Sequence[str] = ()
    """What of the request is accepted and not honoured, a line each: see `jobs.unheeded`."""


class Place(NamedTuple):
    """Where the job's program finds `/opt/ml`, and which `algo-N` it is."""

    ml: str
    """`/opt/ml` where the job has a mount namespace, else the folder of the host that stands for it."""
    host: str = "algo-1"


class Transition(NamedTuple):
    """One entry of `SecondaryStatusTransitions`."""

    status: str
    message: str
    start: datetime
    end: datetime | None


class View(NamedTuple):
    """All that is on record of one job, for Describe and List."""

    kind: Kind
    name: str
    request: Request
    state: State
    created: datetime
    modified: datetime
    started: datetime | None = None
    """The program was executed."""
    ended: datetime | None = None
    """The job has ended, uploads included."""
    failure: str | None = None
    exit_code: int | None = None
    exit_signal: str | None = None
    parent: str | None = None
    """Name of the tuning job that launched this training job."""
    transitions: Sequence[Transition] = ()
    results: Mapping[str, Any] = NONE
    """What the supervisor found out besides. Each job type's module says which of these it shows:

    `artifacts`  uri of the model that was uploaded
    `metrics`    last values in the log: list of `{name, value, time}`
    `children`   of a tuning job, its trainings: list of
                 `{name, status, hyperparameters, objective, created, started, ended, failure, which}`,
                 `status` as the API spells it, `objective` a number or None, times or None,
                 `which` the number of its definition, from 0
    `counted`    in a list, in place of them: list of `(training, how many are as it is)`, see `children.Counted`
    `deleted`    the same of its trainings that have been deleted
    """


class JobType(Protocol):
    """The facts of one job type."""

    kind: Kind
    name_member: str
    """`CompilationJobName`, …"""
    arn_type: str
    """`compilation-job`, …"""
    runtime_event: Event
    """What the end of MaxRuntimeInSeconds is for this type: RUNTIME_EXCEEDED (Stopped) or TIMED_OUT (FAILED)."""

    def parse(self, request: Request, defaults: Defaults) -> Spec:
        """The job that the request asks for. Raises InvalidRequest naming the member and the rule."""

    def config_files(self, spec: Spec, place: Place) -> Mapping[str, Any]:
        """What is written as JSON below `/opt/ml` before the program runs: relative path -> content."""

    def variables(self, spec: Spec, place: Place, arn: str) -> Mapping[str, str]:
        """SageMaker's own environment variables of this job, the request's `Environment` included."""

    def status(self, phase: Phase) -> str:
        """The status as the API spells it."""

    def log_stream(self, name: str, started: datetime) -> tuple[str, str] | None:
        """CloudWatch log group and log stream; None for a job type that runs no program of its own."""

    def failure_reason(self, exit_code: int | None, exit_signal: str | None, failure_file: str) -> str:
        """`FailureReason` of a job whose program ended with other than 0.

        Without a code and without a signal the end of the program was not seen: its keeper died.
        """

    def timeout_reason(self, spec: Spec) -> str:
        """`FailureReason` of a job that fails at its MaxRuntimeInSeconds (`runtime_event` TIMED_OUT)."""

    def describe(self, view: View, arn: str) -> dict[str, Any]:
        """The job as Describe shows it, member names as SageMaker spells them, times as datetime."""


@dataclass(frozen=True)
class Defaults:
    """What `runner.toml` says where a request is silent. Raises InvalidRequest for a grace that cannot be kept."""

    region: str = "us-east-1"
    account: str = "123456789012"
    grace: Mapping[Kind, float] = field(default_factory=dict)
    """Seconds by job type; 120 where it has none."""
    images: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """TrainingImage -> local command."""
    compilers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Framework -> local command."""

    def __post_init__(self) -> None:
        for kind, grace in self.grace.items():
            try:
                check_grace(grace)
            except ValueError as broken:
                raise InvalidRequest(f"grace.{kind.value}", str(broken)) from None
