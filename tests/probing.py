"""The probes as commands, and a probe run directly, without the runner, by a test about the probe itself.

`probe("slow", 2)` is an argv for a job. `Run` starts one as a session leader, with this process as subreaper of
whatever it leaves, and takes all of that away at the end.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.waiting import wait_until

PROBES = Path(__file__).parent.parent / "workloads" / "probes"
TERM_BIT = 1 << (signal.SIGTERM - 1)


def probe(name: str, *arguments: object) -> list[str]:
    """The command of a Python probe."""
    return [sys.executable, "-I", "-S", str(PROBES), name, *map(str, arguments)]


def script(name: str, *arguments: object, shell: str = "sh") -> list[str]:
    """The command of a shell probe; skips where there is no such shell."""
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"no {shell} on this machine")
    return [path, str(PROBES / name), *map(str, arguments)]


def compiled(source: str, folder: Path, *arguments: object) -> list[str]:
    """The command of a C probe, compiled into `folder`; skips where there is no gcc."""
    gcc = shutil.which("gcc")
    if gcc is None:
        pytest.skip("no gcc on this machine")
    program = folder / Path(source).stem
    if not program.exists():
        subprocess.run([gcc, "-O1", "-Wall", "-Wextra", "-Werror", "-o", program, PROBES / source], check=True)
    return [str(program), *map(str, arguments)]


class Run:
    """A running probe: its lines, the children that it names, and its end."""

    def __init__(self, command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)
        self._output = folder / "output"
        self._marked = f"PROBE_RUN={folder}"
        with self._output.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env={**(os.environ if environment is None else environment), "PROBE_RUN": str(folder)},
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        wait_until(self._nobody_is_left, within=5, saying=f"processes of the probe live on: {self.everyone()}")

    def _nobody_is_left(self) -> bool:
        # Again and again, because they may fork meanwhile.
        for pid in self.everyone():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        return not self.everyone()

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def bytes(self) -> bytes:
        return self._output.read_bytes()

    @property
    def text(self) -> str:
        return self.bytes.decode(errors="replace")

    def wait_for(self, pattern: str, within: float = 10) -> re.Match[str]:
        """The first match of `pattern` in what the probe has printed."""
        return wait_until(
            lambda: re.search(pattern, self.text, re.MULTILINE),
            within=within,
            saying=lambda: f"no {pattern!r} in:\n{self.text}",
        )

    def ready(self) -> int:
        """Wait for the ready line; the pid in it."""
        return int(self.wait_for(r"^ready (\d+)$")[1])

    def children(self) -> list[int]:
        """The pids that the probe has told."""
        return [int(pid) for pid in re.findall(r"^child (\d+)$", self.text, re.MULTILINE)]

    def everyone(self) -> list[int]:
        """All living processes that were born of this run: by session, by mark, and by what the probe told."""
        return [pid for pid in living() if pid != os.getpid() and self._is_ours(pid)]

    def _is_ours(self, pid: int) -> bool:
        try:
            return (
                os.getsid(pid) == self.pid
                or self._marked.encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
                or pid in self.children()
            )
        except OSError:
            return False

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def stop(self, within: float = 10) -> int:
        """SIGTERM to the main process; its exit code, negative for a signal."""
        self.send(signal.SIGTERM)
        return self.end(within)

    def end(self, within: float = 10) -> int:
        """The exit code, negative for a signal, of a probe that ends by itself."""
        return self.process.wait(timeout=within)


def living() -> list[int]:
    """Pids of all processes but zombies."""
    return [pid for entry in os.listdir("/proc") if entry.isdigit() and state(pid := int(entry)) not in {"", "Z", "X"}]


def state(pid: int) -> str:
    """The letter of proc(5): R, S, T, Z; empty if there is no such process."""
    return status(pid).get("State", "").partition(" ")[0]


def status(pid: int) -> dict[str, str]:
    """/proc/PID/status; empty if there is no such process."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def has_sigterm(pid: int, mask: str) -> bool:
    """Whether SIGTERM is in `SigCgt`, `SigIgn`, `SigBlk` or `ShdPnd` of a process."""
    return bool(int(status(pid)[mask], 16) & TERM_BIT)
