"""S3, STS and IAM beside the endpoint: moto's server part, in the same process and on the same port.

So that one AWS_ENDPOINT_URL serves all that SageMaker's Python SDK sends there. Requests are told apart by the service
in their signature's credential scope, which every AWS client states.

moto is imported when it is asked for (extra `aws`). It answers from memory and connects to nobody. Only the
applications of the services asked for are made, each on its own: neither moto's own interface (`/moto-api`) nor what it
imitates of a machine's metadata can be reached.

Before its IAM are two answers that SageMaker's SDK v3 does not go on without: `SimulatePrincipalPolicy`, which moto
lacks, allows everything, and `GetRole` knows every role.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote
from uuid import uuid4
from xml.sax.saxutils import escape

from runner.errors import InvalidRequest
from runner.settings import Settings
from runner.wire.guard import App, Message, Receive, Scope, Send
from runner.wire.signatures import credential_scope

SERVICES = ("s3", "sts", "iam")

_ROLE_NAME = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
_NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold."""
PAUSE = 60.0
"""Seconds that a body may pause."""
_LARGEST_QUERY = 1 << 20
"""Bytes of a request to IAM."""
_IAM = "https://iam.amazonaws.com/doc/2010-05-08/"


def service_of(scope: Scope) -> str | None:
    """The service that an HTTP request is for, as AWS names it in signatures; None if nothing says so.

    A request without a signature is one for S3 unless its path is `/`: objects may be public, and their addresses are
    signed in the query by some, in older ways too.
    """
    if scope["type"] != "http":
        return None
    authorization = _header(scope, b"authorization")
    signed = credential_scope(authorization) or credential_scope(unquote(scope["query_string"].decode("latin-1")))
    if signed:
        return signed.service
    is_old = authorization.startswith("AWS ")  # version 2, which only S3 still takes
    return "s3" if is_old or (scope["path"] != "/" and not _header(scope, b"x-amz-target")) else None


def beside(services: Sequence[str], account: str = Settings().account) -> App:
    """An application that answers HTTP requests for these of `SERVICES`, and no others.

    Raises InvalidRequest for one that is not among them, or when the extra is not installed.
    """
    unknown = [service for service in services if service not in SERVICES]
    if unknown:
        raise InvalidRequest("services", f"must be some of {', '.join(SERVICES)}, not {unknown[0]!r}")
    apps = {service: _mounted(service, account) for service in services}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        service = service_of(scope) or ""
        try:
            body = await _body(receive, _LARGEST_QUERY if service == "iam" else None)
        except _NotWhole as why:
            if why.status:
                await _answer(send, why.status, _error(why.code, why.message))
            return
        await apps.get(service, _not_here)(scope, _again(body, receive), send)

    return app


def _mounted(service: str, account: str) -> App:
    try:
        from a2wsgi import WSGIMiddleware
        from moto.moto_server.werkzeug_app import create_backend_app
    except ImportError as missing:
        raise InvalidRequest(
            "services", f"need what is not installed ({missing.name}): pip install 'grace-runner[aws]'"
        ) from None
    app: App = WSGIMiddleware(_with_end(create_backend_app(service), account))  # type: ignore[arg-type, assignment]
    return _before_iam(app, account) if service == "iam" else app


