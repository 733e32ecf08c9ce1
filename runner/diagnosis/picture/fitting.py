"""How much room a text takes, in a page whose fonts nobody knows: estimates from above, and labels that fit.

A picture has no layout of its own: what is too long must be shortened before it is drawn. Advance widths were
measured of DejaVu Sans and DejaVu Sans Mono, the widest of the usual system fonts.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from runner.diagnosis.printable import printable

ELLIPSIS = "…"
MONO = 0.603
"""Width of a character of a monospaced font, in units of its size."""
SANS = 0.64
"""The same on average of another font; single ones are wider, whole words hardly ever."""
_WIDE = 1.7
"""Cells of a character that East Asian fonts draw in a square."""


def cells(text: str) -> float:
    """How many Latin characters the text is as wide as."""
    return sum(_cells(character) for character in text)


def fit(text: str, room: float) -> str:
    """`text`, made printable, if it is at most `room` cells wide; else its beginning and an ellipsis."""
    shown = printable(text)
    if cells(shown) <= room:
        return shown
    kept, used = "", 1.0
    for character in shown:
        used += _cells(character)
        if used > room:
            break
        kept += character
    return kept.rstrip() + ELLIPSIS


def shorten(text: str, room: float) -> str:
    """As `fit`, but it is the middle that is left out: what tells two commands apart is often their last word."""
    shown = printable(text)
    if cells(shown) <= room:
        return shown
    end = fit(shown[::-1], room * 0.45)[::-1].lstrip(ELLIPSIS).lstrip()
    begin = fit(shown, room - cells(end))
    return begin + end


@dataclass(frozen=True)
class Label:
    """A text in a picture: where it stands, and the room that it takes at most."""

    x: float
    y: float
    """Of the line on which the letters stand."""
    text: str
    size: float = 12.0
    anchor: str = "start"
    """`start`, `middle` or `end`: which of its points `x` is."""
    mono: bool = False
    kind: str = "plain"
    """What it is, for its colour: a class of the style sheet."""

    @property
    def width(self) -> float:
        return cells(self.text) * self.size * (MONO if self.mono else SANS)

    @property
    def left(self) -> float:
        return self.x - {"start": 0.0, "middle": 0.5, "end": 1.0}[self.anchor] * self.width

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def top(self) -> float:
        return self.y - 0.8 * self.size

    @property
    def bottom(self) -> float:
        return self.y + 0.25 * self.size

    def meets(self, other: Label, gap: float = 0.0) -> bool:
        """The two overlap, or are nearer to each other than `gap`."""
        beside = self.right + gap <= other.left or other.right + gap <= self.left
        return not beside and self.top < other.bottom and other.top < self.bottom


def apart(labels: Iterable[Label], taken: Iterable[Label] = (), gap: float = 4.0) -> list[Label]:
    """The labels that find room, in their order: each that meets one before it, or one that is taken, is left out."""
    kept: list[Label] = []
    others = list(taken)
    for label in labels:
        if not any(label.meets(other, gap) for other in (*others, *kept)):
            kept.append(label)
    return kept


def _cells(character: str) -> float:
    if unicodedata.combining(character):
        return 0.0
    return _WIDE if unicodedata.east_asian_width(character) in "WF" or ord(character) > 0xFFFF else 1.0
