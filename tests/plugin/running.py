"""A pytest of its own with the plugin, as a user has it who has installed the package."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import subprocess
import sys
import termios
import tomllib
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple
from xml.etree import ElementTree

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 50
PRELUDE = """\
import sys

import pytest

from tests.probing import probe

SAVES = [sys.executable, "-c", '''if True:
    import os, signal, sys, time
    def save(number, frame):
        with open(os.environ["SM_MODEL_DIR"] + "/model", "w") as model:
            model.write("learned")
        sys.exit(0)
    signal.signal(signal.SIGTERM, save)
    print("ready", flush=True)
    while True:
        time.sleep(0.02)
''']

"""


class Ran(NamedTuple):
    """A pytest that has ended."""

    code: int
    out: str
    """Of stdout and stderr."""
    folder: Path

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    def outcome(self) -> str:
        """The last line without its time, such as `1 failed, 2 passed`."""
        return self.lines[-1].strip("= ").rpartition(" in ")[0]

    def section(self, title: str) -> list[str]:
        """The lines below a rule with this title, to the next rule or heading."""
        (first,) = (number for number, line in enumerate(self.lines) if line.strip("-=_ ") == title)
        rest = self.lines[first + 1 :]
        last = next((n for n, line in enumerate(rest) if line[:3] in ("---", "===", "___")), len(rest))
        return rest[:last]

    def junit(self) -> ElementTree.Element:
        """The only test case of its JUnit file."""
        (case,) = ElementTree.parse(self.folder / "junit.xml").getroot().iter("testcase")
        return case


def surroundings() -> dict[str, str]:
    """Without what is set for the pytest that runs this, and for CI, where pytest does not cut its lines."""
    unlike = ("PYTEST_", "COV_", "CI", "BUILD_NUMBER")
    return {name: value for name, value in os.environ.items() if not name.startswith(unlike)}


def run(
    folder: Path,
    suite: str,
    *options: str,
    settings: str = "",
    variables: Mapping[str, str] | None = None,
) -> Ran:
    """Run a suite of one file to its end. `settings` are lines of its pytest.ini."""
    with start(folder, suite, *options, settings=settings, variables=variables) as process:
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"pytest has not ended:\n{output(folder)}") from None
        finally:
            process.kill()
    return Ran(process.returncode, output(folder), folder)


def start(
    folder: Path,
    suite: str,
    *options: str,
    settings: str = "",
    variables: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """The same, while it runs. Its temporary directory is `folder/tmp`."""
    (folder / "tmp").mkdir(exist_ok=True)
    (folder / "test_it.py").write_text(PRELUDE + dedent(suite))
    (folder / "pytest.ini").write_text(f"[pytest]\nfilterwarnings = error\n{settings}\n")
    with (folder / "output").open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options, str(folder / "test_it.py")],
            cwd=folder,
            env={**_usual(folder), **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )


def run_in_terminal(folder: Path, suite: str, width: int, *options: str) -> Ran:
    """The same in a terminal of this width, which no variable tells."""
    run(folder, suite, "--collect-only")  # writes the files
    master, slave = pty.openpty()
    try:
        termios.tcsetwinsize(slave, (24, width))
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options, str(folder / "test_it.py")],
            cwd=folder,
            env={name: value for name, value in _usual(folder).items() if name != "COLUMNS"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
    finally:
        os.close(slave)
    with process, open(master, "rb", buffering=0) as terminal:
        try:
            out = _read(terminal)
            return Ran(process.wait(PATIENCE), out, folder)
        finally:
            process.kill()


def _read(terminal: io.FileIO) -> str:
    """All that was printed, until nobody has the terminal open any more (EIO then, pty(7))."""
    read = b""
    with contextlib.suppress(OSError):
        while part := terminal.read(65536):
            read += part
    return read.decode().replace("\r\n", "\n")


def output(folder: Path) -> str:
    return (folder / "output").read_bytes().decode()


def private_directories(folder: Path) -> list[Path]:
    return list((folder / "tmp").glob("runner-*"))


def _usual(folder: Path) -> dict[str, str]:
    outer = surroundings()
    path = os.pathsep.join([str(_installed(folder)), str(ROOT)])
    return {**outer, "PYTHONPATH": path, "TMPDIR": str(folder / "tmp"), "COLUMNS": "80", "NO_COLOR": "1"}


def _installed(folder: Path) -> Path:
    """A folder for the path that says of this project's plugin what its installation says.

    An entry point is written when a project is installed, which may have been before this one had it.
    """
    place = folder / "installed"
    told = place / "grace_runner_under_test-0.dist-info"
    if not told.exists():
        told.mkdir(parents=True)
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        points = project["entry-points"]["pytest11"].items()
        lines = ["[pytest11]", *(f"{name} = {target}" for name, target in points)]
        (told / "entry_points.txt").write_text("\n".join(lines) + "\n")
        # pytest looks at every package of a project that has a plugin.
        (told / "RECORD").write_text("runner/__init__.py,,\nworkloads/__init__.py,,\n")
        (told / "METADATA").write_text("Metadata-Version: 2.1\nName: grace-runner-under-test\nVersion: 0\n")
    return place