def _with_end(app: Callable[..., Iterable[bytes]], account: str) -> Callable[..., Iterable[bytes]]:
    """Tells the account, and that a body without a length (chunked) ends where it ends: else Werkzeug reads none."""

    def wrapped(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ["wsgi.input_terminated"] = True
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = account
        return app(environ, start_response)

    return wrapped


async def _not_here(scope: Scope, receive: Receive, send: Send) -> None:
    message = "This server has no such service; runner serve --services names those that it has."
    body = f"<ErrorResponse><Error><Code>InvalidAction</Code><Message>{message}</Message></Error></ErrorResponse>"
    await _answer(send, 400, body)


# --- bodies


class _NotWhole(Exception):
    """A body that is not handed on. `status` 0: nobody waits for an answer."""

    def __init__(self, status: int = 0, code: str = "", message: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


async def _body(receive: Receive, most: int | None = None) -> bytes:
    """All of it, before a thread of moto's is taken up; it would take what came before a client hung up for the whole.

    Raises _NotWhole.
    """
    body = bytearray()
    more = True
    while more:
        try:
            async with asyncio.timeout(PAUSE):
                message = await receive()
        except TimeoutError:
            raise _NotWhole(400, "RequestTimeout", f"Nothing of the body has come for {PAUSE:g} s.") from None
        if message["type"] == "http.disconnect":
            raise _NotWhole
        body += message.get("body", b"")
        if most is not None and len(body) > most:
            raise _NotWhole(413, "RequestEntityTooLarge", f"A request has at most {most} bytes.")
        more = message.get("more_body", False)
    return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """What was received, once more; then what comes after it."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> Message:
        return messages.pop() if messages else await receive()

    return received


# --- before moto's IAM


def _before_iam(app: App, account: str) -> App:
    """See the module."""

    async def before(scope: Scope, receive: Receive, send: Send) -> None:
        body = await _body(receive)
        request = dict(parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="utf-8", errors="replace"))
        if request.get("Action") == "SimulatePrincipalPolicy":
            await _answer(send, 200, _allowed(request))
            return
        sent: list[Message] = []
        is_get_role = request.get("Action") == "GetRole"
        await app(scope, _again(body, receive), _kept(sent) if is_get_role else send)
        if is_get_role:
            name = request.get("RoleName", "")
            if sent and sent[0].get("status") == 404 and _ROLE_NAME.fullmatch(name):
                await _answer(send, 200, _role(name, account))
            else:
                for message in sent:
                    await send(message)

    return before


def _kept(sent: list[Message]) -> Send:
    async def keep(message: Message) -> None:
        sent.append(message)

    return keep


def _allowed(request: Mapping[str, str]) -> str:
    actions, resources = (_members(request, name) for name in ("ActionNames", "ResourceArns"))
    results = "".join(
        f"<member><EvalActionName>{_text(action)}</EvalActionName><EvalResourceName>{_text(resource)}</EvalResourceName>"
        "<EvalDecision>allowed</EvalDecision><MatchedStatements/><MissingContextValues/></member>"
        for action in actions
        for resource in resources or ["*"]
    )
    return _result(
        "SimulatePrincipalPolicy", f"<IsTruncated>false</IsTruncated><EvaluationResults>{results}</EvaluationResults>"
    )


def _members(request: Mapping[str, str], name: str) -> list[str]:
    """The values of a list in the query protocol: `NAME.member.N`."""
    found = {
        int(number): value
        for key, value in request.items()
        if (number := key.removeprefix(f"{name}.member.")) != key and number.isdecimal()
    }
    return [found[number] for number in sorted(found)]


def _role(name: str, account: str) -> str:
    """A role that nobody has created: it exists, and anybody may take it."""
    policy = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D"
    return _result(
        "GetRole",
        f"<Role><Path>/</Path><RoleName>{_text(name)}</RoleName><RoleId>AROA{name.encode().hex().upper()[:16]:0<16}</RoleId>"
        f"<Arn>arn:aws:iam::{account}:role/{_text(name)}</Arn><CreateDate>2020-01-01T00:00:00Z</CreateDate>"
        f"<AssumeRolePolicyDocument>{policy}</AssumeRolePolicyDocument><MaxSessionDuration>3600</MaxSessionDuration></Role>",
    )


def _result(action: str, content: str) -> str:
    return (
        f'<{action}Response xmlns="{_IAM}"><{action}Result>{content}</{action}Result>'
        f"<ResponseMetadata><RequestId>{uuid4()}</RequestId></ResponseMetadata></{action}Response>"
    )


def _error(code: str, message: str) -> str:
    return (
        f'<ErrorResponse xmlns="{_IAM}"><Error><Type>Sender</Type><Code>{code}</Code>'
        f"<Message>{message}</Message></Error><RequestId>{uuid4()}</RequestId></ErrorResponse>"
    )


def _text(value: str) -> str:
    return escape(_NO_XML.sub("\ufffd", value))


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for found, value in scope["headers"] if found.lower() == name), "")


async def _answer(send: Callable[[Message], Awaitable[None]], status: int, body: str) -> None:
    data = body.encode()
    headers = [(b"content-type", b"text/xml"), (b"content-length", str(len(data)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": data})
