"""The synchronous face of a supervisor: `Runner` and its `Job`s."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.api.job import Job
    from runner.api.requests import Objective
    from runner.api.runner import Runner
    from runner.api.serving import serve

__all__ = ["Job", "Objective", "Runner", "serve"]

_HOMES = {"Job": "job", "Objective": "requests", "Runner": "runner", "serve": "serving"}


# Loaded when first used: a command starts its keeper before it loads the rest (`private`).
def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
