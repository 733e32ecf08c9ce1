"""Which members a Create request may have: those of the operation in botocore's model of SageMaker."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

from runner.errors import InvalidRequest
from runner.jobs.base import Kind, Request
from runner.jobs.types import TYPES


def check_known(kind: Kind, request: Request) -> None:
    """Raises InvalidRequest for the first member, at any depth, that the API does not have.

    Values, and members that are not there, are no matter of this.
    """
    model = ServiceModel(Loader().load_service_model("sagemaker", "service-2"), "sagemaker")
    operation = model.operation_model(f"Create{TYPES[kind].name_member.removesuffix('Name')}")
    for path, name, known in _unknown(operation.input_shape, request, ""):
        raise InvalidRequest(path, f"is no member of {operation.name}{_meant(name, known)}")


def _unknown(shape: Shape | None, value: Any, path: str) -> Iterator[tuple[str, str, list[str]]]:
    """Path and name of each, with the names that there are in its place."""
    match shape, value:
        case StructureShape(members=members), dict():
            for name, item in value.items():
                here = f"{path}.{name}" if path else name
                if name in members:
                    yield from _unknown(members[name], item, here)
                else:
                    yield here, name, list(members)
        case MapShape(), dict():
            for key, item in value.items():
                yield from _unknown(shape.value, item, f"{path}.{key}")
        case ListShape(), list():
            for number, item in enumerate(value):
                yield from _unknown(shape.member, item, f"{path}[{number}]")


def _meant(name: str, known: list[str]) -> str:
    """The nearest one, whatever its capitals; all of them where none is near."""
    by_folded = {one.casefold(): one for one in known}
    if near := get_close_matches(name.casefold(), by_folded, n=1):
        return f"; did you mean {by_folded[near[0]]}?"
    return f"; there are {', '.join(known)}"
