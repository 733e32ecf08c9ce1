"""The two sizes in which a picture is drawn: one for a screen or paper, one for a telephone. In pixels."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Format:
    """One unit is a pixel where the picture has its natural size."""

    name: str
    width: float
    gutter: float
    """Room for names on the left; 0: names stand above their rows."""
    margin: float
    """Room on the right. In the wide one it is for what is said behind the end of a row."""
    size: float
    """Of names."""
    small: float
    """Of everything else."""
    row: float
    """Height of a row with its name above it, if it is there."""
    bar: float
    indent: float
    spacing: float
    """Room for a tick of the axis."""
    room: float
    """What the end of the job keeps free behind it before a break, for what is said there."""
    before: float
    """How much of the time before the stop is shown in the measure of the time after it, as a part of that."""

    @property
    def above(self) -> bool:
        return self.gutter == 0

    @property
    def left(self) -> float:
        return self.gutter or 4.0

    @property
    def right(self) -> float:
        return self.width - self.margin


WIDE = Format(
    "wide", 1000, gutter=312, margin=84, size=12, small=11, row=27, bar=15, indent=15, spacing=84, room=72, before=0.6
)
NARROW = Format(
    "narrow", 358, gutter=0, margin=8, size=12, small=11, row=38, bar=13, indent=10, spacing=58, room=12, before=0.4
)
DEEPEST = 6
"""Levels of the tree that are indented; deeper ones stand below the last of them."""
