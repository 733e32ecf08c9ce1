"""Tables and headings of a markdown file, and the names that they document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.docs.blocks import ROOT

DOCS = ROOT / "docs"
_CODE = re.compile(r"`([^`]+)`")
_RULE = re.compile(r"\|[-| ]+\|")


class Section(NamedTuple):
    """What stands between a heading and the next one of any level."""

    heading: str
    """Without its marks; code in it as it is."""
    lines: list[str]


def sections(page: Path) -> list[Section]:
    """The sections of a page, without what is in fenced blocks."""
    found = [Section("", [])]
    fenced = False
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif not fenced and line.startswith("#"):
            found.append(Section(line.lstrip("#").strip(), []))
        elif not fenced:
            found[-1].lines.append(line)
    return found


def section(page: str, heading: str) -> Section:
    """The only section of `docs/PAGE` with this heading."""
    (found,) = (one for one in sections(DOCS / page) if one.heading == heading)
    return found


def tables(of: Section) -> Iterator[list[list[str]]]:
    """The tables of a section: rows of cells, the head first."""
    rows: list[list[str]] = []
    for line in [*of.lines, ""]:
        if line.startswith("|"):
            if not _RULE.fullmatch(line):
                rows.append([cell.strip() for cell in line.strip("|").split(" |")])
        elif rows:
            yield rows
            rows = []


def table(page: str, heading: str, head: str) -> list[list[str]]:
    """The rows, without the head, of the only table of a section whose first column has this head."""
    (found,) = (rows for rows in tables(section(page, heading)) if rows[0][0] == head)
    return found[1:]


def names(page: str, heading: str, head: str) -> list[str]:
    """The names that the first column of such a table documents."""
    return [name for row in table(page, heading, head) for name in code(row[0])]


def code(text: str) -> list[str]:
    """What is set as code in a line."""
    return _CODE.findall(text)
