"""`runner --help`, and that of each command."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.cli.commanding import ESCAPE, ROOT, Done, run

COMMANDS = {
    "check": ["--grace", "--after", "--when-log", "--when-file", "--at-random", "--give-up", "--isolation", "--json"],
    "serve": ["--data-dir", "RUNNER_DATA_DIR"],
    "submit": ["TYPE", "FILE", "--config", "--json", "--data-dir"],
    "list": ["--kind", "--resources", "--json", "--data-dir"],
    "describe": ["NAME", "--kind", "--json", "--data-dir"],
    "logs": ["NAME", "--follow", "--timestamps", "--kind", "--json", "--data-dir"],
    "stop": ["NAME", "--wait", "--now", "--kind", "--json", "--data-dir"],
    "wait": ["NAME", "--kind", "--json", "--data-dir"],
    "delete": ["NAME", "--kind", "--json", "--data-dir"],
    "report": ["NAME", "--kind", "--json", "--html", "--junit", "--data-dir"],
    "demo": ["--help"],
}


def test_help(folder: Path) -> None:
    done = run(folder, "--help")
    assert (done.code, done.err) == (0, "")
    assert all(f"  {command} " in done.out for command in COMMANDS)
    assert ESCAPE not in done.out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command(folder: Path, command: str) -> None:
    done = run(folder, command, "--help")
    assert (done.code, done.err) == (0, "")
    assert all(option in done.out for option in COMMANDS[command])


def test_no_command(folder: Path) -> None:
    done = run(folder)
    assert done.code == 2
    assert "Usage" in done.out + done.err


def test_unknown_command(folder: Path) -> None:
    done = run(folder, "chek")
    assert done.code == 2
    assert "chek" in done.err


def test_version(folder: Path) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert run(folder, "--version") == Done(0, f"grace-runner {version}\n", "")


@pytest.mark.parametrize(
    ("arguments", "mistake"),
    [
        (["logs", "x", "--folow"], "No such option: --folow"),
        (["submit", "training"], "Missing argument 'FILE'."),
        (["serve", "--port", "a"], "Invalid value for '--port': 'a' is not a valid integer."),
        (["--verbose"], "No such option: --verbose"),
    ],
)
def test_arguments_that_cannot_be_read_are_told_below_the_usage(
    folder: Path, arguments: list[str], mistake: str
) -> None:
    done = run(folder, *arguments)
    usage, hint, *_, error = done.err.splitlines()
    assert (done.code, done.out) == (2, "")
    assert usage.startswith("Usage: ")
    assert "--help" in hint
    assert error.startswith(f"Error: {mistake}")
