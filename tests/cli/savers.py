"""Shell programs that save when they are stopped, and go on from it, or do not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_LOOP = "echo ready; while :; do n=$((n+1)); sleep 0.02; done"
_FOLDER = "c=${1:-$SM_CHECKPOINT_DIR}/step; n=0"
_GO_ON = 'if [ -f "$c" ]; then n=$(cat "$c"); echo "resumed at $n"; fi'
_SAVE = 'trap \'echo $n > "$c.tmp"; mv "$c.tmp" "$c"; echo saved $n; exit 0\' TERM'

_SCRIPTS = {
    "goes-on": (_FOLDER, _SAVE, _GO_ON, _LOOP),
    "forgets": (_FOLDER, _SAVE, _LOOP),
    "saves-nothing": ("trap 'exit 0' TERM", _LOOP),
    "saves-junk": (_FOLDER, "trap 'head -c 9 /dev/zero > \"$c\"; exit 0' TERM", _LOOP),
    "breaks-on-it": (_FOLDER, _SAVE, 'if [ -f "$c" ]; then echo "cannot read it"; exit 3; fi', _LOOP),
    "hangs-on-it": (_FOLDER, _SAVE, 'if [ -f "$c" ]; then sleep 1000; fi', _LOOP),
    "gone": (_FOLDER, _SAVE, 'rm -rf "$PWD"', _LOOP),
}


def saver(name: str, folder: Path | None = None) -> Sequence[str]:
    """The command; it saves in `folder`, else in its own `/opt/ml/checkpoints`."""
    return ["sh", "-c", "; ".join(_SCRIPTS[name]), "sh", *([str(folder)] if folder else [])]
