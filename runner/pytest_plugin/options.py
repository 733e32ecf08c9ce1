"""The options of the plugin: what a job gets whose test does not say it itself."""

from __future__ import annotations

import shutil
from typing import NamedTuple

import pytest

from runner.lifecycle.stops import Isolation, check_grace

WIDTH = "runner_width"
"""Name under which a worker of pytest-xdist is told how wide the terminal is."""
_WIDEST = 100


class Options(NamedTuple):
    """What a pytest run was asked for."""

    grace: float | None
    """Seconds; None: as for a job of SageMaker, 120."""
    isolation: str | None
    """None: the most faithful that works here."""
    width: int
    """Columns that reports may have."""


KEY = pytest.StashKey[Options]()


def add(parser: pytest.Parser) -> None:
    """Two options, each with a setting of the same name for the configuration file."""
    group = parser.getgroup("grace-runner", "graceful stops (grace-runner)")
    grace = "seconds from SIGTERM to SIGKILL of jobs whose test does not say it (120 without this)"
    isolation = "isolation of jobs whose test does not say it, pid1 or plain; one that does not work here is an error"
    group.addoption("--runner-grace", metavar="S", help=grace)
    group.addoption("--runner-isolation", metavar="I", help=isolation)
    parser.addini("runner_grace", grace)
    parser.addini("runner_isolation", isolation)


def read(config: pytest.Config) -> None:
    """Keep the options of this run. Raises UsageError, with the option's name, for a value that breaks its rule."""
    told: dict[str, int] = getattr(config, "workerinput", {})
    width = told.get(WIDTH) or min(shutil.get_terminal_size((80, 24)).columns, _WIDEST)
    config.stash[KEY] = Options(_grace(config), _isolation(config), width)


def of(config: pytest.Config) -> Options:
    """The options of this run."""
    return config.stash[KEY]


def _grace(config: pytest.Config) -> float | None:
    name, value = _given(config, "grace")
    if value is None:
        return None
    try:
        number = float(value)
    except ValueError:
        raise pytest.UsageError(f"{name}: must be a number of seconds, not {value!r}") from None
    try:
        return check_grace(number)
    except ValueError as error:
        raise pytest.UsageError(f"{name}: {error}") from None


def _isolation(config: pytest.Config) -> str | None:
    name, value = _given(config, "isolation")
    known = [isolation.value for isolation in Isolation]
    if value is not None and value not in known:
        raise pytest.UsageError(f"{name}: must be one of {', '.join(known)}, not {value!r}")
    return value


def _given(config: pytest.Config, what: str) -> tuple[str, str | None]:
    """Where a value was given, and the value: the command line wins over the configuration file."""
    option = config.getoption(f"--runner-{what}")
    if option is not None:
        return f"--runner-{what}", option
    return f"runner_{what}", config.getini(f"runner_{what}") or None
