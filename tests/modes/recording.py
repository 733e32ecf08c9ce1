"""What a program of a mode has left in its journal and its log, kept to be judged again."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from tests.modes.programs import Program
from tests.modes.running import Seen

ROOT = Path(__file__).parent.parent.parent


def record(program: Program, isolation: str, seen: Seen, folder: Path, own: Path) -> None:
    """Write it to FOLDER/recorded, without the paths of this machine."""
    if not seen.facts:
        return
    kept = {
        "program": program.name,
        "isolation": isolation,
        "codes": list(seen.codes),
        "verdict": seen.verdict,
        "facts": list(seen.facts),
        "log": [[line.wall, line.text] for line in seen.log],
    }
    text = json.dumps(kept, separators=(",", ":"))
    own_names = ((own, "/tmp/test"), (program.folder, "/project"), (Path(sys.executable).parent, "/usr/bin"))
    for path, name in (*own_names, (Path(sys.base_prefix), "/usr"), (ROOT, "/project"), (Path.home(), "/home/user")):
        text = text.replace(str(path), name)
    text = re.sub(r"/[^\"]*?/(runner-[a-z0-9_]{8})", r"/tmp/\1", text)
    (folder / "recorded").mkdir(exist_ok=True)
    (folder / "recorded" / f"{program.name}-{isolation}.json").write_text(text + "\n")
