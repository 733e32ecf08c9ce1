"""What a job wrote in its model, checkpoint and output folders, and what became of it."""

from __future__ import annotations

import re
from typing import NamedTuple

_TEMPORARY = re.compile(
    r"(?:\.(?:tmp|temp|part|partial|incomplete|inprogress|unfinished|download|writing|new|swp)[\w-]*$)"
    r"|(?:^[._]?(?:tmp|temp)[._-]?\w*)|(?:[._-](?:tmp|temp|part|partial)(?:[._-]|$))|~$",
    re.IGNORECASE,
)
"""Names that programs give to what they are still writing."""

_LOG = re.compile(r"tfevents|\.(?:log|jsonl|csv|tsv|out|err)$", re.IGNORECASE)


class Folder(NamedTuple):
    """One that is watched."""

    role: str
    path: str
    asked: bool
    """Whoever ran the job named it."""


class Writer(NamedTuple):
    pid: int
    inner: int
    name: str


class Save(NamedTuple):
    """One file that was written, from its opening to its closing."""

    path: str
    role: str
    how: str
    begun: int | None
    """ns of CLOCK_MONOTONIC, as all instants."""
    done: int | None
    """None: it was open."""
    size: int | None
    became: str
    to: str | None
    writer: Writer | None
    changed: int | None = None
    """When it was last seen to be written to."""
    pieces: int = 1
    """It was opened and closed so often, to be appended to."""

    @property
    def final(self) -> str:
        """Its path at the end."""
        return self.to or self.path

    @property
    def in_place(self) -> bool:
        """What was there before is lost as soon as it begins."""
        return self.how == "overwritten"

    @property
    def is_log(self) -> bool:
        """By its name it is written line by line, from the beginning of the program to its end."""
        return _LOG.search(self.final) is not None

    @property
    def is_temporary(self) -> bool:
        """By its name it is not meant to stay."""
        return any(_TEMPORARY.search(part) for part in self.final.rsplit("/", 2)[-2:])

    @property
    def complete(self) -> bool:
        """Closed, still there, and under a name that is meant to stay."""
        return self.done is not None and self.became != "removed" and not self.is_temporary

    @property
    def key(self) -> tuple[str, int | None]:
        """The same save in two facts."""
        return (self.path, self.begun)


class Files(NamedTuple):
    """What was known at one moment, of all since the launch; the lists have the latest ones."""

    saved: int = 0
    size: int = 0
    """Bytes of all that was saved."""
    saves: tuple[Save, ...] = ()
    open: tuple[Save, ...] = ()
    read: tuple[str, ...] = ()
    missed: bool = False


class Temporaries(NamedTuple):
    """What was left when nothing of the job ran any more."""

    paths: tuple[str, ...]
    how_many: int
    size: int
    shared_memory: tuple[str, ...] | None
    """None: not looked at."""


def amount(size: int | None) -> str:
    """A size for people: `1.2 MB`."""
    if size is None:
        return "an unknown number of bytes"
    for unit, bytes_of in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= bytes_of:
            return f"{size / bytes_of:.3g} {unit}"
    return "1 byte" if size == 1 else f"{size} bytes"
