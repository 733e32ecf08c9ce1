"""What kind of program a process is, from its name and command line, and which command of a shell script started it."""

from __future__ import annotations

import os.path
import re
from collections.abc import Sequence
from typing import NamedTuple

from runner.diagnosis.printable import clipped, command_line
from runner.diagnosis.programs import FORWARDERS, SHELLS, UTILITIES
from runner.diagnosis.story import Process

_HELPERS = re.compile(r"multiprocessing[./\\](?:spawn|forkserver|resource_tracker)|resource_tracker|popen_loky|loky\.")
_COMPOUND = re.compile(r"^(?:for|while|until|if|case|select|do|then|else|elif|\{|\(|!|function)\b|^[{(!]")
_SETTINGS = re.compile(r"^(?:[A-Za-z_]\w*=\S*\s+)+")


class Command(NamedTuple):
    """One simple command of a shell script: its text, and the operator after it (`;`, `&&`, `|`, …)."""

    text: str
    operator: str


def program(process: Process) -> str:
    """The file name of what the process runs; its kernel name where the command line is not known."""
    return os.path.basename(process.command[0]).lstrip("-") if process.command else process.name


def is_shell(process: Process) -> bool:
    return bool({program(process), process.name} & SHELLS)


def is_python(process: Process) -> bool:
    words = [program(process), process.name, *process.command[:3]]
    return any(os.path.basename(word).startswith("python") or word.endswith(".py") for word in words)


def is_utility(process: Process) -> bool:
    return bool({program(process), process.name} & UTILITIES)


def passes_on(process: Process) -> bool:
    """It is an init program or a wrapper that hands SIGTERM to its child."""
    return bool({program(process), process.name} & FORWARDERS)


def is_helper(process: Process, main: Process) -> bool:
    """A part of the main program's own machinery (a fork of it, a pool's worker, a resource tracker), no program apart.

    Such processes inherit or install handlers, or ignore SIGTERM by design, so their masks tell nothing of the program.
    """
    if any(_HELPERS.search(word) for word in process.command):
        return True
    return bool(main.command) and process.command == main.command and not is_shell(main)


def ignores_by_design(process: Process) -> bool:
    """Python's resource trackers: they leave as soon as the last process that uses them has."""
    return any("resource_tracker" in word for word in process.command)


def shown(process: Process, length: int = 60) -> str:
    """The command line if it is short enough to be read at a glance, else the process's name."""
    line = command_line(process.command)
    return line if 0 < len(line) <= length and line.isprintable() else clipped(process.name, length)


def script_of(argv: Sequence[str]) -> str | None:
    """SCRIPT of `sh -c SCRIPT`."""
    if not argv or os.path.basename(argv[0]) not in SHELLS:
        return None
    for position, word in enumerate(argv[1:-1], start=1):
        if re.fullmatch(r"-[a-zA-Z]*c[a-zA-Z]*", word):
            return argv[position + 1]
    return None


def script_file(argv: Sequence[str]) -> str | None:
    """FILE of `bash FILE`, or the script that was started by its own name."""
    if not argv or script_of(argv) is not None:
        return None
    if os.path.basename(argv[0]) not in SHELLS:
        return argv[0] if argv[0].endswith(".sh") else None
    return next((word for word in argv[1:] if not word.startswith("-")), None)


def split(script: str) -> list[Command]:
    """The simple commands of a script, in order; quoting is kept as it was written."""
    commands, start, position = [], 0, 0
    while position < len(script):
        length = _operator(script, position)
        if length:
            commands.append(Command(script[start:position].strip(), script[position : position + length]))
            position += length
            start = position
        else:
            position = _next(script, position)
    commands.append(Command(script[start:].strip(), ""))
    return [command for command in commands if command.text and not command.text.startswith("#")]


def is_compound(commands: Sequence[Command]) -> bool:
    """The script has loops, conditions or groups: `exec` in the middle of it would change what it does."""
    return any(_COMPOUND.match(command.text) for command in commands)


def has_settings(command: Command) -> bool:
    """It begins with variables of its own: `A=1 program`."""
    return _SETTINGS.match(command.text) is not None


def starts(command: Command, process: Process) -> bool:
    """The process was started by this command of the script."""
    words = _SETTINGS.sub("", command.text).split()
    if words and words[0] == "exec":
        words = words[1:]
    if not words:
        return False
    first = os.path.basename(words[0].strip("\"'"))
    return first in {process.name, *(os.path.basename(word) for word in process.command[:2])}


def _operator(script: str, position: int) -> int:
    """Length of the operator that ends a simple command at `position`; 0 if there is none."""
    if script.startswith(("&&", "||"), position):
        return 2
    character = script[position]
    if character == "&":  # `2>&1`, `&>log` and `<&3` are redirections
        return 0 if script[position - 1 : position] in ("<", ">") or script[position + 1 : position + 2] == ">" else 1
    return 1 if character in ";|\n" else 0


def _next(script: str, position: int) -> int:
    """The position after the character, escape or quotation at `position`."""
    character = script[position]
    if character == "\\":
        return position + 2
    if character == "'":
        end = script.find("'", position + 1)
        return len(script) if end < 0 else end + 1
    if character == '"':
        match = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL).match(script, position)
        return match.end() if match else len(script)
    return position + 1
