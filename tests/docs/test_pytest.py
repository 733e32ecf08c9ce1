"""docs/pytest.md has every option, argument and property of the plugin, and none that there is not."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from runner.pytest_plugin import CheckStop, LaunchJob, properties
from runner.pytest_plugin.launching import Wishes
from tests.docs.plugged import Added
from tests.docs.tables import code, names, table

PAGE = "pytest.md"


def _arguments(function: Callable[..., Any]) -> dict[str, object]:
    """The arguments by name, with their defaults."""
    of = inspect.signature(function).parameters.values()
    return {one.name: one.default for one in of if one.name != "self" and one.kind is not one.VAR_KEYWORD}


def _documented(heading: str) -> dict[str, str]:
    """The arguments in the table of a section, with what it says of their defaults."""
    return {code(row[0])[0]: row[1] for row in table(PAGE, heading, "argument")}


def test_arguments_of_check_stop() -> None:
    documented = _documented("`check_stop`")
    assert documented.pop("launch_job") == ""  # "any of `launch_job`"
    assert list(documented) == list(_arguments(CheckStop.__call__))


def test_arguments_of_launch_job() -> None:
    documented = list(_documented("`launch_job`"))
    own = list(_arguments(LaunchJob.__call__))
    assert documented[: len(own)] == own
    assert sorted(documented[len(own) :]) == sorted(Wishes.__annotations__)


@pytest.mark.parametrize(
    ("heading", "function"), [("`check_stop`", CheckStop.__call__), ("`launch_job`", LaunchJob.__call__)]
)
def test_defaults(heading: str, function: Callable[..., Any]) -> None:
    for name, default in _arguments(function).items():
        told = _documented(heading)[name]
        match default:
            case bool():
                assert (told == "off") == (default is False)
            case float():
                assert told == f"{default:g}"
            case str():
                assert told == f'`"{default}"`'
            case None | inspect.Parameter.empty:
                assert told == ""
            case _:
                assert (default, told) == ((), "none")


def test_options_and_settings() -> None:
    added = Added()
    rows = table(PAGE, "Options", "option")
    assert [code(row[0])[0] for row in rows] == added.options
    assert [code(row[1])[0] for row in rows] == added.settings


def test_properties() -> None:
    assert names(PAGE, "Reports", "property") == list(properties.OURS)
