"""Blocks of the pages that talk to an endpoint, or that come before those in the same shell.

Those of one page are one session, in the order of the page, as somebody has it who types all that it shows: a home, a
folder, what has been exported, and a server, which is started again when the page shows a `runner.toml` for it. All of
them go on from block to block; the AWS variables, which the pages set beside `runner serve`, are those of the session.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from runner.api.serving import holder
from tests.docs.blocks import (
    PATIENCE,
    ROOT,
    Block,
    Shown,
    assert_same,
    blocks_of,
    environment,
    name_of,
    pages,
    run_commands,
    run_python,
    shown,
)
from tests.runs.serving import Served
from tests.waiting import wait_until

RUNNER = "runner"
"""The command line, before there is a server."""
BOTO3 = "boto3"
"""The client that is installed with everything; the others are those of `make clients`."""
HEAVY = ("aws", "node", "sagemaker")
INSTALLED = ROOT / ".clients"
"""Where `make clients` has them."""
LONG_PATIENCE = 150.0
"""Seconds that one block of theirs may take: they are slow to start, and wait for long between two looks."""
_QUIET = "AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"
_EXPORT = re.compile(r"export (?P<name>\w+)=(?P<value>\S+)")

Part = Shown | Block
"""A console block, or a program."""


class Session:
    """What whoever types the blocks of one page works with."""

    def __init__(self, home: Path, installed: Path = INSTALLED) -> None:
        """`home`: an empty folder."""
        self._home = home
        self._installed = installed
        self._folder = home / "folder"
        self._exported: dict[str, str] = {}
        self._config: str | None = None
        self._server: Served | None = None

    def __enter__(self) -> Self:
        self._folder.mkdir()
        (self._folder / "node_modules").symlink_to(self._installed / "node_modules")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()

    def run(self, part: Part) -> str:
        """What a block prints. Raises AssertionError for a client that there is not, and for a program that fails."""
        client = part.served
        assert client in (RUNNER, BOTO3, *HEAVY), f"{client} is no client: there are {BOTO3}, {', '.join(HEAVY)}"
        if isinstance(part, Block):
            return run_python(part.body, self._folder, self._variables(client, {}))
        self._exported.update(self._exports(part.commands))
        within = LONG_PATIENCE if client in HEAVY else PATIENCE
        return run_commands(part, self._folder, self._variables(client, part.files), within)

    def _exports(self, commands: Collection[str]) -> Iterator[tuple[str, str]]:
        for command in commands:
            if found := _EXPORT.fullmatch(command):
                yield found["name"], found["value"].replace("$PWD", str(self._folder))

    def _variables(self, client: str, files: Mapping[str, str]) -> dict[str, str]:
        """What a user sets, and how this user differs from the one who runs the tests."""
        path = environment(self._folder)["PATH"].split(os.pathsep)
        clients = str(self._installed / "python" / "bin")
        return {
            "HOME": str(self._home),
            "XDG_STATE_HOME": str(self._home / ".local" / "state"),
            "PATH": os.pathsep.join([clients, *path] if client == "sagemaker" else [*path, clients]),
            _QUIET: "true",
            **({} if client == RUNNER else self._of_endpoint(files.get("runner.toml"))),
            **self._exported,
        }

    def _of_endpoint(self, config: str | None) -> Mapping[str, str]:
        """The server is running, with this `runner.toml` if there has been one."""
        if self._server is None or config not in (None, self._config):
            if self._server is not None:
                self._server.close()
            self._server, self._config = self._started(config), config
        return {
            "AWS_ENDPOINT_URL": self._server.url,
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_REGION": "eu-west-1",
        }

    def _started(self, config: str | None) -> Served:
        options = ["--host", "127.0.0.1"]
        if config is not None:
            (self._home / "runner.toml").write_text(config)
            options += ["--config", str(self._home / "runner.toml")]
        state = Path(self._exported.get("RUNNER_DATA_DIR", self._home / ".local" / "state" / "grace-runner"))
        state.parent.mkdir(parents=True, exist_ok=True)
        # The supervisor of a `runner submit` leaves when it has nothing to do any more.
        wait_until(lambda: holder(state) is None, within=PATIENCE, saying="the supervisor in the background stays")
        server = Served(state, self._home / "serve.log", *options)
        server.start()
        return server


def parts(page: Path, clients: Collection[str]) -> list[Part]:
    """The blocks of a page that have one of these clients, in their order."""
    text = page.read_text(encoding="utf-8")
    consoles: list[tuple[int, Part]] = [(one.output.first, one) for one in shown(text) if one.served in clients]
    programs: list[tuple[int, Part]] = [
        (block.first, block)
        for block in blocks_of(text)
        if block.served in clients and block.language == "python" and block.file is None
    ]
    return [part for _, part in sorted([*consoles, *programs], key=lambda found: found[0])]


def with_server(*clients: str) -> list[object]:
    """Parameters of tests: the pages that have blocks with one of these clients."""
    return [pytest.param(page, id=name_of(page)) for page in pages() if parts(page, clients)]


def assert_shown(page: Path, clients: Collection[str], home: Path, installed: Path = INSTALLED) -> None:
    """The blocks of a page that have these clients print what it shows, one after the other, with one server."""
    with Session(home, installed) as session:
        for part in parts(page, clients):
            text = session.run(part)
            if isinstance(part, Shown):
                assert_same(page, part, text)
            else:
                assert text.strip() == (part.prints or "")
