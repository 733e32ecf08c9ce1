"""One call of an operation: what it is given, and what it may answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from runner.settings import Settings
from runner.supervisor.service import Service

Members = Mapping[str, Any]
"""Members of a request or an answer, spelled as the model spells them. Times are seconds since 1970."""


@dataclass(frozen=True)
class Call:
    """What an operation works with, besides its request."""

    service: Service
    settings: Settings
    region: str
    """That of the signature's scope; of an unsigned request that of the settings."""

    @property
    def account(self) -> str:
        return self.settings.account


Operation = Callable[[Call, Members], Awaitable[Members | None]]
"""The request is valid under the model when it comes here. None: no body. Raises Fault, RunnerError."""


class Fault(Exception):
    """An error as AWS answers it."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        """Of HTTP."""
