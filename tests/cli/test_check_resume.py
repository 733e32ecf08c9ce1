"""`runner check --resume`: started again after the stop, does it go on from what it had saved?"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commanding import WHEN_READY, Done, check, run, surroundings
from tests.cli.savers import saver

RESUMED = ("--resume", "--resumed", "^resumed at [0-9]+")


def resume(done: Done) -> dict[str, Any]:
    found: dict[str, Any] = done.report["resume"]
    return found


@pytest.mark.parametrize("isolation", ["pid1", "plain"])
@pytest.mark.parametrize("where", ["/opt/ml", "--checkpoint"])
def test_goes_on_from_its_checkpoint(folder: Path, isolation: str, where: str) -> None:
    place, options = _place(folder, where)
    done = check(folder, "--isolation", isolation, *WHEN_READY, *RESUMED, *options, program=saver("goes-on", place))
    assert (done.code, done.first) == (0, "graceful"), done
    told = resume(done)
    assert (told["saved"], told["resumed"], told["load"]) == (1, True, None)
    assert told["why"].startswith("it printed 'resumed at ")
    assert "started again with what it had saved" in done.err


@pytest.mark.parametrize("where", ["/opt/ml", "--checkpoint"])
def test_begins_from_the_beginning(folder: Path, where: str) -> None:
    place, options = _place(folder, where)
    program = saver("forgets", place)
    done = check(folder, *WHEN_READY, *RESUMED, *options, "--give-up", 2, program=program)
    assert (done.code, done.first) == (1, "did-not-resume"), done
    assert "within 2 s" in done.report["findings"][0]["explanation"]
    assert resume(done)["resumed"] is False


def _place(folder: Path, where: str) -> tuple[Path | None, list[str]]:
    if where == "/opt/ml":
        return None, []
    (folder / "runs").mkdir()
    return folder / "runs", ["--checkpoint", "runs"]


@pytest.mark.slow
@pytest.mark.parametrize("isolation", ["pid1", "plain"])
@pytest.mark.parametrize("where", ["/opt/ml", "--checkpoint"])
@pytest.mark.parametrize("program", ["goes-on", "forgets"])
def test_judged_by_the_files_that_it_opens(folder: Path, program: str, where: str, isolation: str) -> None:
    place, options = _place(folder, where)
    options = ["--isolation", isolation, *WHEN_READY, "--resume", *options]
    done = check(folder, *options, program=saver(program, place))
    assert resume(done)["resumed"] is (program == "goes-on"), done.report["resume"]
    if program == "goes-on":
        assert (done.code, done.first) == (0, "graceful")
        assert resume(done)["why"].startswith("it read /")
        assert resume(done)["why"].endswith("/step")
    else:
        assert (done.code, done.first) == (1, "did-not-resume")
        assert "it opened none of the files" in done.report["findings"][0]["explanation"]


def test_an_end_before_the_line(folder: Path) -> None:
    done = check(folder, *WHEN_READY, *RESUMED, program=saver("breaks-on-it"))
    assert (done.code, done.first) == (1, "did-not-resume")
    explanation = done.report["findings"][0]["explanation"]
    assert "ended with exit code 3 without a line that matches" in explanation
    assert "its last line being 'cannot read it'" in explanation


def test_a_failure_without_an_expression(folder: Path) -> None:
    done = check(folder, *WHEN_READY, "--resume", program=saver("breaks-on-it"))
    assert (done.code, done.first) == (1, "did-not-resume")
    assert "ended with exit code 3" in done.report["findings"][0]["explanation"]


def test_nothing_to_go_on_from(folder: Path) -> None:
    done = check(folder, *WHEN_READY, *RESUMED, "--load", "exit 9", program=saver("saves-nothing"))
    assert (done.code, done.report["verdict"]) == (0, "graceful")
    assert resume(done) == {
        "saved": 0,
        "resumed": None,
        "why": "it has saved nothing in a checkpoint folder",
        "load": None,
    }
    assert "started again" not in done.err


def test_a_program_that_was_not_stopped_is_not_started_again(folder: Path) -> None:
    done = check(folder, *RESUMED, program=["sh", "-c", 'echo x > "$SM_CHECKPOINT_DIR/x"'])
    assert (done.code, done.first) == (4, "ended-before-stop")
    assert resume(done)["why"] == "it was not stopped"


def test_a_trigger_that_does_not_come(folder: Path) -> None:
    done = check(folder, "--after", 60, "--give-up", 0.5, *RESUMED, program=saver("goes-on"))
    assert (done.code, done.first) == (4, "not-ended")


@pytest.mark.parametrize("isolation", ["pid1", "plain"])
def test_load_reads_the_newest_file(folder: Path, isolation: str) -> None:
    load = 'test "$1" = "$SM_CHECKPOINT_DIR/step" && grep -q "^[0-9]*$" "$1" && env | grep -c ^RUNNER_ | grep -q "^1$"'
    done = check(folder, "--isolation", isolation, *WHEN_READY, *RESUMED, "--load", load, program=saver("goes-on"))
    assert (done.code, done.first) == (0, "graceful"), done
    told = resume(done)["load"]
    assert (told["code"], told["checkpoint"], told["timed_out"]) == (0, "step", False)


def test_load_in_a_named_folder(folder: Path) -> None:
    (folder / "runs").mkdir()
    (folder / "runs" / "old").write_text("an old one")
    (folder / "reader.sh").write_text('cat "$1"; exit 0\n')
    options = ["--checkpoint", folder / "runs", "--load", 'sh reader.sh "$1"']
    done = check(folder, *WHEN_READY, *RESUMED, *options, program=saver("goes-on", folder / "runs"))
    assert (done.code, resume(done)["load"]["checkpoint"]) == (0, str(folder / "runs" / "step")), done
    assert resume(done)["saved"] == 2


def test_load_that_fails(folder: Path) -> None:
    load = 'grep "^[0-9]" "$1" || { echo "no number in it"; exit 5; }'
    done = check(folder, *WHEN_READY, "--resume", "--resumed", "ready", "--load", load, program=saver("saves-junk"))
    assert (done.code, done.first) == (1, "checkpoint-corrupt"), done
    explanation = done.report["findings"][0]["explanation"]
    assert "exit code 5" in explanation
    assert "Its output ends with: no number in it" in explanation
    assert resume(done)["load"]["last"] == ["no number in it"]


def test_load_cannot_change_what_the_program_goes_on_from(folder: Path) -> None:
    load = 'rm -r "$SM_CHECKPOINT_DIR"/*'
    done = check(folder, *WHEN_READY, *RESUMED, "--load", load, program=saver("goes-on"))
    assert (done.code, resume(done)["resumed"], resume(done)["load"]["code"]) == (0, True, 0), done


def test_load_that_there_is_not(folder: Path) -> None:
    done = check(folder, *WHEN_READY, *RESUMED, "--load", "no-such-reader", program=saver("goes-on"))
    assert (done.code, done.first) == (4, "cannot-tell")
    assert "could not be run" in done.report["findings"][0]["explanation"]


def test_load_that_prints_a_lot_and_dies(folder: Path) -> None:
    load = 'yes "a long line of output" | head -c 50000000; echo; echo last; kill -SEGV $$'
    done = check(folder, *WHEN_READY, *RESUMED, "--load", load, program=saver("goes-on"))
    assert (done.code, done.first) == (1, "checkpoint-corrupt"), done.err
    assert "last" in resume(done)["load"]["last"][-2:]


def started_by(folder: Path, script: str, *arguments: object) -> Done:
    """`runner check --json ARGUMENTS` in a process that has done something before."""
    (folder / "start.py").write_text(f"{script}\nfrom runner.cli.main import main\nmain()\n")
    done = subprocess.run(
        [sys.executable, "start.py", "check", "--json", *map(str, arguments)],
        cwd=folder,
        env={**os.environ, **surroundings(folder / "tmp")},
        capture_output=True,
        text=True,
        timeout=50,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def test_load_that_hangs(folder: Path) -> None:
    shorter = "import runner.cli.resuming\nrunner.cli.resuming.LOAD_SECONDS = 1.0"
    options = [*WHEN_READY, *RESUMED, "--load", "sleep 1000 & sleep 1000"]
    done = started_by(folder, shorter, *options, "--", *saver("goes-on"))
    assert (done.code, done.first) == (4, "cannot-tell"), done
    assert resume(done)["load"]["timed_out"] is True


def test_a_working_folder_that_it_has_removed(folder: Path) -> None:
    for name in ("work", "runs"):
        (folder / name).mkdir()
    options = [*WHEN_READY, *RESUMED, "--checkpoint", folder / "runs"]
    there = f"import os\nos.chdir({str(folder / 'work')!r})"
    done = started_by(folder, there, *options, "--", *saver("gone", folder / "runs"))
    assert (done.code, done.first) == (4, "cannot-tell"), done
    assert "could not be started again: cwd: must be a folder that exists" in resume(done)["why"]
    assert not (folder / "work").exists()


def test_text(folder: Path) -> None:
    done = run(folder, "check", *WHEN_READY, *RESUMED, "--load", "true", "--", *saver("goes-on"))
    assert done.code == 0
    shown = " ".join(done.out.split())
    assert "Started again with what it had saved (1 file), it went on from there: it printed 'resumed at" in shown
    assert "step was read with exit code 0." in shown


def test_wild_expressions_have_an_end(folder: Path) -> None:
    again = f'[ -f "$SM_CHECKPOINT_DIR/x" ] && echo {"a" * 3000}b'
    save = 'trap "echo x > $SM_CHECKPOINT_DIR/x; exit 0" TERM; echo ready; while :; do sleep 0.05; done'
    done = check(folder, *WHEN_READY, "--resume", "--resumed", "(a+)+$", program=["sh", "-c", f"{again}; {save}"])
    assert (done.code, done.first) == (4, "cannot-tell"), done
    assert "took more than 1 s for one line" in resume(done)["why"]
