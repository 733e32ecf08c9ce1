"""AWS JSON 1.1 at `POST /`: from bytes to an operation, and from what it answers or raises back to bytes."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn

from botocore.model import OperationModel
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from runner.errors import InvalidRequest, IsolationUnavailable, RunnerClosed, RunnerError
from runner.jobs.shared import ISOLATION_TAG
from runner.settings import Settings
from runner.supervisor.service import Service
from runner.wire import cloudwatch, compilation, model, tags, training, tuning
from runner.wire.answers import CONTENT_TYPE, refusal, response, shaped
from runner.wire.bodies import Bodies
from runner.wire.calls import Call, Fault, Members, Operation
from runner.wire.rules import in_awss_words
from runner.wire.signatures import credential_scope
from runner.wire.validation import INVALID, checked, violated

_logger = logging.getLogger(__name__)

OPERATIONS: Mapping[str, Mapping[str, Operation]] = MappingProxyType(
    {
        "sagemaker": MappingProxyType(
            {**compilation.OPERATIONS, **training.OPERATIONS, **tuning.OPERATIONS, **tags.OPERATIONS}
        ),
        "logs": cloudwatch.OPERATIONS,
    }
)
"""Service -> operation -> what does it."""

_INVALID: Mapping[str, str] = MappingProxyType({"sagemaker": INVALID, "logs": cloudwatch.INVALID})
"""Service -> the code with which it refuses what breaks a constraint of its model."""

_TARGET = re.compile(r"(?P<prefix>\w+)\.(?P<operation>\w+)")


class _Known(NamedTuple):
    model: OperationModel
    act: Operation
    invalid: str


def app(service: Service, settings: Settings) -> Starlette:
    """The endpoint of a service."""

    bodies = Bodies()

    async def post(request: Request) -> Response:
        try:
            known = _known(request.headers.get("x-amz-target", ""))
            _check_type(request)
            call = Call(service, settings, _region(request) or settings.region)
            async with bodies.whole(request) as body:
                return response(await _answer(known, body, call))
        except Fault as fault:
            return refusal(fault)
        except ClientDisconnect:
            return Response()  # nobody reads it

    endpoint = Starlette(
        routes=[Route("/", post, methods=["POST"])],
        exception_handlers={HTTPException: _elsewhere, Exception: _failed},
    )
    endpoint.router.redirect_slashes = False
    return endpoint


async def _answer(known: _Known, body: bytearray, call: Call) -> dict[str, Any] | None:
    members = checked(known.model.input_shape, _parsed(body), known.invalid)
    answer = await _done(known, call, members)
    if known.model.output_shape is None:
        return None
    return shaped(known.model.output_shape, answer or {})


async def _done(known: _Known, call: Call, members: Members) -> Members | None:
    try:
        return await known.act(call, members)
    except InvalidRequest as error:
        raise violated([in_awss_words(error, known.model.input_shape, members)]) from None
    except IsolationUnavailable as error:
        wish = InvalidRequest(f"Tags.{ISOLATION_TAG}", f"must be an isolation that can be had: {error}")
        raise violated([in_awss_words(wish, known.model.input_shape, members)]) from None
    except RunnerClosed as error:
        raise Fault("ServiceUnavailableException", str(error), 503) from None
    except RunnerError as error:
        _logger.error("an operation failed: %s", error)
        raise Fault("InternalFailure", str(error), 500) from None


def _known(target: str) -> _Known:
    """The operation that the header names. Raises Fault for one that is not offered."""
    found = _TARGET.fullmatch(target)
    service = found and model.prefixes().get(found["prefix"])
    if not found or not service:
        prefixes = " or ".join(f"{prefix}.OPERATION" for prefix in model.prefixes())
        raise Fault("UnknownOperationException", f"The header X-Amz-Target must be {prefixes}.")
    name = found["operation"]
    if name not in OPERATIONS.get(service, {}):
        exists = name in model.service(service).operation_names
        why = "is not offered by this runner" if exists else f"is no operation of {service}"
        raise Fault("UnknownOperationException", f"{name} {why}.")
    return _Known(model.operation(name, service), OPERATIONS[service][name], _INVALID[service])


def _check_type(request: Request) -> None:
    given = request.headers.get("content-type", "")
    kind, _, rest = given.partition(";")
    if kind.strip().lower() != CONTENT_TYPE:
        raise Fault("UnsupportedMediaTypeException", f"The header Content-Type must be {CONTENT_TYPE}.", 415)
    charset = rest.strip().lower().removeprefix("charset=").strip('"')
    if charset not in ("", "utf-8", "utf8"):
        raise Fault("UnsupportedMediaTypeException", "The body must be UTF-8.", 415)
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Fault("UnsupportedMediaTypeException", "The body must not be compressed.", 415)


def _parsed(body: bytearray) -> Any:
    """Raises Fault for what is no JSON. Nothing at all is none either: every SDK sends `{}` for no members."""
    if not body.strip():
        raise Fault("SerializationException", "The body is empty; a request without members is {}.")
    try:
        return json.loads(body.decode(), parse_constant=_refuse)
    except UnicodeDecodeError:
        raise Fault("SerializationException", "The body must be UTF-8.") from None
    except RecursionError:
        raise Fault("SerializationException", "The body is nested too deeply.") from None
    except json.JSONDecodeError as error:
        raise Fault("SerializationException", f"The body must be JSON: {error}.") from None
    except ValueError:  # int() takes no more digits, and says how a program may change that
        digits = sys.get_int_max_str_digits()
        message = f"The body must be JSON whose whole numbers have at most {digits} digits."
        raise Fault("SerializationException", message) from None


def _refuse(constant: str) -> NoReturn:
    raise Fault("SerializationException", f"The body must be JSON, in which {constant} is no number.")


def _region(request: Request) -> str | None:
    """That of the signature's scope."""
    scope = credential_scope(request.headers.get("authorization", ""))
    return scope and scope.region


async def _elsewhere(request: Request, error: Exception) -> Response:
    """Another path or method than the endpoint's."""
    assert isinstance(error, HTTPException)
    message = f"Requests are POST / (AWS JSON 1.1), not {request.method} {request.url.path}."
    return refusal(Fault("UnknownOperationException", message, error.status_code), error.headers)


async def _failed(request: Request, error: Exception) -> Response:
    """A mistake of ours; Starlette raises it again after the answer, and it is logged."""
    return refusal(Fault("InternalFailure", f"It failed: {error!r}", 500))
