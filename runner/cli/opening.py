"""Which job of which data directory a command is about, and who answers for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from runner import settings
from runner.api import Job, Runner
from runner.diagnosis.printable import quoted
from runner.errors import InvalidRequest, JobEnded, NoSupervisor
from runner.jobs.base import kind_named
from runner.jobs.naming import check_name

_T = TypeVar("_T")


@dataclass(frozen=True)
class Target:
    """A job, as it is named on the command line."""

    name: str
    kind: str | None
    data_dir: Path | None

    def __post_init__(self) -> None:
        """Raises InvalidRequest for what can be neither, whatever is in the directory."""
        check_name("NAME", self.name)
        check_kind(self.kind)


def check_kind(kind: str | None) -> None:
    """`--kind`. Raises InvalidRequest."""
    if kind is not None:
        kind_named("--kind", kind)


def folder_of(data_dir: Path | None) -> Path:
    """The data directory that is meant. Raises InvalidRequest where there is none by default."""
    return (data_dir or settings.data_dir()).absolute()


def answered(data_dir: Path | None, ask: Callable[[Runner], _T]) -> _T:
    """What the supervisor of the directory answers, or, where none runs, the directory itself.

    Asked again if the supervisor ends meanwhile, so only for questions. Raises NoSupervisor if it is no data directory.
    """
    folder = folder_of(data_dir)
    try:
        with Runner.connect(folder) as runner:
            return ask(runner)
    except NoSupervisor:
        with Runner.read(folder) as runner:
            return ask(runner)


@contextmanager
def supervised(target: Target) -> Iterator[tuple[Runner, Job]]:
    """A job and its supervisor, for what needs one.

    Where none runs: raises NoSuchJob, JobEnded or NoSupervisor, whichever the records say.
    """
    folder = folder_of(target.data_dir)
    try:
        runner = Runner.connect(folder)
    except NoSupervisor:
        with Runner.read(folder) as reader:
            found = job(reader, target)
            raise (_ended(found) if found.summary()["terminal"] else nobody(folder, found)) from None
    with runner:
        yield runner, job(runner, target)


def job(runner: Runner, target: Target) -> Job:
    """The job. Raises NoSuchJob, and InvalidRequest if its type has to be given."""
    try:
        return runner.job(target.name, target.kind)
    except InvalidRequest as error:
        raise InvalidRequest(f"--{error.field}", error.rule) from None


def nobody(folder: Path, found: Job) -> NoSupervisor:
    """That nobody looks after a job that has not ended, and what can be done about it."""
    return NoSupervisor(
        f"no supervisor runs in {folder}, and the {found.kind} job {found.name} has not ended: it is {found.status}; "
        f"`runner serve --data-dir {quoted(str(folder))}` goes on with it"
    )


def _ended(found: Job) -> JobEnded:
    status = found.status
    return JobEnded(f"the {found.kind} job {found.name} has ended: it is {status}", status)
