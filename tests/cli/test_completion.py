"""What the shell is offered when TAB is pressed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from runner import Objective, Runner
from tests.cli.commanding import ROOT, Done
from tests.probing import probe

PROGRAM = "import sys; sys.argv[0] = 'runner'; from runner.cli.main import main; main()"
"""The console script, under its own name."""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("recorded") / "data"
    with Runner(data_dir=data) as runner:
        for name in ("digits-1", "digits-2", "other"):
            runner.train(["true"], name=name).wait(30)
        objective = Objective("x", "x=([0-9.]+)", "Maximize")
        runner.tune(["true"], name="digits-search", ranges={"r": (0, 1)}, objective=objective, max_jobs=1).wait(30)
    return data


def offered(folder: Path, words: str, data: Path | None) -> Done:
    """What `runner` offers for the last of these words, as bash asks it."""
    variables = {
        "_RUNNER_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
        **({} if data is None else {"RUNNER_DATA_DIR": str(data)}),
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        timeout=30,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def test_commands(folder: Path) -> None:
    assert offered(folder, "runner st", None).out.split() == ["stop"]


def test_types_of_jobs(folder: Path) -> None:
    assert offered(folder, "runner submit t", None).out.split() == ["training", "tuning"]
    assert offered(folder, "runner submit ", None).out.split() == ["compilation", "training", "tuning"]
    for command in ("list", "describe", "logs", "stop", "wait", "report", "delete"):
        assert offered(folder, f"runner {command} --kind c", None).out.split() == ["compilation"]


def test_names_of_jobs(folder: Path, recorded: Path) -> None:
    for command in ("describe", "logs", "stop", "wait", "report", "delete"):
        names = offered(folder, f"runner {command} digits-", recorded)
        assert set(names.out.split()) >= {"digits-1", "digits-2", "digits-search"}
        assert "other" not in names.out
        assert names.err == ""


def test_names_of_the_directory_and_the_type_that_were_typed(folder: Path, recorded: Path) -> None:
    words = f"runner describe --data-dir {recorded} --kind tuning digits-"
    assert offered(folder, words, None).out.split() == ["digits-search"]


@pytest.mark.parametrize("where", ["none", "file"])
def test_no_names_where_there_is_nothing(folder: Path, where: str) -> None:
    (folder / "file").touch()
    done = offered(folder, "runner describe ", folder / where)
    assert (done.out.strip(), done.err) == ("", "")
    assert sorted(path.name for path in folder.iterdir()) == ["file", "tmp"]


def test_a_supervisor_is_not_disturbed(folder: Path, data: Path) -> None:
    with Runner(data_dir=data) as runner:
        runner.train(probe("polite"), name="here").wait_for_log("^ready")
        assert offered(folder, "runner stop h", data).out.split() == ["here"]
        assert runner.stop("here").verdict == "graceful"


def test_the_script_for_bash_works(folder: Path, recorded: Path) -> None:
    """As a reader installs it: the shell itself is asked what it would offer."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash on this machine")
    script = folder / "bin" / "runner"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{PROGRAM}" "$@"\n')
    script.chmod(0o755)
    asked = """
        eval "$(_RUNNER_COMPLETE=source_bash runner)"
        COMP_WORDS=(runner describe digits-s); COMP_CWORD=2
        "$(complete -p runner | sed -n 's/.*-F \\([^ ]*\\) .*/\\1/p')" runner
        echo "${COMPREPLY[@]}"
    """
    path = f"{script.parent}:{os.environ['PATH']}"
    done = subprocess.run(
        [bash, "-c", asked],
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "RUNNER_DATA_DIR": str(recorded)},
        capture_output=True,
        text=True,
        timeout=30,
    )
    names = done.stdout.split()
    assert names[-1] == "digits-search", done
    assert all(name.startswith("digits-s") for name in names)
