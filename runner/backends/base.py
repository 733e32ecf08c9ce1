"""The contract of a backend: it launches programs, stops them by the rules, and tells facts.

A backend never decides what a job's status is. It obeys orders, any of which may be repeated, and writes a journal
(`lifecycle.facts`); whoever wants to know what happened reads the journal. `testing.contract` is the test class
that every backend passes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from runner.lifecycle.facts import KillReason
from runner.lifecycle.phases import Cause
from runner.lifecycle.stops import DEFAULT_GRACE, Isolation

Fact = Mapping[str, Any]


class Mount(NamedTuple):
    """A file or folder of the host that the job sees at another path (isolations with a mount namespace only)."""

    source: Path
    target: str


class Watched(NamedTuple):
    """A folder of this machine in which the job is expected to save: what happens there goes into the journal."""

    folder: Path
    path: str
    """Of the same folder, as the job sees it."""
    role: str
    """`model`, `checkpoints` or `output`."""
    asked: bool = False
    """Somebody has named it, so that something is expected there."""


class Launch(NamedTuple):
    """One attempt to run a program."""

    job: str
    """Key of the job in this data directory, e.g. `training/digits-1`."""
    attempt: int
    argv: Sequence[str]
    environment: Mapping[str, str]
    """All of it: nothing is added but the mark by which the job's processes are found."""
    working_directory: str
    folder: Path
    """The job's folder: `journal.jsonl`, `log` and `marks` are written there, and stay."""
    isolation: Isolation
    grace: float = DEFAULT_GRACE
    """Seconds; what the job gets when the keeper has to stop it because its owner is gone."""
    mounts: Sequence[Mount] = ()
    watched: Sequence[Watched] = ()
    temporary: Path | None = None
    """The job's TMPDIR on this machine: what is left there is told at the end."""
    stacks: str | None = None
    """The program py-spy, where Python stacks are wanted of a program that overstays."""
    memory: int | None = None
    """Limit in bytes, where the machine allows a memory cgroup; ignored elsewhere."""


class Stop(NamedTuple):
    """One job's part of an order to stop."""

    job: str
    attempt: int
    grace: float
    cause: Cause


class Listener(NamedTuple):
    """What a supervisor may hear from a backend while it runs."""

    grown: Callable[[str], None] = lambda job: None
    """The journal of this job has grown. Called in the event loop; may be called for nothing."""
    logged: Callable[[str], None] = lambda job: None
    """The log of this job has grown; only for jobs that are followed."""
    broken: Callable[[str], None] = lambda reason: None
    """The backend is gone and its jobs with it; `reason` is for people."""


class Backend(Protocol):
    """See the module. Every method may raise `KeeperFailed` when the backend is gone; jobs that are not known, because
    they have been forgotten, are passed over."""

    async def open(self, listener: Listener) -> None:
        """Start, or connect to what an earlier supervisor left running."""

    async def isolation(self, wanted: Isolation | None) -> Isolation:
        """The isolation that a job will get: the one asked for, or without one the most faithful that works here.

        Raises IsolationUnavailable, with what the machine refused, if `wanted` cannot be had.
        """

    async def launch(self, launch: Launch) -> None:
        """Launch; returns once the order is in the journal. A repeated launch of the same attempt does nothing."""

    async def stop(self, stops: Sequence[Stop]) -> None:
        """Begin the stop of all these jobs at once; returns once the signals are out.

        A job that is being stopped already, or has ended, is left as it is: no second signal, the deadline stays.
        """

    async def kill(self, jobs: Sequence[str], why: KillReason) -> None:
        """SIGKILL now to all that is left of these jobs."""

    async def look(self, job: str) -> None:
        """Write a look at all processes of the job into its journal, now."""

    async def follow(self, job: str, on: bool) -> None:
        """Whether `logged` is to be called for this job."""

    async def forget(self, job: str) -> None:
        """The supervisor has all facts of this job and will not ask again."""

    async def bury(self, job: str, folder: Path) -> None:
        """The keeper of this job died: kill what is left of it, and end its journal with a `lost` fact.

        Does nothing to a job that the backend still has, or whose journal has an end.
        """

    async def close(self) -> None:
        """Kill every job that is left, and leave nothing behind."""


def journal(folder: Path) -> Path:
    """The journal of the job in `folder`."""
    return folder / "journal.jsonl"


def log(folder: Path) -> Path:
    """All that the job wrote to stdout and stderr."""
    return folder / "log"


def marks(folder: Path) -> Path:
    """When the log had which size: pairs of little-endian signed 64-bit numbers, wall ns and bytes.

    A line's time is that of the first mark at or after the line's end.
    """
    return folder / "marks"
