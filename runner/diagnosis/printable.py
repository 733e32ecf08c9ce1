"""Text that came from programs, made safe to show: names, commands and reasons may contain anything but NUL."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

_BYTE = 0xDC00
"""Python reads a byte that is not UTF-8 as this plus the byte (PEP 383, `surrogateescape`)."""


def printable(text: str) -> str:
    """`text` with everything that a terminal could obey, or that cannot be encoded, as a visible escape."""
    return text if text.isprintable() else "".join(_visible(character) for character in text)


def clipped(text: str, length: int) -> str:
    """`printable(text)`, at most `length` characters of it."""
    shown = printable(text)
    return shown if len(shown) <= length else shown[: max(length - 3, 0)] + "..."


def lines_of(text: str) -> list[str]:
    """The lines of a text of several lines, each of them printable."""
    return [printable(line) for line in text.replace("\t", "    ").split("\n")]


def quoted(word: str) -> str:
    """`word` as one word of a shell command. Control characters but line ends and tabs need bash's `$'…'`."""
    if all(character.isprintable() or character in "\n\t" for character in word):
        return shlex.quote(word)
    return "$'" + "".join(_visible(c) if c not in "\\'" else "\\" + c for c in word) + "'"


def command_line(argv: Sequence[str]) -> str:
    """`argv` as it would be typed."""
    return " ".join(quoted(word) for word in argv)


def seconds(amount: float) -> str:
    """A duration for people: three digits, and whole seconds from a minute on."""
    if 0 < amount < 0.001:
        return "less than 1 ms"
    return f"{amount:.0f} s" if amount >= 60 else f"{round(amount, 3):.3g} s"


def _visible(character: str) -> str:
    if character.isprintable():
        return character
    number = ord(character)
    if _BYTE + 0x80 <= number <= _BYTE + 0xFF:
        return f"\\x{number - _BYTE:02x}"
    return character.encode("unicode_escape").decode("ascii")
