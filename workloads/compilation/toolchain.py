"""From the model to one shared library: the generator, several C compilers at once, the linker."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from workloads.compilation.failures import BadInput, MachineFault
from workloads.compilation.source import ModelFile
from workloads.compilation.stopping import Belongings

COMPILERS: Final = ("gcc", "cc", "clang")
GENERATOR: Final = Path(__file__).with_name("generate.py")
LIBRARY: Final = "compiled.so"


def find_compiler(environment: Mapping[str, str]) -> str:
    """The C compiler's path. Raises MachineFault if there is none."""
    asked = environment.get("CC")
    for name in (asked,) if asked else COMPILERS:
        if found := shutil.which(name, path=environment.get("PATH", "")):
            return found
    rule = f"CC={asked} is not on PATH" if asked else f"none of {', '.join(COMPILERS)} is on PATH"
    raise MachineFault(f"there is no C compiler: {rule}; install gcc, or name one in CC")


class Generated(NamedTuple):
    """A model as C."""

    sources: Sequence[Path]
    facts: Mapping[str, Any]
    """What treelite knows of the model: `num_feature`, `num_target`, `num_class`, …"""


class Compiled(NamedTuple):
    """One C file is done."""

    source: Path
    seconds: float


@dataclass(frozen=True)
class Toolchain:
    """Runs everything in `work` with `work` as TMPDIR: a compiler that is killed leaves its `cc*.s` there."""

    belongings: Belongings
    compiler: str
    work: Path
    jobs: int
    opt_level: str

    def generate(self, model: ModelFile) -> Generated:
        """Raises BadInput for a model that cannot be read, MachineFault where a library is missing.

        The generator's standard error goes to the log only if it fails: tl2cgen has an older treelite inside, whose
        native code warns there of each model; this pair of versions is pinned, and tests compare its predictions.
        """
        folder, result = self.work / "c", self.work / "generated.json"
        kind = f"{model.path.name} is not a {model.framework.value} model"
        arguments = (model.path, model.framework.value, folder, result)
        command = [sys.executable, "-P", str(GENERATOR), *map(str, arguments)]
        with (self.work / "generator.log").open("w+b") as log:
            status = self._run(command, self.work, log)
            if status:
                log.seek(0)
                os.write(2, log.read())
        if not result.exists():
            raise BadInput(f"{kind}: its reader {_ended(status)}")
        facts = json.loads(result.read_text(encoding="utf-8"))
        if "missing" in facts:
            raise MachineFault(f"the library {facts['missing']} is not installed: pip install 'grace-runner[trees]'")
        if "unreadable" in facts:
            raise BadInput(f"{kind}: {facts['unreadable']}")
        return Generated(sorted(folder.glob("*.c"), key=_by_number), facts)

    def compile(self, sources: Sequence[Path]) -> Iterator[Compiled]:
        """Each C file as it is done, at most `jobs` compilers at once. Raises MachineFault if a compiler fails."""
        waiting = list(reversed(sources))
        running: dict[int, _Running] = {}
        while waiting or running:
            while waiting and len(running) < self.jobs:
                source = waiting.pop()
                running[self._start_compiler(source)] = _Running(source, time.monotonic())
            pid, status = self.belongings.wait()
            done = running.pop(pid)
            self._check(status, done.source.name)
            yield Compiled(done.source, time.monotonic() - done.since)

    def link(self, sources: Sequence[Path]) -> Path:
        """The shared library. Raises MachineFault if the linker fails."""
        library = self.work / LIBRARY
        objects = [source.with_suffix(".o").name for source in sources]
        command = [self.compiler, "-shared", "-s", "-o", str(library), *objects, "-lm"]
        self._check(self._run(command, sources[0].parent), LIBRARY)
        return library

    def _start_compiler(self, source: Path) -> int:
        command = [self.compiler, "-c", f"-O{self.opt_level}", "-std=c99", "-fPIC", source.name]
        return self._start([*command, "-o", source.with_suffix(".o").name], source.parent)

    def _run(self, command: Sequence[str], cwd: Path, errors: IO[bytes] | None = None) -> int:
        self._start(command, cwd, errors)
        return self.belongings.wait()[1]

    def _start(self, command: Sequence[str], cwd: Path, errors: IO[bytes] | None = None) -> int:
        try:
            return self.belongings.start(command, cwd, {**os.environ, "TMPDIR": str(self.work)}, errors)
        except OSError as error:
            raise MachineFault(f"{command[0]} could not be run: {error}") from error

    def _check(self, status: int, what: str) -> None:
        if status:
            raise MachineFault(f"{what} was not built: {self.compiler} {_ended(status)}")


class _Running(NamedTuple):
    source: Path
    since: float


def _by_number(path: Path) -> tuple[int, str]:
    """tu2.c before tu10.c."""
    digits = "".join(filter(str.isdigit, path.stem))
    return int(digits or 0), path.name


def _ended(status: int) -> str:
    return f"died of {signal.Signals(-status).name}" if status < 0 else f"ended with exit code {status}"
