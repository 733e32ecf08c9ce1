"""Answers in the model's shape, where what it does not know is left out, so that no client sees more than AWS would
say; and how an answer or a fault goes over HTTP."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Mapping
from email.utils import formatdate
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape
from starlette.responses import Response

from runner.wire.calls import Fault, Members

CONTENT_TYPE = "application/x-amz-json-1.1"


def response(answer: Mapping[str, Any] | None, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """AWS JSON 1.1. None: an empty body."""
    text = b"" if answer is None else json.dumps(answer, separators=(",", ":"), allow_nan=False).encode()
    usual = {"date": formatdate(usegmt=True), "x-amzn-RequestId": str(uuid.uuid4())}
    return Response(text, status, {**usual, **(headers or {})}, CONTENT_TYPE)


def refusal(fault: Fault, headers: Mapping[str, str] | None = None) -> Response:
    """An error as AWS's clients read it."""
    return response({"__type": fault.code, "Message": fault.message}, fault.status, headers)


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
