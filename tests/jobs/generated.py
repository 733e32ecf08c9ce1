"""Requests generated from SageMaker's service model: every member that a Create operation has, filled in."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape

from runner.jobs.base import Kind

OPERATIONS = {
    Kind.COMPILATION: "CompilationJob",
    Kind.TRAINING: "TrainingJob",
    Kind.TUNING: "HyperParameterTuningJob",
}

_TEXTS = {
    "S3Uri": "s3://bucket/key",
    "MetricName": "accuracy",
    "MetricRegex": "accuracy=(.*)",
    "ParameterValue": "1",
    "DirectoryPath": "/opt/ml/somewhere",
    "StringParameterValue": "1",
}
"""Texts that mean something, by the name of their shape; of all others the shape alone is looked at."""


_SCALARS: dict[str, Callable[[int], Any]] = {
    "integer": lambda least: max(1, least),
    "long": lambda least: max(1, least),
    "float": lambda _: 0.5,
    "double": lambda _: 0.5,
    "boolean": lambda _: True,
}


@functools.cache
def model() -> ServiceModel:
    return ServiceModel(Loader().load_service_model("sagemaker", "service-2"))


def created(kind: Kind) -> Any:
    """The shape of a Create request."""
    return model().operation_model(f"Create{OPERATIONS[kind]}").input_shape


def described(kind: Kind) -> Any:
    """The shape of a Describe answer."""
    return model().operation_model(f"Describe{OPERATIONS[kind]}").output_shape


def whole(kind: Kind, *left_out: str) -> dict[str, Any]:
    """A request with every member, at any depth, but those of these names."""
    found: dict[str, Any] = _value(created(kind), frozenset(left_out), itertools.count())
    return found


def _value(shape: Any, left_out: frozenset[str], numbers: Iterator[int]) -> Any:
    match shape.type_name:
        case "structure":
            wanted = {name: member for name, member in shape.members.items() if name not in left_out}
            return {name: _value(member, left_out, numbers) for name, member in wanted.items()}
        case "list":
            return [_value(shape.member, left_out, numbers)]
        case "map":
            return {_value(shape.key, left_out, numbers): _value(shape.value, left_out, numbers)}
        case "string":
            return _text(shape, numbers)
    return _SCALARS[shape.type_name](shape.metadata.get("min", 1))


def _text(shape: Shape, numbers: Iterator[int]) -> str:
    enum = getattr(shape, "enum", [])
    # A number makes each name another one: of hyperparameters, definitions, channels.
    name = f"a{next(numbers)}".ljust(shape.metadata.get("min", 1), "x")
    return _TEXTS.get(shape.name) or (enum[0] if enum else name)


def has(shape: Any, path: str) -> bool:
    """Whether there is a member at a path such as `InputDataConfig[].InputMode`."""
    for part in path.split("."):
        name = part.removesuffix("[]")
        if shape.type_name != "structure" or name not in shape.members:
            return False
        shape = shape.members[name]
        if name != part:
            if shape.type_name != "list":
                return False
            shape = shape.member
    return True
