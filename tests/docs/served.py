"""Blocks of the pages that talk to an endpoint.

Those of one page that have the same client are one session: a home with a data directory where a user has it, a folder,
and a server with the page's `runner.toml`, all of which go on from block to block.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.docs.blocks import PATIENCE, ROOT, Shown, environment, name_of, pages, run_commands, run_python, shown
from tests.runs.serving import Served

BOTO3 = "boto3"
"""The client that is installed with everything; the others are those of `make clients`."""
HEAVY = ("aws", "node", "sagemaker")
INSTALLED = ROOT / ".clients"
"""Where `make clients` has them."""
LONG_PATIENCE = 150.0
"""Seconds that one block of theirs may take: they are slow to start, and wait for long between two looks."""
_QUIET = "AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"


class Session:
    """What one client of a page works with."""

    def __init__(self, client: str, home: Path, installed: Path = INSTALLED) -> None:
        """`home`: an empty folder."""
        self._client = client
        self._home = home
        self._installed = installed
        self._folder = home / "folder"
        self._server: Served | None = None

    def __enter__(self) -> Self:
        self._folder.mkdir()
        if self._client == "node":
            (self._folder / "node_modules").symlink_to(self._installed / "node_modules")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()

    def run(self, one: Shown) -> str:
        """What a console block prints."""
        within = PATIENCE if self._client == BOTO3 else LONG_PATIENCE
        return run_commands(one, self._folder, self._variables(one.files), within)

    def run_python(self, body: str) -> str:
        """What a program prints."""
        return run_python(body, self._folder, self._variables({}))

    def _variables(self, files: Mapping[str, str]) -> dict[str, str]:
        """What a user sets, and how this user differs from the one who runs the tests. The server is running."""
        if self._server is None:
            self._server = self._started(files.get("runner.toml"))
        path = environment(self._folder)["PATH"].split(os.pathsep)
        clients = str(self._installed / "python" / "bin")
        return {
            "AWS_ENDPOINT_URL": self._server.url,
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_REGION": "eu-west-1",
            "HOME": str(self._home),
            "XDG_STATE_HOME": str(self._home / ".local" / "state"),
            "PATH": os.pathsep.join([clients, *path] if self._client == "sagemaker" else [*path, clients]),
            _QUIET: "true",
        }

    def _started(self, config: str | None) -> Served:
        options = ["--host", "127.0.0.1"]
        if config is not None:
            (self._home / "runner.toml").write_text(config)
            options += ["--config", str(self._home / "runner.toml")]
        (state := self._home / ".local" / "state").mkdir(parents=True)
        server = Served(state / "grace-runner", self._home / "serve.log", *options)
        server.start()
        return server


class Sessions:
    """Those of one page, each begun when it is first needed."""

    def __init__(self, parent: Path, installed: Path = INSTALLED) -> None:
        """`parent`: a folder for their homes."""
        self._parent = parent
        self._installed = installed
        self._open = contextlib.ExitStack()
        self._found: dict[str, Session] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def of(self, client: str) -> Session:
        """Raises AssertionError for a client that there is not."""
        assert client in (BOTO3, *HEAVY), f"{client} is no client: there are {BOTO3}, {', '.join(HEAVY)}"
        if client not in self._found:
            (home := self._parent / client).mkdir()
            self._found[client] = self._open.enter_context(Session(client, home, self._installed))
        return self._found[client]


def sessions(*clients: str) -> list[object]:
    """Parameters of tests: each page and client such that the page has console blocks with that client."""
    return [
        pytest.param(page, client, id=f"{name_of(page)}-{client}")
        for page in pages()
        for client in clients
        if any(one.served == client for one in shown(page.read_text(encoding="utf-8")))
    ]


def printed(page: Path, client: str, home: Path, installed: Path = INSTALLED) -> Iterator[tuple[Shown, str]]:
    """The console blocks of a page that have this client, in their order, with what they print."""
    with Session(client, home, installed) as session:
        for one in shown(page.read_text(encoding="utf-8")):
            if one.served == client:
                yield one, session.run(one)
