"""The fenced blocks of a markdown file, and what they print when they are run.

    ```console            its `$ ` lines are run by bash, each after the other
    ```text               below a comment `<!-- output: name -->`: what the console block before it printed
    ```python             run as a program; the comment `<!-- prints: … -->` below it has what it prints
    ```LANGUAGE           below a comment `<!-- file: name -->`: a file that the console blocks after it find

A console or python block below a comment `<!-- served: client -->` talks to an endpoint, with that client; with the
client `runner` it is what comes before that in the same shell: `served.py`.
Everything else is not run. Commands run in an empty folder, with `runner` and `python` of this interpreter first on
the path, as a reader has them who has activated the environment.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 60.0
"""Seconds that one block may take."""
WIDTH = 80
NO_VARIABLES: Mapping[str, str] = MappingProxyType({})

_FENCE = re.compile(r"^```(\w*)\s*$")
_OUTPUT = re.compile(r"^<!-- output: (?P<name>[\w-]+) -->$")
_FILE = re.compile(r"^<!-- file: (?P<name>[\w.-]+) -->$")
_SERVED = re.compile(r"^<!-- served: (?P<client>[\w-]+) -->$")
_PRINTS = re.compile(r"^<!-- prints: (?P<text>.*) -->$")
_NUMBER = re.compile(r"(?<![\w.])[+-]?\d+(\.\d+)?(e-?\d+)?")


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    language: str
    body: str
    first: int
    """Line of the file in which its body begins, from 0."""
    name: str | None = None
    """Of the `output` comment before it."""
    prints: str | None = None
    """Of the `prints` comment behind it."""
    file: str | None = None
    """Of the `file` comment before it."""
    served: str | None = None
    """The client, of the `served` comment before it."""

    @property
    def last(self) -> int:
        """The line behind its body: that of the closing fence."""
        return self.first + len(self.body.splitlines())


@dataclass(frozen=True)
class Shown:
    """A console block, with the text block that shows its output."""

    commands: tuple[str, ...]
    output: Block
    files: Mapping[str, str]
    """What the page has shown before, by the names that it gave."""
    served: str | None = None
    """The client by which it talks to an endpoint."""


def blocks_of(text: str) -> list[Block]:
    """All fenced blocks, in order. A fence that is not closed raises ValueError."""
    lines = text.splitlines()
    found, at = [], 0
    while at < len(lines):
        fence = _FENCE.match(lines[at])
        if fence is None:
            at += 1
            continue
        end = next((n for n in range(at + 1, len(lines)) if lines[n].rstrip() == "```"), None)
        if end is None:
            raise ValueError(f"the fence of line {at + 1} is not closed")
        body = "".join(f"{line}\n" for line in lines[at + 1 : end])
        above = _nearest(lines, range(at - 1, -1, -1))
        prints = _PRINTS.match(_nearest(lines, range(end + 1, len(lines))))
        found.append(
            Block(
                fence[1],
                body,
                at + 1,
                name=_named(_OUTPUT, above),
                prints=prints and prints["text"],
                file=_named(_FILE, above),
                served=_named(_SERVED, above),
            )
        )
        at = end + 1
    return found


def _named(comment: re.Pattern[str], line: str) -> str | None:
    """What a comment names, if the line is that comment."""
    found = comment.match(line)
    return found and found[1]


def _nearest(lines: list[str], order: range) -> str:
    """The first line in this order that is not empty."""
    return next((lines[n].strip() for n in order if lines[n].strip()), "")


def shown(text: str) -> list[Shown]:
    """The console blocks whose output a file shows. Raises ValueError for an output without a console block."""
    found: list[Shown] = []
    console: Block | None = None
    files: dict[str, str] = {}
    for block in blocks_of(text):
        if block.file is not None:
            files[block.file] = block.body
        if block.name is not None:
            if console is None:
                raise ValueError(f"the output {block.name!r} has no console block before it")
            found.append(Shown(commands(console), block, dict(files), console.served))
        console = block if block.language == "console" else None
    return found


def commands(console: Block) -> tuple[str, ...]:
    """What stands behind the prompts. A line that ends in a backslash goes on in the next one."""
    joined = console.body.replace("\\\n", "\0").splitlines()
    return tuple(line.removeprefix("$ ").replace("\0", "\\\n") for line in joined if line.startswith("$ "))


def run_commands(
    one: Shown, folder: Path, variables: Mapping[str, str] = NO_VARIABLES, within: float = PATIENCE
) -> str:
    """What bash shows of these commands; how they end does not matter. `variables`: others than a reader has."""
    for name, body in one.files.items():
        (folder / name).write_text(body)
    return _run(["bash", "-c", "\n".join(one.commands)], folder, variables, within=within).stdout


def run_python(body: str, folder: Path, variables: Mapping[str, str] = NO_VARIABLES) -> str:
    """What a program prints. Raises AssertionError, with all that it printed, if it ends with another code than 0."""
    program = folder / "block.py"
    program.write_text(body)
    done = _run(["python", str(program)], folder, variables, merge=False)
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _run(
    argv: list[str], folder: Path, variables: Mapping[str, str], *, merge: bool = True, within: float = PATIENCE
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv,
        cwd=folder,
        env={**environment(folder), **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if merge else subprocess.PIPE,
        text=True,
        timeout=within,
        check=False,
    )


def environment(folder: Path) -> dict[str, str]:
    """Of a reader who has activated the environment, and whose terminal is `WIDTH` columns wide.

    Where this interpreter's own environment has no `runner`, a folder beside the given one takes its place; where it
    has been installed without its pytest plugin, a variable does.
    """
    here = Path(sys.executable).parent
    # Those of the pytest that runs this are not for one that it starts.
    # With CI or BUILD_NUMBER set pytest does not cut its lines to the width of the terminal.
    unlike = ("PYTEST_", "CI", "BUILD_NUMBER")
    outer = {name: value for name, value in os.environ.items() if not name.startswith(unlike)}
    found = {**outer, "PATH": f"{here}:{os.environ.get('PATH', os.defpath)}", "COLUMNS": str(WIDTH)}
    if not importlib.metadata.entry_points(group="pytest11", name="grace-runner"):
        found["PYTEST_PLUGINS"] = "runner.pytest_plugin"
    if not (here / "runner").exists():
        stand_in = folder.parent / f"{folder.name}-bin"
        stand_in.mkdir(exist_ok=True)
        script = stand_in / "runner"
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m runner "$@"\n')
        script.chmod(0o755)
        found["PATH"] = f"{stand_in}:{found['PATH']}"
        found["PYTHONPATH"] = str(ROOT)
    return found


def words(text: str) -> list[str]:
    """What of an output is the same in every run: every number is `#`, and how lines are broken does not count."""
    text = _NUMBER.sub("#", text)
    text = re.sub(r"\bpython3?(\.#|\.\d+)?(?![\w.])", "python", text)
    return text.replace("# line was printed", "# lines were printed").split()


def assert_same(page: Path, one: Shown, printed: str) -> None:
    """The page shows what was printed, but for numbers."""
    assert words(printed) == words(one.output.body), (
        f"{name_of(page)} shows another output than this one; `python -m tests.docs.refresh {name_of(page)}` puts it "
        f"there.\n{printed}"
    )


def replaced(text: str, block: Block, body: str) -> str:
    """The file with another body in this block."""
    lines = text.splitlines(keepends=True)
    lines[block.first : block.last] = [f"{body.rstrip()}\n"]
    return "".join(lines)


def pages() -> Iterator[Path]:
    """The markdown files that readers are sent to."""
    yield ROOT / "README.md"
    yield from sorted((ROOT / "docs").rglob("*.md"))
    yield from sorted((ROOT / "examples").rglob("*.md"))


def name_of(page: Path) -> str:
    """As seen from the project."""
    return str(page.relative_to(ROOT))
