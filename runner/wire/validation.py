"""A request under the service's model: what is wrong with it, in AWS's words, and what is left of it if nothing is.

botocore checks what clients send for required members, types and lower bounds only; upper bounds, patterns and enums
arrive here. AWS tells all that breaks a constraint in one message, and what has the wrong type apart from that and
before it, because a request that cannot be read has no members yet. Unknown members are dropped, as AWS does.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import regex
from botocore.model import ListShape, MapShape, Shape, StructureShape

from runner.wire.calls import Fault, Members
from runner.wire.model import wire_name

INVALID = "ValidationException"
_LARGEST = {"integer": 2**31, "long": 2**63}
_SLOWEST = 0.5
"""Seconds for one pattern: some of the model's backtrack, and what they are tried on comes from anybody."""
_TOLD = 100
_SHOWN = 1024
"""Characters of a value that a message quotes."""


class _Unreadable(Exception):
    """Of the wrong type: `what` it is, and at which path."""

    def __init__(self, what: str, path: str) -> None:
        super().__init__(f"{what} at '{path}'" if path else what)


class _Problem(NamedTuple):
    value: str
    path: str
    rule: str
    """What must be, its subject included."""

    def __str__(self) -> str:
        return f"Value {self.value} at '{self.path}' failed to satisfy constraint: {self.rule}"


def checked(shape: Shape | None, request: object, code: str = INVALID) -> Members:
    """The members of a request that its model knows.

    Raises Fault: SerializationException for a wrong type, `code` for all that breaks a constraint.
    """
    if shape is None:
        shape = StructureShape("Nothing", {"type": "structure", "members": {}})
    try:
        read = _read(shape, request, "")
    except _Unreadable as error:
        raise Fault("SerializationException", str(error)) from None
    problems = list(_problems(shape, read, ""))
    if problems:
        raise violated([str(problem) for problem in problems], code)
    members: Members = read
    return members


def violated(problems: list[str], code: str = INVALID) -> Fault:
    """The one message for all of them, of which it quotes the first hundred."""
    number = len(problems)
    told = "; ".join(problems[:_TOLD]) + ("; ..." if number > _TOLD else "")
    return Fault(code, f"{number} validation error{'s' if number > 1 else ''} detected: {told}")


# --- types


def _read(shape: Shape, value: Any, path: str) -> Any:
    """The value without what the model does not know. Raises _Unreadable."""
    return _READERS[shape.type_name](shape, value, path)


def _read_structure(shape: Shape, value: Any, path: str) -> dict[str, Any]:
    assert isinstance(shape, StructureShape)
    if not isinstance(value, dict):
        raise _Unreadable(f"{_kind(value)} can not be converted to a structure", path)
    return {
        name: _read(member, value[name], member_path(path, wire_name(name)))
        for name, member in shape.members.items()
        if value.get(name) is not None
    }


def _read_list(shape: Shape, value: Any, path: str) -> list[Any]:
    assert isinstance(shape, ListShape)
    if not isinstance(value, list):
        raise _Unreadable(f"{_kind(value)} can not be converted to a list", path)
    most = _looked_at(shape)
    read = (
        None if item is None else _read(shape.member, item, item_path(path, number))
        for number, item in enumerate(value[:most], 1)
    )
    return [*read, *(value[most:] if most is not None else ())]


def _read_map(shape: Shape, value: Any, path: str) -> dict[str, Any]:
    assert isinstance(shape, MapShape)
    if not isinstance(value, dict):
        raise _Unreadable(f"{_kind(value)} can not be converted to a map", path)
    return {
        _text(key, path): None if item is None else _read(shape.value, item, member_path(path, key))
        for key, item in value.items()
    }


