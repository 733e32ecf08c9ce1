"""What the pytest plugin adds to a pytest."""

from __future__ import annotations

from typing import Any, cast

import pytest

from runner.pytest_plugin import options


class Added:
    """Stands in for a parser, and its group of options, while the plugin adds to it."""

    def __init__(self) -> None:
        self.options: list[str] = []
        self.settings: list[str] = []
        options.add(cast(pytest.Parser, self))

    def getgroup(self, name: str, description: str) -> Added:
        return self

    def addoption(self, name: str, **more: Any) -> None:
        self.options.append(name)

    def addini(self, name: str, help: str) -> None:
        self.settings.append(name)
