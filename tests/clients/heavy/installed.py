"""The clients that `make clients` has installed, run as their users run them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[3]
SCRIPTS = Path(__file__).parent
PATIENCE = 150.0
"""Seconds that one program may take."""
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "anything",
    "AWS_SECRET_ACCESS_KEY": "anything",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_REGION": "eu-west-1",  # the one that the JavaScript SDK reads
}
OPT_OUT = """\
SchemaVersion: '1.0'
SageMaker:
  PythonSDK:
    Modules:
      TelemetryOptOut: true
"""
_QUIET = {"AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED": "true"}
_TROUBLE = re.compile(r"could not connect|max retries|retrying|unreachable|name resolution|EAI_AGAIN|ECONN", re.I)
"""How clients tell of an address that they did not reach."""


class Ran(NamedTuple):
    """A client's program that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it has printed, if it ended well."""
        assert (self.code, self.err) == (0, ""), self
        return json.loads(self.out) if self.out else None


class Installed:
    """The clients in the folder of `make clients`, with a home of their own."""

    def __init__(self, folder: Path, home: Path, variables: Mapping[str, str]) -> None:
        self._folder = folder
        self.home = home
        self._variables = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), **variables}

    def aws(self, *arguments: object) -> Ran:
        """The AWS CLI."""
        return self._run([self._python("aws"), *arguments], {})

    def script(self, name: str, *arguments: object) -> Ran:
        """A Python program of the folder `sdk`, for the SageMaker Python SDK; it may wait as tests do."""
        options = self.home / "sagemaker.yaml"
        options.write_text(OPT_OUT)
        variables = {"SAGEMAKER_USER_CONFIG_OVERRIDE": str(options), "PYTHONPATH": str(ROOT)}
        command = [self._python("python"), "-W", "ignore", SCRIPTS / "sdk" / name, *arguments]
        return self._run(command, variables)

    def node(self, name: str, *arguments: object) -> Ran:
        """A program of the folder `javascript`; it finds its packages beside it, as in a project."""
        project = self.home / "project"
        if not project.exists():
            shutil.copytree(SCRIPTS / "javascript", project)
            (project / "node_modules").symlink_to(self._folder / "node_modules")
        return self._run(["node", project / name, *arguments], _QUIET)

    def _python(self, name: str) -> Path:
        return self._folder / "python" / "bin" / name

    def _run(self, command: list[Any], variables: Mapping[str, str]) -> Ran:
        done = subprocess.run(
            [str(word) for word in command],
            cwd=self.home,
            env={**self._variables, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        ran = Ran(done.returncode, done.stdout, done.stderr)
        assert not _TROUBLE.search(ran.out + ran.err), ran
        return ran
