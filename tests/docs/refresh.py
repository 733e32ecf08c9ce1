"""Puts the real output into markdown files: `python -m tests.docs.refresh README.md docs/check.md`.

The text blocks below `<!-- output: … -->` get what the console blocks before them print here and now. Those of a client
that `make clients` installs need that to have been done.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.docs.blocks import Shown, replaced, run_commands, shown
from tests.docs.served import Session


def refresh(page: Path) -> None:
    """Run what the page shows, and write down what it printed."""
    text = page.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as parent, Session(made(Path(parent, "home"))) as session:
        for number in range(len(shown(text))):
            # Parsed again for each: another output above moves all that comes behind it.
            found = shown(text)[number]
            print(f"{page}: {found.output.name}", flush=True)
            text = replaced(text, found.output, run(found, Path(parent, f"empty-{number}"), session))
    page.write_text(text, encoding="utf-8")


def run(one: Shown, folder: Path, session: Session) -> str:
    """What it prints, in a new folder or in the session of the page."""
    return run_commands(one, made(folder)) if one.served is None else session.run(one)


def made(folder: Path) -> Path:
    """A new folder."""
    folder.mkdir()
    return folder


if __name__ == "__main__":
    for name in sys.argv[1:]:
        refresh(Path(name))
