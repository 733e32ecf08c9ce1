"""The metrics of a training job: what its `MetricDefinitions` find in its log."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from runner import clock
from runner.errors import ExpressionTooSlow
from runner.supervisor import logs
from runner.supervisor.logs import Line
from runner.tuning.objective import last_value

_logger = logging.getLogger(__name__)

_PATIENCE = 60.0
"""Seconds that an expression may take for a whole log: the job holds its place meanwhile."""


def of_training(folder: Path, request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The last value of each metric in the log of a job that has ended: `{name, value, time}`."""
    definitions = (request.get("AlgorithmSpecification") or {}).get("MetricDefinitions") or []
    found = [_last(definition["Name"], definition["Regex"], folder) for definition in definitions]
    return [metric for metric in found if metric is not None]


def _last(name: str, expression: str, folder: Path) -> dict[str, Any] | None:
    metric = None
    latest = clock.monotonic_ns() + round(_PATIENCE * 1e9)
    try:
        for line in _lines(folder):
            if clock.monotonic_ns() > latest:
                raise ExpressionTooSlow(f"took more than {_PATIENCE:g} s for the whole log: {expression}")
            value = last_value(expression, (line.text,))
            if value is not None:
                metric = {"name": name, "value": value, "time": line.wall / 1e9}
    except ExpressionTooSlow as error:
        _logger.warning("metric %s: %s", name, error)
    return metric


def _lines(folder: Path) -> Iterator[Line]:
    page = logs.read(folder, 0, ended=True)
    while page.lines:
        yield from page.lines
        page = logs.read(folder, page.next, ended=True)