def _read_string(shape: Shape, value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise _Unreadable(f"{_kind(value)} can not be converted to a String", path)
    return _text(value, path)


def _text(value: str, path: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _Unreadable("a lone surrogate can not be converted to a String", path) from None
    return value


def _read_whole(shape: Shape, value: Any, path: str) -> int:
    name = "Integer" if shape.type_name == "integer" else "Long"
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        raise _Unreadable(f"{_kind(value)} can not be converted to {name}", path)
    number, limit = int(value), _LARGEST[shape.type_name]
    if not -limit <= number < limit:
        raise _Unreadable(f"the number {_clip(str(number))} can not be converted to {name}", path)
    return number


def _read_number(shape: Shape, value: Any, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Unreadable(f"{_kind(value)} can not be converted to {shape.type_name.capitalize()}", path)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _Unreadable(f"the number can not be converted to {shape.type_name.capitalize()}", path)
    return number


def _read_truth(shape: Shape, value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise _Unreadable(f"{_kind(value)} can not be converted to Boolean", path)
    return value


def _read_time(shape: Shape, value: Any, path: str) -> float:
    """Seconds since 1970; some clients send ISO 8601, which is UTC where it does not say otherwise."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value) if abs(value) < 1e15 else float("inf")
    elif isinstance(value, str):
        try:
            time = datetime.fromisoformat(value)
            seconds = (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError, OSError):
            raise _Unreadable("STRING_VALUE can not be converted to a timestamp", path) from None
    else:
        raise _Unreadable(f"{_kind(value)} can not be converted to a timestamp", path)
    if abs(seconds) > _LATEST:
        raise _Unreadable("the number can not be converted to a timestamp", path)
    return seconds


_LATEST = 253_402_300_799.0
"""The last second of the year 9999."""

_READERS: Mapping[str, Callable[[Shape, Any, str], Any]] = {
    "structure": _read_structure,
    "list": _read_list,
    "map": _read_map,
    "string": _read_string,
    "integer": _read_whole,
    "long": _read_whole,
    "float": _read_number,
    "double": _read_number,
    "boolean": _read_truth,
    "timestamp": _read_time,
}


def _kind(value: object) -> str:
    """How the service's own reader calls what it has found."""
    match value:
        case bool():
            return "TRUE_VALUE" if value else "FALSE_VALUE"
        case str():
            return "STRING_VALUE"
        case int() | float():
            return "NUMBER_VALUE"
        case None:
            return "NULL_VALUE"
        case list():
            return "Start of list"
    return "Start of structure or map"


# --- constraints


def _problems(shape: Shape, value: Any, path: str) -> Iterator[_Problem]:
    rules = list(_rules(shape, value))
    shown = quoted(value) if rules else ""
    yield from (_Problem(shown, path, rule) for rule in rules)
    if isinstance(shape, StructureShape):
        yield from _of_members(shape, value, path)
    elif isinstance(shape, ListShape):
        yield from _of_items(shape, value, path)
    elif isinstance(shape, MapShape):
        yield from _of_entries(shape, value, path)


def _of_members(shape: StructureShape, value: Members, path: str) -> Iterator[_Problem]:
    for name, member in shape.members.items():
        below = member_path(path, wire_name(name))
        if name in value:
            yield from _problems(member, value[name], below)
        elif name in shape.required_members:
            yield _Problem("null", below, NOT_NULL)
    if shape.is_tagged_union and len(value) != 1:
        names = ", ".join(wire_name(name) for name in shape.members)
        yield _Problem(quoted(value), path, f"Member must have exactly one of its members set: [{names}]")


def _of_items(shape: ListShape, value: list[Any], path: str) -> Iterator[_Problem]:
    items = value[: _looked_at(shape)]
    if isinstance(shape.member, StructureShape | ListShape | MapShape):
        for number, item in enumerate(items, 1):
            if item is None:
                yield _Problem("null", item_path(path, number), NOT_NULL)
            else:
                yield from _problems(shape.member, item, item_path(path, number))
    elif any(_broken(shape.member, item) for item in items):
        yield _Problem(quoted(value), path, f"Member must satisfy constraint: [{_all_rules(shape.member)}]")


def _of_entries(shape: MapShape, value: Mapping[str, Any], path: str) -> Iterator[_Problem]:
    entries = dict(itertools.islice(value.items(), _looked_at(shape)))
    if any(_broken(shape.key, key) for key in entries):
        yield _Problem(quoted(value), path, f"Map keys must satisfy constraint: [{_all_rules(shape.key)}]")
    if isinstance(shape.value, StructureShape | ListShape | MapShape):
        for key, item in entries.items():
            if item is None:
                yield _Problem("null", member_path(path, key), NOT_NULL)
            else:
                yield from _problems(shape.value, item, member_path(path, key))
    elif any(_broken(shape.value, item) for item in entries.values()):
        yield _Problem(quoted(value), path, f"Map value must satisfy constraint: [{_all_rules(shape.value)}]")


def _looked_at(shape: Shape) -> int | None:
    """How much of a list or a map is read and checked: of one that is too long the length is mistake enough, where a
    body has room for a million items."""
    most: int | None = shape.metadata.get("max")
    return most


NOT_NULL = "Member must not be null"
"""The rule of a required member."""


def _rules(shape: Shape, value: Any) -> Iterator[str]:
    """The rules of a shape that a value breaks, but for those of its members."""
    yield from (rule for rule, holds in _constraints(shape) if not holds(value))


def _broken(shape: Shape, value: Any) -> bool:
    return value is None or next(_rules(shape, value), None) is not None


def _all_rules(shape: Shape) -> str:
    """AWS names all rules of what is in a list or a map, whichever is broken."""
    return ", ".join([rule for rule, _ in _constraints(shape)] or [NOT_NULL])


_Holds = Callable[[Any], bool]


def _constraints(shape: Shape) -> list[tuple[str, _Holds]]:
    return _constraints_of(shape.type_name, *_bounds(shape), shape.metadata.get("pattern"), tuple(_enum(shape)))


def _bounds(shape: Shape) -> tuple[float | None, float | None]:
    return shape.metadata.get("min"), shape.metadata.get("max")


def _enum(shape: Shape) -> list[str]:
    return list(getattr(shape, "enum", ()))


@functools.cache
def _constraints_of(
    type_name: str, least: float | None, most: float | None, pattern: str | None, enum: tuple[str, ...]
) -> list[tuple[str, _Holds]]:
    rules: list[tuple[str, _Holds]] = []
    sized = type_name in ("string", "list", "map", "blob")
    what, size = ("length", len) if sized else ("value", _itself)
    if most is not None:
        rules.append((f"Member must have {what} less than or equal to {most}", lambda value: size(value) <= most))
    if least is not None:
        rules.append((f"Member must have {what} greater than or equal to {least}", lambda value: size(value) >= least))
    if pattern is not None:
        expression = compiled(pattern)
        rules.append(
            (f"Member must satisfy regular expression pattern: {pattern}", lambda value: _matches(expression, value))
        )
    if enum:
        rules.append((f"Member must satisfy enum value set: [{', '.join(enum)}]", lambda value: value in enum))
    return rules


def _itself(value: Any) -> Any:
    return value


@functools.cache
def compiled(pattern: str) -> regex.Pattern[str]:
    """A pattern of the model, which is written for Java: `\\p{Alnum}` and the like are not for `re`.

    The whole value has to match, whether or not the pattern says so (a few begin with `^` or end with `$`).
    """
    return regex.compile(pattern.replace(r"\p{Alnum}", "a-zA-Z0-9"))


def _matches(expression: regex.Pattern[str], value: str) -> bool:
    try:
        return expression.fullmatch(value, timeout=_SLOWEST) is not None
    except TimeoutError:
        return False


# --- words


def quoted(value: object) -> str:
    """As AWS's messages show a value: null, or in quotes, and what it holds as Java prints it."""
    if value is None:
        return "null"
    return f"'{_clip(_plain(value))}'"


def _plain(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case dict():
            shown = itertools.islice(value.items(), _SHOWN)  # more of them have no place
            return f"{{{', '.join(f'{key}={_plain(item)}' for key, item in shown)}}}"
        case list():
            return f"[{', '.join(_plain(item) for item in value[:_SHOWN])}]"
        case None:
            return "null"
    return str(value)


def _clip(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def member_path(path: str, name: str) -> str:
    """The path of a member, or of an entry of a map."""
    return f"{path}.{name}" if path else name


def item_path(path: str, number: int) -> str:
    """The path of the `number`-th item of a list, from 1."""
    return f"{path}.{number}.member"
