"""Reads the members of a Create request: right type and range, or InvalidRequest with the member's path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from runner.errors import InvalidRequest
from runner.jobs.naming import shown
from runner.jobs.uris import check_uri


class KnownFault(InvalidRequest):
    """A rule that AWS words in its own way: the endpoint's table of faults has it as `<job type>.<what>`."""

    def __init__(self, field: str, rule: str, what: str, **said: str) -> None:
        """`said` fills the fault's text."""
        super().__init__(field, rule)
        self.what = what
        self.said = said


def check_text(path: str, value: object) -> str:
    """`value`, if it is text that a program can be given: no NUL, and encodable.

    execve(2) ends a string at its first NUL, and a lone surrogate (which JSON can spell) has no UTF-8 form.
    """
    if not isinstance(value, str):
        raise InvalidRequest(path, f"must be a string, not {shown(value)}")
    if "\0" in value:
        raise InvalidRequest(path, "must not contain a NUL character")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidRequest(path, "must be valid Unicode, without lone surrogates") from None
    return value


class Part(NamedTuple):
    """An object of the request, which knows its path in it. A member that is null is an absent one."""

    value: Mapping[str, Any]
    path: str = ""

    def field(self, name: str) -> str:
        """Path of a member, as errors name it."""
        return f"{self.path}.{name}" if self.path else name

    def has(self, name: str) -> bool:
        """The member is there."""
        return self.value.get(name) is not None

    def required(self, name: str) -> Any:
        """The member, whatever it is."""
        if not self.has(name):
            raise InvalidRequest(self.field(name), "is required")
        return self.value[name]

    def part(self, name: str) -> Part:
        """A required object."""
        return _part(self.field(name), self.required(name))

    def optional_part(self, name: str) -> Part:
        """An object; empty if it is absent."""
        return self.part(name) if self.has(name) else Part({}, self.field(name))

    def parts(self, name: str) -> list[Part]:
        """A list of objects; empty if it is absent."""
        return [_part(f"{self.field(name)}[{i}]", item) for i, item in enumerate(self._items(name))]

    def text(self, name: str) -> str:
        """A required string."""
        return check_text(self.field(name), self.required(name))

    def optional_text(self, name: str) -> str | None:
        """A string or None."""
        return self.text(name) if self.has(name) else None

    def texts(self, name: str) -> list[str]:
        """A list of strings; empty if it is absent."""
        return [check_text(f"{self.field(name)}[{i}]", item) for i, item in enumerate(self._items(name))]

    def choice(self, name: str, values: Sequence[str], default: str | None = None) -> str:
        """One of `values`; required where there is no default."""
        if default is not None and not self.has(name):
            return default
        value = self.text(name)
        if value not in values:
            raise InvalidRequest(self.field(name), f"must be one of {', '.join(values)}, not {shown(value)}")
        return value

    def whole(self, name: str, least: int) -> int:
        """A required whole number of at least `least`."""
        value = self.required(name)
        if isinstance(value, bool) or not isinstance(value, int):
            raise InvalidRequest(self.field(name), f"must be a whole number, not {shown(value)}")
        if value < least:
            raise InvalidRequest(self.field(name), f"must be at least {least}, not {shown(value)}")
        return value

    def optional_whole(self, name: str, least: int) -> int | None:
        """A whole number of at least `least`, or None."""
        return self.whole(name, least) if self.has(name) else None

    def strings(self, name: str) -> dict[str, str]:
        """A flat map from strings to strings; empty if it is absent."""
        part = self.optional_part(name)
        return {check_text(part.path, key): check_text(part.field(key), value) for key, value in part.value.items()}

    def uri(self, name: str, *, key_required: bool = False) -> str:
        """A required S3 URI, as `s3://BUCKET/KEY` in whichever form it is given."""
        return check_uri(self.field(name), self.text(name), key_required=key_required)

    def _items(self, name: str) -> list[Any]:
        value = self.value.get(name)
        if value is None:
            return []
        # Requests made in Python may well have tuples.
        if not isinstance(value, list | tuple):
            raise InvalidRequest(self.field(name), f"must be a list, not {shown(value)}")
        return list(value)


def whole_request(request: object) -> Part:
    """The request itself, which must be an object."""
    if not isinstance(request, Mapping):
        raise InvalidRequest("request", f"must be an object, not {shown(request)}")
    return Part(request)


def _part(path: str, value: object) -> Part:
    if not isinstance(value, Mapping):
        raise InvalidRequest(path, f"must be an object, not {shown(value)}")
    return Part(value, path)
