"""Where a Python program was, shortly before the deadline of its stop: py-spy looks, and the job is not stopped for it.

py-spy reads the memory of the process from outside. It is a child of the keeper and of no job: in a session of its own,
with the keeper's clean signals, without its descriptors, and it dies with the keeper. Its output goes to a file in
memory, whose size the kernel limits. Nothing here waits for it, and it is given up long before the SIGKILL is due.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal

from runner import clock
from runner.keeper import dumps
from runner.linux import prctl, procfs
from runner.linux.process import clone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    from runner.keeper.loop import Loop

SHORTEST_GRACE = 3.0
"""Seconds. A shorter grace leaves no time for it."""
BEFORE_DEADLINE = 2.0
"""Seconds before the deadline at which it begins."""
GIVEN_UP_AFTER = 1.0
"""Seconds that py-spy may take: it takes 0.1 s for a small program."""
_LATEST_START = 1.5
"""Seconds before the deadline after which none is begun any more."""
_AT_ONCE = 4
"""Many jobs may be stopped together, and their deadlines are not to find the machine busy with this."""
LARGEST_OUTPUT = 1_000_000
_MOST_THREADS = 100
"""Of more than these the keeper does not read what each does: it has other things to do."""


class _Wish:
    """A process that is to be looked at, and what to do with what is seen."""

    __slots__ = ("inner", "pid", "program", "start", "until", "write")

    def __init__(self, program: str, process: dict[str, Any], until: int, write: Callable[..., None]) -> None:
        self.program = program
        self.pid: int = process["pid"]
        self.inner: int = process["inner"]
        self.start: int = process["start"]
        self.until = until
        self.write = write

    def tell(self, threads: list[dict[str, Any]], error: str | None) -> None:
        self.write(pid=self.pid, inner=self.inner, threads=threads, error=error)

    def still_means_it(self) -> bool:
        try:
            return procfs.read_stat(self.pid).start == self.start
        except OSError:
            return False


class _Spy:
    """A py-spy that runs."""

    __slots__ = ("errors", "given_up", "output", "pid", "wish")

    def __init__(self, wish: _Wish) -> None:
        self.wish = wish
        self.given_up = False
        self.output = self.errors = -1
        try:
            self.output = os.memfd_create("stacks")
            self.errors = os.memfd_create("stacks-errors")
            keeper = os.getpid()
            self.pid, pidfd = clone()
            if self.pid == 0:
                self._become(keeper)
            os.close(pidfd)
        except OSError:
            self.close()
            raise

    def _become(self, keeper: int) -> NoReturn:
        """In the child. Never returns to the keeper's code."""
        try:
            os.setsid()
            null = os.open("/dev/null", os.O_RDONLY)
            for number, fd in enumerate((null, self.output, self.errors)):
                os.dup2(fd, number)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_OUTPUT, LARGEST_OUTPUT))
            prctl.die_with_parent(signal.SIGKILL)
            if os.getppid() == keeper:
                program = self.wish.program
                os.execve(program, [program, "dump", "--nonblocking", "--json", "--pid", str(self.wish.pid)], {})
        except BaseException as error:  # as in child.become()
            os.write(2, str(error).encode(errors="replace"))
        finally:
            os._exit(127)

    def kill(self) -> None:
        """It and what it may have forked. It has not been waited for, so its pid means nobody else."""
        for kill in (os.kill, os.killpg):
            with contextlib.suppress(ProcessLookupError):  # before it has a session of its own, there is no such group
                kill(self.pid, signal.SIGKILL)

    def seen(self, status: int) -> tuple[list[dict[str, Any]], str | None]:
        """What it has told, now that it has ended with this wait status."""
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXFSZ:
            return [], f"py-spy said more than {LARGEST_OUTPUT // 1000} kB"
        if status != 0:
            return [], dumps.reason(os.pread(self.errors, 4096, 0))
        pid, inner = self.wish.pid, self.wish.inner
        running = None if pid == inner else procfs.running_threads(pid, _MOST_THREADS)
        try:
            return dumps.threads(os.pread(self.output, LARGEST_OUTPUT, 0), {pid, inner}, running), None
        except ValueError:
            return [], "what py-spy said cannot be read"

    def close(self) -> None:
        for fd in (self.output, self.errors):
            if fd >= 0:
                os.close(fd)


class Stacks:
    """The py-spies of one keeper, a few at a time. A pid is `in` it if it is one of theirs, and so no job's orphan."""

    __slots__ = ("_loop", "_running", "_waiting")

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._running: dict[int, _Spy] = {}
        self._waiting: list[_Wish] = []

    def take(
        self, program: str, main: int, processes: list[dict[str, Any]], deadline: int, write: Callable[..., None]
    ) -> None:
        """Look at the Python program among these processes of a job, `main` first of all.

        `write` is called with the members of the fact, at once or later. `deadline`: when the job will be killed.
        """
        target = dumps.target(main, processes)
        if target is not None:
            self._waiting.append(_Wish(program, target, deadline - round(_LATEST_START * 1e9), write))
            self._start_waiting()

    def _start_waiting(self) -> None:
        while self._waiting and len(self._running) < _AT_ONCE:
            wish = self._waiting.pop(0)
            if clock.monotonic_ns() > wish.until:
                wish.tell([], "too many programs were to be looked at")
            elif wish.still_means_it():
                self._start(wish)

    def _start(self, wish: _Wish) -> None:
        try:
            spy = _Spy(wish)
        except OSError as error:
            wish.tell([], f"py-spy could not be started: {error.strerror}")
            return
        self._running[spy.pid] = spy
        self._loop.deadlines.after(GIVEN_UP_AFTER, lambda: self._give_up(spy))

    def _give_up(self, spy: _Spy) -> None:
        if self._running.get(spy.pid) is spy:
            spy.given_up = True
            spy.kill()
            spy.wish.tell([], f"py-spy was given up after {GIVEN_UP_AFTER:g} s")

    def wait_for(self, pid: int) -> bool:
        """Wait for a child of the keeper that has ended, if it is one of these; False if it is not."""
        spy = self._running.get(pid)
        if spy is None:
            return False
        spy.kill()  # what it has left
        _, status = os.waitpid(pid, 0)
        del self._running[pid]
        if not spy.given_up:
            spy.wish.tell(*spy.seen(status))
        spy.close()
        self._start_waiting()
        return True

    def __contains__(self, pid: int) -> bool:
        if not self._running:
            return False
        try:
            return os.getsid(pid) in self._running or pid in self._running
        except ProcessLookupError:
            return False

    def close(self) -> None:
        """The keeper leaves."""
        for spy in self._running.values():
            spy.kill()
