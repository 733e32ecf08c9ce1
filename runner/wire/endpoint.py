"""The endpoint on its socket: loopback only, beside the unix socket of the same supervisor."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import logging
import socket
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, cast

import uvicorn

from runner.errors import InvalidRequest, RunnerError
from runner.settings import Settings
from runner.supervisor.service import Service
from runner.wire import model
from runner.wire.app import app
from runner.wire.beside import beside, service_of
from runner.wire.connection import Connection
from runner.wire.guard import App, Guard, Receive, Scope, Send
from runner.wire.heads import LARGEST_HEAD, with_checked_heads
from runner.wire.targets import origin_form

_IDLE_SECONDS = 75
"""That a connection is kept for the next request: none of the pauses between two polls that clients make (5, 10, 30,
60, 120 s), because a connection that ends just then takes the request with it."""
_LAST_ANSWERS = 5
"""Seconds that answers under way have when the endpoint closes."""


class PortUnusable(RunnerError):
    """The endpoint cannot listen; the message says where and why."""


class Endpoint:
    """A `supervisor.serving.Face`. Bound when it is made, so that its address is known."""

    def __init__(self, host: str, port: int, settings: Settings, services: Sequence[str] = ()) -> None:
        """`port` 0: any free one. `services`: what of AWS is offered beside SageMaker, see `beside`.

        Raises InvalidRequest for what is not the loopback or no such service, PortUnusable.
        """
        self._settings = settings
        self._services = services
        self._others = beside(services, settings.account) if services else None
        self._socket = _bound(host, port)
        offered = ("sagemaker", "cloudwatch_logs", *services)
        self.variables: Mapping[str, str] = {f"AWS_ENDPOINT_URL_{service.upper()}": self.url for service in offered}
        self.s3 = self.url if "s3" in services else None

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"http://{self._host}:{self._socket.getsockname()[1]}"

    @property
    def _host(self) -> str:
        """The address as URLs and the header Host spell it."""
        host = str(self._socket.getsockname()[0])
        return f"[{host}]" if ":" in host else host

    def close(self) -> None:
        """Give the address back; for an endpoint that is not served."""
        self._socket.close()

    @contextlib.asynccontextmanager
    async def serving(self, service: Service) -> AsyncIterator[None]:
        """Answer requests for this service meanwhile."""
        model.prefixes()  # read before the first request has to wait for it
        own = app(service, self._settings)
        whole = own if self._others is None else _by_service(own, self._others, self._services)
        guarded = Guard(whole, (*self._settings.allowed_hosts, self._host))
        server = _Server(_config(with_checked_heads(origin_form(guarded))))
        serving = asyncio.create_task(server.serve(sockets=[self._socket]))
        await asyncio.wait({asyncio.create_task(server.ready.wait()), serving}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
        try:
            yield
        finally:
            server.told.set()
            await serving


def _by_service(own: App, others: App, services: Sequence[str]) -> App:
    """Requests go to the others if they are for one of their services."""

    async def whole(scope: Scope, receive: Receive, send: Send) -> None:
        await (others if service_of(scope) in services else own)(scope, receive, send)

    return whole


class _Server(uvicorn.Server):
    """Without signal handlers, which are the supervisor's, and without uvicorn's ten looks a second at its clock."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self.told = asyncio.Event()
        """To end."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        await self.told.wait()


def _config(application: App) -> uvicorn.Config:
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # a request that is no HTTP is no matter of ours
    return uvicorn.Config(
        cast(Any, application),
        http=Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,  # `answers.response` has one
        proxy_headers=False,
        h11_max_incomplete_event_size=LARGEST_HEAD,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=_LAST_ANSWERS,
    )


def _bound(host: str, port: int) -> socket.socket:
    """Raises InvalidRequest, PortUnusable."""
    if not 0 <= port <= 65535:
        raise InvalidRequest("--port", f"must be a number from 0 to 65535, not {port}")
    address = _loopback(host)
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((str(address), port))
        listener.listen(1024)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        hint = "; --port 0 takes any free one" if error.errno == errno.EADDRINUSE else ""
        raise PortUnusable(f"cannot listen on {address} port {port}: {error.strerror}{hint}") from None
    return listener


def _loopback(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Whoever may call starts commands as this user, and requests are not yet checked for who signed them."""
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        raise InvalidRequest("--host", f"must be an address of the loopback, such as 127.0.0.1, not {host!r}") from None
    if not address.is_loopback:
        raise InvalidRequest("--host", f"must be an address of the loopback, such as 127.0.0.1, not {host}")
    return address
