"""Requests that the pages and examples show are what the API takes; what `submit` takes besides is documented."""

from __future__ import annotations

import ast
import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.model import ListShape, Shape, StructureShape
from botocore.validate import ParamValidator

from runner.errors import InvalidRequest
from runner.jobs.base import Defaults, Kind
from runner.jobs.types import TYPES
from runner.wire import model
from runner.wire.validation import checked
from tests.docs.blocks import ROOT, blocks_of, name_of, pages
from tests.docs.tables import code, section
from tests.jobs.requests import Request, compilation, training, tuning

NAMES = {TYPES[kind].name_member: kind for kind in Kind}
INPUT = {"ChannelName": "a", "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/in"}}}
VALID = {
    Kind.TRAINING: training(
        AlgorithmSpecification={"TrainingInputMode": "File", "ContainerEntrypoint": ["python"]}, InputDataConfig=[INPUT]
    ),
    Kind.COMPILATION: compilation(),
    Kind.TUNING: tuning(),
}


def operation(kind: Kind) -> Shape:
    found = model.operation(f"Create{TYPES[kind].name_member.removesuffix('Name')}").input_shape
    assert found is not None
    return found


def shown() -> Iterator[tuple[str, object]]:
    """JSON in pages that is no output, and dictionaries in examples, each with where it is."""
    for page in pages():
        for block in blocks_of(page.read_text(encoding="utf-8")):
            if block.language == "json" and block.name is None:
                yield f"{name_of(page)}:{block.first}", json.loads(block.body)
    for example in sorted((ROOT / "examples").rglob("*.json")):
        yield name_of(example), json.loads(example.read_text(encoding="utf-8"))
    for example in sorted((ROOT / "examples").rglob("*.py")):
        yield from ((f"{name_of(example)}:{line}", value) for line, value in _dictionaries(example))


def _dictionaries(program: Path) -> Iterator[tuple[int, object]]:
    for node in ast.walk(ast.parse(program.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            value = ast.unparse(node.value).replace("sys.executable", "'python'")
            yield node.lineno, ast.literal_eval(value)


def requests() -> list[Any]:
    """Those that name a job."""
    return [
        pytest.param(kind, value, id=where)
        for where, value in shown()
        if isinstance(value, dict)
        for name, kind in NAMES.items()
        if name in value
    ]


def test_requests_are_found() -> None:
    found = {str(one.id).partition(":")[0] for one in requests()}
    assert found >= {"README.md", "docs/clients.md", "examples/from_a_request.py"}


@pytest.mark.parametrize(("kind", "request_"), requests())
def test_a_shown_request_is_valid(kind: Kind, request_: Request) -> None:
    assert ParamValidator().validate(request_, operation(kind)).generate_report() == ""
    assert checked(operation(kind), request_) == request_
    TYPES[kind].parse(request_, Defaults())


def test_what_may_be_left_out() -> None:
    (told,) = (line for line in _paragraphs() if "no job here needs may be left out" in line)
    told = told.partition("may be left out")[2]
    assert {path.rpartition(".")[2] for kind in Kind for path in _not_needed(kind)} == set(code(told))


def _paragraphs() -> Iterator[str]:
    yield from "\n".join(section("command-line.md", "Options of `runner submit`").lines).split("\n\n")


def _not_needed(kind: Kind) -> Iterator[str]:
    """What the model requires in a request, and no job misses."""
    for path in _required(operation(kind), VALID[kind], ()):
        request = copy.deepcopy(VALID[kind])
        inner: Any = request
        for key in path[:-1]:
            inner = inner[key]
        del inner[path[-1]]
        try:
            TYPES[kind].parse(request, Defaults())
        except InvalidRequest:
            continue
        yield ".".join(map(str, path))


def _required(shape: Shape, value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    match shape:
        case StructureShape():
            yield from ((*path, name) for name in shape.required_members)
            for name, item in value.items():
                yield from _required(shape.members[name], item, (*path, name))
        case ListShape():
            for number, item in enumerate(value):
                yield from _required(shape.member, item, (*path, number))
