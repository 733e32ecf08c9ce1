"""`make modes`: every program of the twenty failure modes in both isolations, and what was found as a table.

`python -m tests.tools.modes` compares the table with docs/modes-table.md, row by row; `--write` writes it, and keeps
three journals of each mode in tests/diagnosis/recorded.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.modes.programs import DIFFERS_IN_PLAIN, MODES, NOT_SEEN, programs

ROOT = Path(__file__).parent.parent.parent
TABLE = ROOT / "docs" / "modes-table.md"
RECORDED = ROOT / "tests" / "diagnosis" / "recorded"
WORKERS = 4
_A_MODE = 3

_HEAD = """# The twenty failure modes, as they are found

Each program was written from the mode's sentence alone, by somebody who had not seen the rules. `make modes` runs all
of them in both isolations and compares what it finds with this table, row by row. The main finding of each run:

| mode | program | language | `pid1` | `plain` |
|---|---|---|---|---|
"""


def run(folder: Path) -> int:
    """All programs; pytest's exit code."""
    options = ["-q", "-n", str(WORKERS), "--modes", str(folder), "-p", "no:cacheprovider"]
    return subprocess.run([sys.executable, "-m", "pytest", "tests/modes", *options], cwd=ROOT).returncode


def rows(folder: Path) -> Iterator[str]:
    """The table's rows."""
    for program in programs():
        found = [_main(folder / f"{program.name}-{isolation}.json") for isolation in ("pid1", "plain")]
        mode = f"{program.mode}: {MODES[program.mode][0]}"
        yield f"| {mode} | {program.name.partition('-')[2]} | {program.language} | {found[0]} | {found[1]} |"


EXCEPTIONS = (
    (DIFFERS_IN_PLAIN, " in `plain`", "bash runs its EXIT trap, then raises the signal again: no PID 1 ends by that."),
    (
        NOT_SEEN,
        "",
        "What is written through a mapping inotify(7) does not tell: the half overwritten file is not seen.",
    ),
)


def notes() -> str:
    """What is not as the mode's sentence would have it."""
    listed = [
        f"- `{name}`{where}: `{code}`. {why}\n" for table, where, why in EXCEPTIONS for name, code in table.items()
    ]
    return "\n## Exceptions\n\n" + "".join(listed)


def _main(path: Path) -> str:
    return f"`{json.loads(path.read_text())['codes'][0]}`" if path.exists() else "not run"


def keep(folder: Path) -> None:
    """Three journals of each mode, of different programs."""
    shutil.rmtree(RECORDED, ignore_errors=True)
    RECORDED.mkdir()
    for mode in MODES:
        own = [program for program in programs() if program.mode == mode]
        for number, program in enumerate(own[:_A_MODE]):
            isolation = "plain" if number == _A_MODE - 1 else "pid1"
            path = folder / "recorded" / f"{program.name}-{isolation}.json"
            if path.exists():
                shutil.copy(path, RECORDED / path.name)


def main(*arguments: str) -> int:
    with tempfile.TemporaryDirectory(prefix="modes-") as name:
        folder = Path(name)
        code = run(folder)
        table = _HEAD + "\n".join(rows(folder)) + "\n" + notes()
        if "--write" in arguments:
            TABLE.write_text(table)
            keep(folder)
        elif table != TABLE.read_text():
            kept = TABLE.read_text().splitlines()
            print("\n".join(f"differs: {line}" for line in table.splitlines() if line not in kept))
            return code or 1
        return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
