"""A rule beyond the model that a request breaks, in the words that AWS has for those of the model.

`InvalidRequest` names a member as a program or a file spells it (`Tags[0].Key`); its place in the request is found by
the model, so that the message can have AWS's path (`tags.1.member.key`) and quote the value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from botocore.model import ListShape, MapShape, Shape, StructureShape

from runner.errors import InvalidRequest
from runner.jobs.naming import shown
from runner.wire.calls import Members
from runner.wire.model import wire_name
from runner.wire.validation import NOT_NULL, item_path, member_path, quoted

_MEMBER = re.compile(r"(?P<name>[^.\[]+)\.?(?P<rest>.*)", re.DOTALL)
_INDEX = re.compile(r"\[(?P<index>[0-9]+)\]\.?(?P<rest>.*)", re.DOTALL)


class _Place(NamedTuple):
    path: str
    value: Any
    """None: absent."""


def in_awss_words(error: InvalidRequest, shape: Shape | None, request: Members) -> str:
    """The problem as `validation.violated` lists it. What names no member of the model is told without a value."""
    place = _place(shape, request, error.field, "")
    if place is None:
        return f"Value at '{error.field}' failed to satisfy constraint: Member {error.rule}"
    if error.rule == "is required":
        return f"Value null at '{place.path}' failed to satisfy constraint: {NOT_NULL}"
    rule = error.rule.removesuffix(f", not {shown(place.value)}")
    return f"Value {quoted(place.value)} at '{place.path}' failed to satisfy constraint: Member {rule}"


def _place(shape: Shape | None, value: Any, field: str, path: str) -> _Place | None:
    if not field:
        return _Place(path, value)
    if isinstance(shape, StructureShape):
        return _in_structure(shape, value or {}, field, path)
    if isinstance(shape, ListShape):
        return _in_list(shape, value or (), field, path)
    if isinstance(shape, MapShape):
        return _Place(member_path(path, field), (value or {}).get(field))
    return None


def _in_structure(shape: StructureShape, value: Members, field: str, path: str) -> _Place | None:
    found = _MEMBER.fullmatch(field)
    if found is None or found["name"] not in shape.members:
        return None
    name = found["name"]
    return _place(shape.members[name], value.get(name), found["rest"], member_path(path, wire_name(name)))


def _in_list(shape: ListShape, value: Any, field: str, path: str) -> _Place | None:
    """An item by its number from 0, or the value of a tag by its key."""
    if found := _INDEX.fullmatch(field):
        index = int(found["index"])
        held = value[index] if index < len(value) else None
        return _place(shape.member, held, found["rest"], item_path(path, index + 1))
    for number, one in enumerate(value, 1):
        if isinstance(one, Mapping) and one.get("Key") == field:
            return _Place(member_path(item_path(path, number), "value"), one.get("Value"))
    return None
