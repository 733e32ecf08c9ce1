"""The programs of the twenty failure modes: written from the mode's sentence alone, by who had not seen a rule."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = Path(__file__).parent / "programs"
PATH = f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}"
"""`python` is this interpreter."""

MODES: dict[int, tuple[str, tuple[str, ...]]] = {
    1: ("graceful", ("graceful",)),
    2: ("no handler, behind an init program: it dies at once, nothing saved", ("no-handler",)),
    3: ("no handler, PID 1: the signal is dropped", ("no-handler-pid1",)),
    4: ("SIGTERM ignored, or blocked for good", ("ignored", "blocked")),
    5: ("a wrapper swallows it", ("wrapper-swallowed",)),
    6: ("the wrapper dies, and the program with it", ("wrapper-died",)),
    7: ("a shell's trap waits for the command in its foreground", ("trap-deferred",)),
    8: ("a wrapper ends before the program is done: the save is cut off", ("save-cut-off",)),
    9: ("the handler runs, but does not stop the program", ("handler-did-not-stop",)),
    10: ("the handler cannot run: one long native call", ("handler-could-not-run",)),
    11: ("the save is too slow for the grace", ("save-too-slow",)),
    12: ("something between has a shorter grace", ("grace-shortened",)),
    13: ("it leaves quickly without saving", ("nothing-saved",)),
    14: ("the handler crashes", ("handler-crashed",)),
    15: ("the signal comes before the handler", ("too-early",)),
    16: ("children or temporary files are left", ("left-overs",)),
    17: ("a periodic checkpoint is mistaken for a final one", ("periodic-checkpoint",)),
    18: ("the checkpoint is not atomic", ("checkpoint-corrupt",)),
    19: ("the job finishes as if nothing had happened", ("finished-anyway",)),
    20: ("it does not resume", ("did-not-resume",)),
}
"""What each is, and which main finding is right for it."""
DIFFERS_IN_PLAIN = {"01-bash-exit-trap": "emulation-missed"}
"""bash runs an EXIT trap at SIGTERM and then raises the signal again: no PID 1 can end by that, so it is undecided."""
NOT_SEEN = {"18-c-mmap": "no-handler-pid1"}
"""inotify(7) does not tell of what is written through a mapping: that the file was half overwritten is not seen."""
WELL_BEHAVED = (1, 16)
"""Modes whose verdict is graceful."""


@dataclass(frozen=True)
class Program:
    """One program, in a folder of its own."""

    name: str
    mode: int
    command: Sequence[str]
    stop_at: str
    grace: float
    language: str
    about: str
    compiles: Sequence[tuple[str, str]]

    @property
    def folder(self) -> Path:
        return PROGRAMS / self.name

    def expected(self, isolation: str) -> tuple[str, ...]:
        """Main findings that are right."""
        if isolation == "plain" and self.name in DIFFERS_IN_PLAIN:
            return (DIFFERS_IN_PLAIN[self.name],)
        return (NOT_SEEN[self.name],) if self.name in NOT_SEEN else MODES[self.mode][1]

    def verdict(self, isolation: str) -> str:
        """The verdict that is right."""
        if "emulation-missed" in self.expected(isolation):
            return "undecided"
        return "graceful" if self.mode in WELL_BEHAVED else "not-graceful"

    def needs(self) -> str | None:
        """A command that this machine does not have."""
        own = {output for _, output in self.compiles}
        wanted = [word for word in ("gcc" if self.compiles else "", self.command[0]) if word and word not in own]
        return next((word for word in wanted if shutil.which(word, path=PATH) is None), None)

    def build(self, scratch: Path) -> dict[str, str]:
        """Compile what has to be; the environment that finds it."""
        scratch.mkdir(parents=True, exist_ok=True)
        for source, output in self.compiles:
            subprocess.run(
                ["gcc", "-O1", "-o", scratch / output, self.folder / source, "-lpthread"], check=True, timeout=60
            )
        return {"PATH": f"{scratch}:{PATH}"}


def programs() -> list[Program]:
    """All of them, in the order of their modes."""
    return [_read(path) for path in sorted(PROGRAMS.glob("*/program.json"))]


def _read(path: Path) -> Program:
    about = json.loads(path.read_text())
    return Program(
        name=path.parent.name,
        mode=about["mode"],
        command=about["command"],
        stop_at=about["stop_at"],
        grace=about["grace"],
        language=about["language"],
        about=about["about"],
        compiles=[(source, output) for source, output in about.get("compile", ())],
    )
