"""The bad and the cured example of each mode, as the table of examples/modes/README.md says to try them."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.docs.blocks import ROOT
from tests.docs.tables import code, table

FOLDER = ROOT / "examples" / "modes"
PAGE = "../examples/modes/README.md"


@dataclass(frozen=True)
class Example:
    """A command of the table."""

    mode: int
    finding: str
    command: Sequence[str]
    stop_at: str
    grace: float
    resume: bool

    @property
    def name(self) -> str:
        """Such as `09-handler-did-not-stop/bad`."""
        program = Path(self.command[-1])
        return f"{program.parent.name}/{program.stem}"

    @property
    def folder(self) -> Path:
        """Where a reader is who tries it."""
        return ROOT

    def build(self, scratch: Path) -> dict[str, str]:
        """The environment of a reader, who has activated this interpreter's."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return {"PATH": path, "PYTHONDONTWRITEBYTECODE": "1"}


def bad() -> list[Example]:
    """All rows, in their order."""
    return [_read(*row) for row in table(PAGE, "The programs", "mode")]


def cured() -> list[Example]:
    """The same, cured; mode 1 is well as it is."""
    return [_cured(example) for example in bad() if example.mode != 1]


def _cured(example: Example) -> Example:
    command = [word.replace("/bad.", "/cured.") for word in example.command]
    return Example(example.mode, "graceful", command, example.stop_at, example.grace, example.resume)


def _read(mode: str, _about: str, finding: str, command: str) -> Example:
    words = shlex.split(code(command)[0])
    end = words.index("--")
    options = words[:end]
    return Example(
        mode=int(mode[1:3]),
        finding=code(finding)[0],
        command=words[end + 1 :],
        stop_at=options[options.index("--when-log") + 1],
        grace=float(options[options.index("--grace") + 1]),
        resume="--resume" in options,
    )
