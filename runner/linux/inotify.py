"""inotify(7): what happens to the entries of folders, as the kernel tells it to who may read them."""

from __future__ import annotations

import contextlib
import os
import struct

from runner.linux import libc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Event = tuple[int, int, int, bytes]
    """Watch, bits, cookie (it joins the two halves of a rename), and name of the entry; empty: the folder itself."""

MODIFY = 0x2
CLOSE_WRITE = 0x8
CLOSE_NOWRITE = 0x10
OPEN = 0x20
MOVED_FROM = 0x40
MOVED_TO = 0x80
CREATE = 0x100
DELETE = 0x200
MOVE_SELF = 0x800
OVERFLOW = 0x4000
"""Of no watch: events were lost, because more were waiting than fs.inotify.max_queued_events."""
IGNORED = 0x8000
"""The watch is no more: it was removed, or what it watched was."""
OF_FOLDER = 0x4000_0000

ONLY_FOLDERS = 0x0100_0000
DO_NOT_FOLLOW = 0x0200_0000
NOT_OF_REMOVED = 0x0400_0000
"""Nothing more of an entry that was removed while a program has it open."""

_HEAD = struct.Struct("iIII")
_LENGTH = struct.Struct("I")
LARGEST_EVENT = _HEAD.size + 256


class Inotify:
    """A queue of events, in the order in which they happened.

    An event that is the same as the last one that waits is not put in again: a program that writes to one file and is
    left alone for a while is one event. Raises OSError (EMFILE) if this user has too many queues.
    """

    __slots__ = ("fd",)

    def __init__(self) -> None:
        self.fd = libc.call("inotify_init1", os.O_NONBLOCK | os.O_CLOEXEC)

    def add(self, folder: bytes, events: int) -> int:
        """Watch a folder: the number of its watch, the same one again if it is watched already.

        Raises OSError; ENOSPC if this user has too many watches.
        """
        return libc.call("inotify_add_watch", self.fd, folder, events)

    def remove(self, watch: int) -> None:
        """Watch no more. Does nothing for one that is no more, and an `IGNORED` comes for one that was."""
        with contextlib.suppress(OSError):
            libc.call("inotify_rm_watch", self.fd, watch)

    def read(self, size: int) -> bytes:
        """What waits, whole events only, up to `size` bytes; nothing if nothing waits."""
        try:
            return os.read(self.fd, size)
        except BlockingIOError:
            return b""


def parse(raw: bytes) -> Iterator[Event]:
    """The events of what was read; a write that comes again before anything but writes has happened, only once.

    The kernel joins only what is the same as the last event, so that a program that writes to two files in turn leaves
    an event for each of its writes.
    """
    at, end = 0, len(raw)
    writes: set[bytes] = set()
    length_of, head = _LENGTH.unpack_from, _HEAD.size
    while at < end:
        (length,) = length_of(raw, at + head - _LENGTH.size)
        event = raw[at : at + head + length]
        at += head + length
        if event in writes:
            continue
        watch, bits, cookie, _ = _HEAD.unpack_from(event)
        if bits == MODIFY:
            writes.add(event)
        else:
            writes.clear()
        yield watch, bits, cookie, event[head:].rstrip(b"\0")
