"""Requests to the endpoint without a socket: the application is called as a server would, in virtual time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape
from starlette.types import ASGIApp, Message

from runner.settings import Settings
from runner.wire import model
from runner.wire.answers import CONTENT_TYPE
from runner.wire.app import app
from tests.supervisor.stage import Stage

_PREFIXES = {"sagemaker": "SageMaker", "logs": "Logs_20140328"}


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """Of a fault."""
        assert self.status >= 400, self.body
        return str(self.json["__type"])

    @property
    def message(self) -> str:
        """Of a fault, as botocore fills the modelled member."""
        return str(self.json["Message"])


class Asking:
    """A client of a stage's service."""

    def __init__(self, stage: Stage, settings: Settings | None = None) -> None:
        self._app: ASGIApp = app(stage.service, settings or Settings())

    async def __call__(self, operation: str, service: str = "sagemaker", **members: Any) -> dict[str, Any]:
        """What a request is answered, which must not be a fault."""
        answer = await self.answer(operation, members, service)
        assert answer.status == 200, answer.body
        found: dict[str, Any] = answer.json if answer.body else {}
        return found

    async def answer(self, operation: str, members: object, service: str = "sagemaker") -> Answer:
        """Whatever a request is answered, which is valid under the model."""
        found = await self.send(
            json.dumps(members).encode(),
            {"content-type": CONTENT_TYPE, "x-amz-target": f"{_PREFIXES[service]}.{operation}"},
        )
        shape = model.operation(operation, service).output_shape if found.status == 200 else None
        assert_valid_answer(found.status, found.body, shape)
        return found

    async def send(
        self, body: bytes, headers: Mapping[str, str], method: str = "POST", path: str = "/", host: str = "localhost"
    ) -> Answer:
        """Any request at all."""
        return await ask(self._app, body, {"host": host, **headers}, method, path)


async def ask(application: ASGIApp, body: bytes, headers: Mapping[str, str], method: str, path: str) -> Answer:
    """Call an application with one request."""
    parts: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[Message] = []

    async def receive() -> Message:
        return parts.pop() if parts else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
        "client": None,
        "server": ("localhost", 80),
    }
    await application(scope, receive, send)
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], found, b"".join(part.get("body", b"") for part in sent[1:]))


def assert_valid_answer(status: int, body: bytes, shape: Shape | None) -> None:
    """An answer or a fault as the model and AWS's clients have it. `shape`: of the operation's answers."""
    if status != 200:
        assert set(json.loads(body)) == {"__type", "Message"}, body
    elif shape is None:
        assert body == b""
    else:
        assert_valid(shape, json.loads(body))


def assert_valid(shape: Shape, value: Any, path: str = "") -> None:
    """An answer under the model: nothing unknown, nothing missing, every type right, enums among their values."""
    if isinstance(shape, StructureShape):
        assert isinstance(value, dict), path
        assert set(value) <= set(shape.members), f"{path}: {set(value) - set(shape.members)} are not in the model"
        missing = set(shape.required_members) - set(value)
        assert not missing, f"{path}: {missing} are missing"
        for name, member in value.items():
            assert_valid(shape.members[name], member, f"{path}.{name}")
    elif isinstance(shape, ListShape):
        assert isinstance(value, list), path
        for number, item in enumerate(value):
            assert_valid(shape.member, item, f"{path}[{number}]")
    elif isinstance(shape, MapShape):
        assert isinstance(value, dict), path
        for key, item in value.items():
            assert_valid(shape.key, key, f"{path}<{key}>")
            assert_valid(shape.value, item, f"{path}.{key}")
    else:
        types = _TYPES[shape.type_name]
        assert isinstance(value, types), f"{path}: {value!r} is no {shape.type_name}"
        assert bool in types or not isinstance(value, bool), f"{path}: {value!r} is no {shape.type_name}"
        known = getattr(shape, "enum", ())
        assert not known or value in known, f"{path}: {value!r} is none of {known}"


_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "timestamp": (int, float),
}
