"""Runs jobs as real processes, stops them as SageMaker does, and says why a stop was not graceful.

PYTEST_DONT_REWRITE: there is no assertion here, and pytest would warn whoever imports this before it starts.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.api import Job, Objective, Runner
    from runner.diagnosis.report import Report
    from runner.errors import RunnerError

__all__ = ["Job", "Objective", "Report", "Runner", "RunnerError"]

_HOMES = {
    "Job": "runner.api",
    "Objective": "runner.api",
    "Report": "runner.diagnosis.report",
    "Runner": "runner.api",
    "RunnerError": "runner.errors",
}


# Loaded when first used: the keeper imports this package too, and has to stay small.
def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
