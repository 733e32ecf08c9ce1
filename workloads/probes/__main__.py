"""Runs one probe: see the package's docstring."""

from __future__ import annotations

import os
import sys

if not __package__:
    # Executed as a folder, by `python -I -S FOLDER`: nothing but the folder itself is on the path.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from workloads.probes import ends, outputs, signals, trees

PROBES = signals.PROBES | ends.PROBES | trees.PROBES | outputs.PROBES


def main(arguments: list[str]) -> int:
    """Exit code: 2 for a name that there is not, else the probe's own."""
    name, *rest = arguments or [""]
    if name not in PROBES:
        sys.stderr.write(f"no such probe: {name!r}. There are: {' '.join(PROBES)}\n")
        return 2
    PROBES[name](*rest)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
