"""`runner` as people start it: a process of its own, in a folder of its own, without a terminal or with one."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from tests.waiting import wait_until

ROOT = Path(__file__).parent.parent.parent
ESCAPE = "\x1b"
WHEN_READY = ("--when-log", "^ready")
"""Probes say so once their handlers are installed."""


class Done(NamedTuple):
    """A command that has ended."""

    code: int
    """Negative for a signal."""
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        """What `--json` has printed."""
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def first(self) -> str:
        """Code of the main finding, without the warning that it saved nothing: probes do not."""
        found = [(finding["code"], finding["severity"]) for finding in self.report["findings"]]
        return next(str(code) for code, severity in found if (code, severity) != ("nothing-saved", "warning"))


class Command:
    """`runner ARGUMENTS`, running in `folder`, which also has its temporary directory."""

    def __init__(
        self,
        folder: Path,
        *arguments: object,
        variables: Mapping[str, str] | None = None,
        terminal: bool = False,
        stdin: int = subprocess.DEVNULL,
        stdout: int | None = None,
        together: bool = False,
    ) -> None:
        """With `terminal` stdout is one, and `together` with it stderr too."""
        self.folder = folder
        self.temporary = folder / "tmp"
        self.temporary.mkdir(exist_ok=True)
        self._out, self._err = folder / "stdout", folder / "stderr"
        self._master, self._read = -1, b""
        with contextlib.ExitStack() as files:
            out = files.enter_context(self._out.open("wb")).fileno()
            err = files.enter_context(self._err.open("wb"))
            if terminal:
                self._master, out = pty.openpty()
                files.callback(os.close, out)
            self.process = subprocess.Popen(
                [sys.executable, "-m", "runner", *map(str, arguments)],
                stdin=stdin,
                stdout=out if stdout is None else stdout,
                stderr=subprocess.STDOUT if together else err,
                cwd=folder,
                env={**os.environ, **surroundings(self.temporary), **(variables or {})},
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        if self._master >= 0:
            os.close(self._master)

    @property
    def out(self) -> str:
        return self._out.read_bytes().decode()

    @property
    def err(self) -> str:
        return self._err.read_bytes().decode()

    def wait_for(self, text: str, *, within: float = 20) -> Self:
        """Until the command has printed the text, on whichever stream."""
        wait_until(
            lambda: text in self.out + self.err or self.process.poll() is not None,
            within=within,
            saying=lambda: f"no {text!r} in:\n{self.out}\n{self.err}",
        )
        assert text in self.out + self.err, self.out + self.err
        return self

    def wait_for_terminal(self, text: str) -> Self:
        """Until the terminal shows the text. What it has shown is part of the `out` of the command's end."""
        while text not in self._read.decode(errors="replace"):
            part = os.read(self._master, 65536) if select.select([self._master], [], [], 20)[0] else b""
            assert part, f"no {text!r} in:\n{self._read.decode()}"
            self._read += part
        return self

    def send(self, number: signal.Signals) -> Self:
        self.process.send_signal(number)
        return self

    def end(self, within: float = 40) -> Done:
        """Wait for its end."""
        out = self._read_terminal() if self._master >= 0 else ""
        try:
            code = self.process.wait(timeout=within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the command has not ended:\n{self.out}\n{self.err}") from None
        return Done(code, out or self.out, self.err)

    def _read_terminal(self) -> str:
        """All that the command prints until nobody has the terminal open any more (EIO then, pty(7))."""
        with contextlib.suppress(OSError):
            while part := os.read(self._master, 65536):
                self._read += part
        return self._read.decode()


def run(
    folder: Path,
    *arguments: object,
    variables: Mapping[str, str] | None = None,
    terminal: bool = False,
    together: bool = False,
) -> Done:
    """Run `runner ARGUMENTS` to its end."""
    with Command(folder, *arguments, variables=variables, terminal=terminal, together=together) as command:
        return command.end()


def check(folder: Path, *arguments: object, program: Sequence[object]) -> Done:
    """Run `runner check --json ARGUMENTS -- PROGRAM` to its end."""
    return run(folder, "check", "--json", *arguments, "--", *program)


def surroundings(temporary: Path) -> dict[str, str]:
    """Variables of a user with a terminal of 80 columns."""
    return {"TMPDIR": str(temporary), "PYTHONPATH": str(ROOT), "COLUMNS": "80", "TERM": "xterm", "NO_COLOR": ""}


def private_directories(folder: Path) -> list[Path]:
    """What is in the temporary directories of commands that run in the folder or below it."""
    return list(folder.glob("**/tmp/*"))
