"""Why a compilation failed, in the words of SageMaker's FailureReason."""

from __future__ import annotations


class CompilationFailed(Exception):
    """Root: `str()` is the FailureReason."""


class BadInput(CompilationFailed):
    """The model or the request is at fault: `ClientError: InputConfiguration: ...`, as SageMaker Neo words it."""

    def __init__(self, rule: str) -> None:
        super().__init__(f"ClientError: InputConfiguration: {rule}")


class MachineFault(CompilationFailed):
    """This machine or this program is at fault: no C compiler, a library that is not installed, no space."""

    def __init__(self, what: str) -> None:
        super().__init__(f"ServerError: {what}")
