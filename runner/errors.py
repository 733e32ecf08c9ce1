"""Everything that this package raises on purpose, under one root."""

from __future__ import annotations


class RunnerError(Exception):
    """Root of all errors of this package: the message is written for the person who caused it."""


class InvalidRequest(RunnerError):
    """A name, member or option breaks a rule. Nothing was started and nothing was stored.

    `field` is its path in the request (`StoppingCondition.MaxRuntimeInSeconds`) or the name of the argument,
    `rule` says what is allowed.
    """

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field
        self.rule = rule


class NameInUse(RunnerError):
    """A job of this type and name exists already; a name stays taken until the job is deleted."""


class NoSuchJob(RunnerError):
    """There is no job of this type and name."""


class JobEnded(RunnerError):
    """The job has ended, so what was asked cannot be done any more. `status` is the status it ended with."""

    def __init__(self, message: str, status: str) -> None:
        super().__init__(message)
        self.status = status


class JobStopping(RunnerError):
    """The job is being stopped already, and only a first stop was asked for. `status` is the one that it has."""

    def __init__(self, message: str, status: str) -> None:
        super().__init__(message)
        self.status = status


class JobNotEnded(RunnerError):
    """The job has not ended yet, so it cannot be deleted. `status` is the one that it has."""

    def __init__(self, message: str, status: str) -> None:
        super().__init__(message)
        self.status = status


class DataDirectoryInUse(RunnerError):
    """Another supervisor owns the data directory; the message names its pid."""


class DataDirectoryUnusable(RunnerError):
    """The data directory cannot be made or written; the message says why."""


class NoSupervisor(RunnerError):
    """Nobody listens on the socket of the data directory."""


class UnsupportedPlatform(RunnerError):
    """This machine is not a Linux that is new enough."""


class IsolationUnavailable(RunnerError):
    """The machine does not allow the isolation that was asked for by name; the message says what it refused."""


class KeeperFailed(RunnerError):
    """The keeper could not be started, or its connection broke."""


class RunnerClosed(RunnerError):
    """The runner was closed, or is used in a forked child of the process that made it."""


class WaitTimeout(RunnerError):
    """What was waited for did not come in time."""


class ExpressionTooSlow(RunnerError):
    """A regular expression took too long for one line of a log: it backtracks too much. The message quotes it."""
