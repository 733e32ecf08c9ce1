"""Answers in the model's shape: what it does not know is left out, so that no client sees more than AWS would say."""

from __future__ import annotations

import math
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from runner.wire.calls import Members


def shaped(shape: Shape, answer: Members) -> dict[str, Any]:
    """The members of an answer that its shape has, without those that are None."""
    found: dict[str, Any] = _shaped(shape, answer)
    return found


def _shaped(shape: Shape, value: Any) -> Any:
    if isinstance(shape, StructureShape):
        return {
            name: _shaped(member, value[name]) for name, member in shape.members.items() if value.get(name) is not None
        }
    if isinstance(shape, ListShape):
        return [_shaped(shape.member, item) for item in value]
    if isinstance(shape, MapShape):
        return {key: _shaped(shape.value, item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"  # as Smithy spells them
    return value
