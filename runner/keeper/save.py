"""One file that a job writes, from when it was begun: what is known of it."""

from __future__ import annotations

import contextlib
import os

from runner.keeper.tree import RENAMED, THERE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.keeper.folders import Folder


class Save:
    """One file, from when it was begun; where it is now, as long as that is known."""

    __slots__ = (
        *("began_as", "begun", "done", "folder", "found", "how", "looks", "changed", "name", "opened", "role", "size"),
        *("_became", "_to", "writer"),
    )

    def __init__(self, folder: Folder, name: bytes, how: str, now: int) -> None:
        self.folder: Folder | None = folder
        self.name = name
        self.began_as = folder.seen() + b"/" + name
        self.role = folder.root.role
        self.how = how
        self.begun = now
        self.done: int | None = None
        self.size: int | None = None
        self.opened = False
        self.changed: int | None = None
        """When it was last seen to be written to."""
        self.found = False
        """It was there when its folder was looked through: nobody has told yet whether it is still being written."""
        self.writer: dict[str, Any] | None = None
        self.looks = 0
        """How often its writer was looked for in vain."""
        self._became = THERE
        self._to: bytes | None = None

    def host(self) -> bytes | None:
        """Its path, as this machine sees it; None if it is not known any more."""
        return None if self.folder is None else self.folder.host() + b"/" + self.name

    def status(self) -> os.stat_result | None:
        """What the kernel says of the file, without following links; None if it is not there."""
        path = self.host()
        with contextlib.suppress(OSError):
            return os.lstat(path) if path is not None else None
        return None

    def measure(self) -> int:
        """Its size, 0 if it is not there; kept as `size` if it is."""
        status = self.status()
        if status is None:
            return 0
        self.size = status.st_size
        return status.st_size

    def detach(self, became: str | None = None) -> None:
        """Its place is not followed any more; `became`: where it is no more, None: another save took it over."""
        self._became, self._to = self._fate() if became is None else (became, None)
        self.folder = None

    def _fate(self) -> tuple[str, bytes | None]:
        if self.folder is None:
            return self._became, self._to
        now = self.folder.seen() + b"/" + self.name
        return (THERE, None) if now == self.began_as else (RENAMED, now)

    def told(self, away: bool) -> dict[str, Any]:
        """As facts have it (`lifecycle.facts`); `away`: it was renamed, and nobody has heard to what."""
        became, to = (RENAMED, None) if away else self._fate()
        return {
            "path": os.fsdecode(self.began_as),
            "role": self.role,
            "how": self.how,
            "begun": self.begun,
            "done": self.done,
            "changed": self.changed,
            "size": self.size,
            "became": became,
            "to": None if to is None else os.fsdecode(to),
            "writer": self.writer,
        }
