"""Puts the real output into markdown files: `python -m tests.docs.refresh README.md docs/check.md`.

The text blocks below `<!-- output: … -->` get what the console blocks before them print here and now.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.docs.blocks import replaced, run_commands, shown


def refresh(page: Path) -> None:
    """Run what the page shows, and write down what it printed."""
    text = page.read_text(encoding="utf-8")
    for number in range(len(shown(text))):
        # Parsed again for each: another output above moves all that comes behind it.
        found = shown(text)[number]
        print(f"{page}: {found.output.name}", flush=True)
        with tempfile.TemporaryDirectory() as parent:
            folder = Path(parent, "empty")
            folder.mkdir()
            text = replaced(text, found.output, run_commands(found, folder))
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        refresh(Path(name))
