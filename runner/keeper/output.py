"""A job's stdout and stderr: a FIFO that nobody's death breaks, moved to the log without passing through here.

A regular file would be wrong: `echo x > /dev/stderr` truncates it. A pipe breaks when its reader dies; a FIFO that
the job's own descriptor holds open for reading and writing does not.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct

from runner import clock
from runner.keeper.journal import wall_at

_A_TURN = 512 * 1024
_MARK_EVERY_NS = 10_000_000
_MARK_A_FLOOD_EVERY_NS = 20_000_000
"""Each turn of the keeper for a job costs it some 0.2 ms, whatever it moves: fifty in a second are 1 % of a core."""
_ROOM_FOR_A_FLOOD = 512 * 1024
"""Bytes. What a user's pipes may hold together is limited, as a rule to 64 MiB, and beyond it each new one is tiny
(pipe(7)). So only a job that floods gets more than the usual 64 KiB, and not as much as it might."""


class Output:
    """Moves bytes from the FIFO to the log, and marks when the log had which size (`backends.base.marks`)."""

    __slots__ = (
        "_fifo",
        "_log",
        "_marked",
        "_marks",
        "_splices",
        "_unwritten",
        "fd",
        "mark_every",
        "marked_at",
        "room",
        "size",
    )

    def __init__(self, folder: str) -> None:
        self._fifo = os.path.join(folder, "fifo")
        with contextlib.suppress(FileExistsError):
            os.mkfifo(self._fifo, 0o600)
        # Held open for writing too: when the job closes its stdout there is no end of file to spin on.
        self.fd = os.open(self._fifo, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self.room: int = fcntl.fcntl(self.fd, fcntl.F_GETPIPE_SZ)
        """Bytes that the FIFO holds."""
        # Not O_APPEND, which splice(2) refuses.
        self._log = os.open(os.path.join(folder, "log"), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.size = os.lseek(self._log, 0, os.SEEK_END)
        self._marks = os.open(
            os.path.join(folder, "marks"), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600
        )
        self._marked = self.size
        self.mark_every = _MARK_EVERY_NS
        """ns between two marks, at least: longer once a flood has been given its room."""
        self.marked_at = 0
        self._splices = True
        self._unwritten = b""
        """Read, but refused by a full disk."""

    def job_end(self) -> int:
        """A descriptor for the job's stdout and stderr: one of its own, so that the job may set it to what it likes."""
        return os.open(self._fifo, os.O_RDWR | os.O_CLOEXEC)

    def move(self) -> int:
        """Move what is there, a bounded amount: how many bytes. Raises OSError if the log cannot be written."""
        try:
            moved = self._move()
        except BlockingIOError:
            return 0
        self.size += moved
        if moved > self.room // 2 and self.room < _ROOM_FOR_A_FLOOD:
            self._make_room()
        return moved

    def _make_room(self) -> None:
        try:
            self.room = fcntl.fcntl(self.fd, fcntl.F_SETPIPE_SZ, _ROOM_FOR_A_FLOOD)
        except OSError:
            return  # this user has no more to give: it stays as it is, and the keeper comes more often
        self.mark_every = _MARK_A_FLOOD_EVERY_NS

    def _move(self) -> int:
        if self._splices:
            try:
                return os.splice(self.fd, self._log, _A_TURN, flags=os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK)
            except OSError as error:
                # Some file systems (FUSE, 9p) cannot be spliced to.
                if error.errno != errno.EINVAL:
                    raise
                self._splices = False
        if not self._unwritten:
            self._unwritten = os.read(self.fd, _A_TURN)
        written = os.write(self._log, self._unwritten)
        self._unwritten = self._unwritten[written:]
        return written

    def mark(self) -> int | None:
        """Mark the log's size now, at most once in `mark_every`: the instant at which to come back, or None."""
        if self._marked == self.size:
            return None
        now = clock.monotonic_ns()
        if now < self.marked_at + self.mark_every:
            return self.marked_at + self.mark_every
        self._write_mark(now)
        return None

    def _write_mark(self, now: int) -> None:
        self.marked_at = now
        self._marked = self.size
        with contextlib.suppress(OSError):  # a full disk: the lines take the time of the next mark
            os.write(self._marks, struct.pack("<qq", wall_at(now), self.size))

    def drain(self) -> None:
        """Move all that is left. Nobody writes any more."""
        try:
            while self.move():
                pass
        except OSError:
            pass  # the log cannot be written; the journal's last fact says how far it came
        if self._marked != self.size:
            self._write_mark(clock.monotonic_ns())

    def close(self) -> None:
        """Close everything and remove the FIFO."""
        for fd in (self.fd, self._log, self._marks):
            if fd >= 0:
                os.close(fd)
        self.fd = self._log = self._marks = -1
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._fifo)
