"""What goes over the keeper's socket: one JSON object a line.

    order     {"id": 7, "order": "stop", ...}        from the supervisor; may be repeated
    answer    {"id": 7, "result": {...}}             or {"id": 7, "error": {"kind": "...", "text": "..."}}
    wake-up   {"grown": ["training/a"]}              these journals have grown: facts never come over the socket
              {"logged": ["training/a"]}             these logs have grown; only of jobs that are followed

Orders and their members:

    own       pid, start, policy                     I am the supervisor now; see `Policy`
    isolation wanted (name or null)                  -> {"isolation": name}
    launch    job, attempt, argv, environment, working_directory, folder, isolation, grace, mounts, memory,
              watched, temporary, stacks (path of py-spy, or null)
    stop      stops: [{job, attempt, grace, cause}]
    kill      jobs, why
    look      job
    follow    job, on
    forget    job
    bury      job, folder
    close                                            kill everything, answer when nothing is left, and leave
"""

from __future__ import annotations

import json
import os
import socket
from enum import Enum, unique

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SOCKET = "keeper.sock"
MARK = "RUNNER_MARK"
"""The variable by which a process is known to be a job's: `<data directory>:<job>:<attempt>`, and after a semicolon
that of the job in which the keeper itself runs, if it does."""
TITLE = "runner-keeper"
LARGEST_LINE = 16 * 1024 * 1024
UNKILLABLE_AFTER = 10.0
"""Seconds after a SIGKILL without effect at which a job is called unkillable, as Docker waits."""


@unique
class Policy(Enum):
    """What the keeper does when its owner has ended."""

    PRIVATE = "private"
    """Kill every job, remove the data directory (unless something could not be uploaded), leave."""
    NAMED = "named"
    """Stop every job with its grace, then leave."""
    SERVE = "serve"
    """Everything goes on and waits for the next supervisor; leave only if there is nothing to keep."""


def bears(marks: str | None, mark: str) -> bool:
    """Whether a value of `MARK` has this mark in it."""
    return marks is not None and f";{mark};" in f";{marks};"


class Lines:
    """Cuts a stream of bytes into JSON objects."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """The objects that are complete now. Raises ValueError for what is not a JSON object, or too long."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LARGEST_LINE:
            raise ValueError(f"a line of more than {LARGEST_LINE} bytes")
        objects = [json.loads(line) for line in lines]
        if not all(isinstance(thing, dict) for thing in objects):
            raise ValueError("a line that is not a JSON object")
        return objects


def encode(message: dict[str, Any]) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def listen(folder: str, name: str = SOCKET) -> socket.socket:
    """A listening socket in a folder, however long the folder's path is: an address holds 107 bytes (unix(7))."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        _at(folder, name, listener.bind)
        listener.listen(64)
    except BaseException:
        listener.close()
        raise
    return listener


def connect(folder: str, name: str = SOCKET) -> socket.socket:
    """Raises FileNotFoundError without a socket there, ConnectionRefusedError if nobody listens any more."""
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _at(folder, name, peer.connect)
    except BaseException:
        peer.close()
        raise
    return peer


def _at(folder: str, name: str, act: Any) -> None:
    fd = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        act(f"/proc/self/fd/{fd}/{name}")
    finally:
        os.close(fd)
