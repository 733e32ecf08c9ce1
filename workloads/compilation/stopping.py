"""What this program would leave behind, and how it leaves nothing when it is stopped.

The signal handler itself does all of the work and ends the process: an exception raised in a handler gets lost where
Python ignores exceptions (finalisers, callbacks of the garbage collector), and can fall between the start of a child
and the line that notes it down. There is one thread, so nothing else runs meanwhile; `shield` puts a signal off while
something comes into being and is noted down.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO, Final

PR_SET_CHILD_SUBREAPER: Final = 36
"""prctl(2)."""
LAST_LOOK_SECONDS: Final = 0.2
"""How long killed processes may take to be gone, before their folder is removed all the same."""


def say(line: str) -> None:
    """A line on the log, at once; safe in a signal handler too, where print may find its own buffer half written."""
    with suppress(OSError):
        os.write(1, f"{line}\n".encode())


class Belongings:
    """The children, each with a process group of its own, and the paths that must not outlive this program."""

    def __init__(self) -> None:
        self._children: dict[int, subprocess.Popen[bytes]] = {}
        self._paths: set[Path] = set()
        self._shields = 0
        self._pending: int | None = None
        self._leaving = False

    def install(self) -> None:
        """From here on SIGTERM and SIGINT clean up and end the process with 128 + signal number.

        What the children leave behind comes to this process, as it does to PID 1, which so knows when it is gone.
        """
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, self._on_signal)

    @contextmanager
    def shield(self) -> Iterator[None]:
        """For steps of microseconds to milliseconds: a signal that comes inside is acted on at the end."""
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1
            if not self._shields and self._pending is not None:
                self._leave(self._pending)

    def start(self, command: Sequence[str], cwd: Path, env: Mapping[str, str], errors: IO[bytes] | None = None) -> int:
        """A child in a process group of its own, so that killing the group gets what it forks at that moment too.

        `errors` takes its standard error instead of the log. Returns its pid. Raises OSError if it cannot be run.
        """
        with self.shield():
            child = subprocess.Popen(
                command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stderr=errors, process_group=0
            )
            self._children[child.pid] = child
        return child.pid

    def wait(self) -> tuple[int, int]:
        """Wait for the next child to end: its pid and its status as Popen.returncode has it.

        Signals are acted on while it waits; only taking the status, which sets the pid free for others, is shielded.
        """
        while True:
            seen = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
            assert seen is not None  # only with WNOHANG it is
            with self.shield():
                if child := self._children.pop(seen.si_pid, None):
                    return seen.si_pid, child.wait()
                os.waitpid(seen.si_pid, 0)  # a child's orphan, see install

    @contextmanager
    def folder(self, prefix: str) -> Iterator[Path]:
        """A new folder in TMPDIR; at the end of the block the children are killed and it is removed."""
        with self.shield():
            path = Path(tempfile.mkdtemp(prefix=prefix))
            self._paths.add(path)
        try:
            yield path
        finally:
            with self.shield():
                self.kill_children()
                self._remove(path)

    @contextmanager
    def file(self, path: Path) -> Iterator[None]:
        """The file may come into being inside the block; what is there of it at its end is removed."""
        self._paths.add(path)
        try:
            yield
        finally:
            with self.shield():
                self._remove(path)

    def kill_children(self) -> None:
        """SIGKILL to the children and all that they started, and a short wait until they are gone."""
        groups = set(self._children)
        for group in groups:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        until = time.monotonic() + LAST_LOOK_SECONDS
        while groups and time.monotonic() < until:
            _reap()
            groups = {group for group in groups if _exists(group)}
            if groups:
                time.sleep(0.002)
        for child in self._children.values():
            child.poll()
        self._children.clear()

    def _remove(self, path: Path) -> None:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
        self._paths.discard(path)

    def _on_signal(self, signum: int, _frame: FrameType | None) -> None:
        if self._shields:
            self._pending = signum
        elif not self._leaving:
            self._leave(signum)

    def _leave(self, signum: int) -> None:
        self._leaving = True
        name = signal.Signals(signum).name
        running = len(self._children)
        try:
            self.kill_children()
            for path in tuple(self._paths):
                self._remove(path)
            say(f"{name}: ended {running} running children, removed all temporary files")
        finally:
            os._exit(128 + signum)


def _reap() -> None:
    """Everything that has ended, orphans of the children too."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
