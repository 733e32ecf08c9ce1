"""What the end of a program is called: exit codes as a container shows them, and FailureReason."""

from __future__ import annotations

LOST = "InternalServerError: The process that ran the job was killed, and the job with it."
"""No trace of SageMaker's own text for this was found."""

LONGEST = 1024
"""Characters of `/opt/ml/output/failure` that are shown (How Amazon SageMaker Processes Training Output), and of
FailureReason in all (the model's length): of a file that is as long, the end gives way to the exit code."""

# fmt: off
_SIGNALS = (
    "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE",
    "SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT",
    "SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU",
    "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS",
)
"""Signals 1 to 31 of x86 and ARM (signal(7)), which are the machines that SageMaker has."""
# fmt: on
_FIRST_REAL_TIME = 34
"""SIGRTMIN as glibc has it: it keeps 32 and 33 for itself."""


def exit_status(exit_code: int | None, exit_signal: str | None) -> int | None:
    """The exit code as a container shows it: 128 + N for a signal N. None if the end was not seen."""
    return exit_code if exit_signal is None else 128 + _number(exit_signal)


def _number(name: str) -> int:
    if name in _SIGNALS:
        return _SIGNALS.index(name) + 1
    known, _, above = name.partition("+")  # SIGRTMIN+3
    if known != "SIGRTMIN":
        raise ValueError(f"not the name of a signal: {name!r}")
    return _FIRST_REAL_TIME + int(above or 0)


def algorithm_error(exit_code: int | None, exit_signal: str | None, failure_file: str) -> str:
    """`AlgorithmError: TEXT, exit code: N`; TEXT is empty where the program left no `/opt/ml/output/failure`."""
    status = exit_status(exit_code, exit_signal)
    if status is None:
        return LOST
    before, after = "AlgorithmError: ", f", exit code: {status}"
    return before + failure_file[: LONGEST - len(before) - len(after)] + after
