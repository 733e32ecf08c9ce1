"""The examples for CI: their files parse, their commands exist, and they fail the build when they should."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from runner.cli import main
from tests.docs.blocks import PATIENCE, ROOT, environment

CI = ROOT / "examples" / "ci"
HOOKS = ROOT / ".pre-commit-hooks.yaml"
PROGRAM = """\
import signal, sys, time
{handler}
for epoch in range(1, 200):
    print("epoch", epoch, "of 200", flush=True)
    time.sleep(0.1)
"""
HANDLER = "signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))"


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def files() -> list[Path]:
    return [*sorted(CI.glob("*.yml")), *sorted(CI.glob("*.yaml")), HOOKS]


def workflow() -> dict[str, Any]:
    (job,) = read(CI / "github-action.yml")["jobs"].values()
    return dict(job)


def hooks() -> list[str]:
    """The hooks of the configuration, as the commands that they run."""
    offered = {hook["id"]: hook for hook in read(HOOKS)}
    found = []
    for repository in read(CI / "pre-commit-config.yaml")["repos"]:
        for hook in repository["hooks"]:
            whole = hook if repository["repo"] == "local" else {**offered[hook["id"]], **hook}
            found.append(f"{whole['entry']} {shlex.join(whole.get('args', []))}".strip())
    return found


def scripts() -> dict[str, str]:
    """Every shell script of the examples, by where it stands."""
    found = {f"github-{n}": step["run"] for n, step in enumerate(workflow()["steps"]) if "run" in step}
    (job,) = (value for value in read(CI / "gitlab-ci.yml").values() if "script" in value)
    found |= {f"gitlab-{n}": line for n, line in enumerate(job["script"])}
    return found | {f"hook-{n}": line for n, line in enumerate(hooks())}


def commands(script: str) -> Iterator[list[str]]:
    """The words of each command of ours in a script."""
    for line in script.replace("\\\n", " ").splitlines():
        words = shlex.split(line)
        if words[:1] == ["runner"]:
            yield words


CHECKS = {name: script for name, script in scripts().items() if "runner check" in script}


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_a_file_is_yaml(path: Path) -> None:
    assert read(path)


def test_every_example_has_a_check() -> None:
    assert {name.partition("-")[0] for name in CHECKS} == {"github", "gitlab", "hook"}
    assert len(CHECKS) == 4


@pytest.mark.parametrize("script", scripts().values(), ids=scripts().keys())
def test_our_commands_and_options_exist(script: str) -> None:
    ours = typer.main.get_command(main.app)
    for _, name, *arguments in commands(script):
        command = ours.commands[name]  # type: ignore[attr-defined]
        context = command.make_context(name, arguments)
        assert context.params["command"][-1] == "train.py"


@pytest.mark.process
@pytest.mark.usefixtures("pid1")
@pytest.mark.parametrize("is_good", [True, False], ids=["good", "bad"])
@pytest.mark.parametrize("script", CHECKS.values(), ids=CHECKS.keys())
def test_the_build_fails_when_the_training_does_not_stop(script: str, is_good: bool, nothing_left: Path) -> None:
    folder = nothing_left / "checked-out"
    folder.mkdir()
    (folder / "train.py").write_text(PROGRAM.format(handler=HANDLER if is_good else ""))
    quick = script.replace("--grace 30", "--grace 1").replace(".venv/bin/python", "python")
    assert quick != script, "the grace is another one than this test knows"
    # As a GitHub Action runs a step.
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", quick],
        cwd=folder,
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == (0 if is_good else 1), done.stdout + done.stderr
    assert done.stdout.startswith("GRACEFUL" if is_good else "NOT GRACEFUL: no-handler-pid1"), done.stdout
    assert all((folder / name).exists() for option, name in written(quick))


def written(script: str) -> list[tuple[str, str]]:
    """The files that a script has a command write, each with its option."""
    return re.findall(r"(--html|--junit) (\S+)", script)


def test_what_is_kept_is_what_is_written() -> None:
    kept = next(step["with"]["path"] for step in workflow()["steps"] if "upload-artifact" in step.get("uses", ""))
    assert sorted(kept.split()) == sorted(name for script in scripts().values() for _, name in written(script))[::2]
    job = read(CI / "gitlab-ci.yml")["graceful-stop"]["artifacts"]
    assert {*job["paths"], job["reports"]["junit"]} == set(kept.split())


def test_a_report_is_kept_of_a_failed_build() -> None:
    *_, last = workflow()["steps"]
    assert last["if"] == "always()"
    assert read(CI / "gitlab-ci.yml")["graceful-stop"]["artifacts"]["when"] == "always"


def test_a_hook_does_not_get_the_names_of_files() -> None:
    local = [
        hook for one in read(CI / "pre-commit-config.yaml")["repos"] if one["repo"] == "local" for hook in one["hooks"]
    ]
    for hook in [*read(HOOKS), *local]:
        assert hook["pass_filenames"] is False
        assert hook["stages"] == ["pre-push"]
