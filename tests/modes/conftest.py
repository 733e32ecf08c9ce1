"""`make modes` runs every program of a mode in both isolations; every run of the suite has the examples of each."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.process)
    if not config.getoption("--modes"):
        left_out = [item for item in items if item.get_closest_marker("modes")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
