"""Where a Python program was shortly before its deadline."""

from __future__ import annotations

from typing import NamedTuple


class Frame(NamedTuple):
    function: str
    file: str
    line: int | None


class Stack(NamedTuple):
    """One thread of one process."""

    pid: int
    inner: int
    thread: str
    main: bool
    active: bool
    """It was running, not waiting."""
    frames: tuple[Frame, ...]
    """The innermost first."""


def place(stack: Stack) -> str:
    """`DataLoader.__next__ (dataloader.py:701)`: the innermost frame. Empty without one."""
    if not stack.frames:
        return ""
    frame = stack.frames[0]
    where = frame.file.rpartition("/")[2]
    return f"{frame.function} ({where}{'' if frame.line is None else f':{frame.line}'})"
