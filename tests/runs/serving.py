"""A supervisor as a process of its own: started, killed, started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from runner import Runner
from tests.runs.seeing import PATIENCE
from tests.waiting import wait_until

REPOSITORY = Path(__file__).parents[2]


_SERVE = """
import sys
from runner.api import serve
serve(sys.argv[1], ready=lambda: print("runner listening on", sys.argv[1], flush=True))
"""


class Served:
    """One data directory and the supervisors that serve it, one after the other."""

    def __init__(self, data_dir: Path, output: Path, *options: str) -> None:
        """`options` of `runner serve`; without any, the same supervisor without its endpoint, which starts sooner."""
        self.data_dir = data_dir
        self._options = options
        self._output = output
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: list[Runner] = []

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def output(self) -> str:
        """All that the supervisors have printed."""
        return self._output.read_text(errors="replace") if self._output.exists() else ""

    @property
    def url(self) -> str:
        """Where its endpoint is."""
        return self.output.rpartition("runner listening on ")[2].split()[0]

    def start(self) -> Runner:
        """Start a supervisor, wait until it listens, and connect to it."""
        before = len(self.output)
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, *self._command()],
                cwd=REPOSITORY,
                env=_activated(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        wait_until(
            lambda: "runner listening on" in self.output[before:] or (self._process and self._process.poll()),
            within=PATIENCE,
            saying=lambda: f"runner serve does not listen: {self.output}",
        )
        return self.connect()

    def _command(self) -> list[str]:
        if self._options:
            return ["-m", "runner", "serve", "--port", "0", "--data-dir", str(self.data_dir), *self._options]
        return ["-c", _SERVE, str(self.data_dir)]

    def connect(self) -> Runner:
        """One more client; closed at the end of the test."""
        self._clients.append(Runner.connect(self.data_dir))
        return self._clients[-1]

    def kill(self) -> None:
        """SIGKILL to the supervisor alone."""
        self._end(signal.SIGKILL)

    def restart(self) -> Runner:
        """SIGKILL, and the next supervisor."""
        self.kill()
        return self.start()

    def terminate(self) -> None:
        """SIGTERM, without waiting for what it leads to."""
        assert self._process is not None
        self._process.terminate()

    def wait(self) -> int:
        """The exit code."""
        assert self._process is not None
        return self._process.wait(PATIENCE)

    def close(self) -> None:
        """End the supervisor, its jobs and its keeper; one that was killed is replaced for that."""
        if self._process is None:
            return
        try:
            if self._process.poll() is not None and any(keepers(self.data_dir)):
                self.start()
            if self._process.poll() is None:
                # The second signal ends jobs at once.
                self._process.send_signal(signal.SIGTERM)
                self._process.send_signal(signal.SIGINT)
                self._process.wait(PATIENCE)
        finally:
            self._end(signal.SIGKILL)
            for keeper in keepers(self.data_dir):
                os.kill(keeper, signal.SIGKILL)  # its jobs die with it

    def _end(self, number: signal.Signals) -> None:
        for client in self._clients:
            client.close()
        self._clients.clear()
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(PATIENCE)


def _activated() -> dict[str, str]:
    """As somebody has it who has activated the environment: `python` is this one, and jobs find it."""
    here = Path(sys.executable).parent
    return {**os.environ, "PATH": f"{here}:{os.environ.get('PATH', os.defpath)}"}


def keepers(data_dir: Path) -> Iterator[int]:
    """Pids of the keepers of a data directory."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().rstrip(b"\0")
        except OSError:
            continue
        if command == os.fsencode(f"runner-keeper {data_dir}"):
            yield int(entry.name)
