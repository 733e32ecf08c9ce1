"""`runner check --repeat N`: several runs, stopped at other moments; the worst one decides."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commanding import WHEN_READY, Command, Done, check, run
from tests.cli.savers import saver
from tests.probing import probe
from tests.waiting import wait_until

NEVER_READY = ["sh", "-c", "echo ready; while :; do sleep 0.05; done"]


OWN = ("run", "moment", "at", "counts")
_FOR_A_WHILE = "i=0; while [ $i -lt 10 ]; do i=$((i+1)); sleep 0.05; done"


def runs(done: Done) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = done.report["runs"]
    return found


def test_spread_over_what_the_first_run_took(folder: Path) -> None:
    program = ["sh", "-c", f"trap 'exit 0' TERM; {_FOR_A_WHILE}; echo ready; while :; do sleep 0.05; done"]
    done = check(folder, *WHEN_READY, "--repeat", 5, "--grace", 5, program=program)
    found = runs(done)
    assert [one["run"] for one in found] == [1, 2, 3, 4, 5]
    assert found[0]["moment"] == "trigger"
    assert {one["moment"] for one in found[1:]} == {"start", "start-up", "run"}
    assert found[0]["at"] >= 0.5
    late = [one for one in found if one["at"] >= 0.5]
    assert all(one["verdict"] == "graceful" for one in late)
    assert (done.code, done.report["verdict"]) == (0, "graceful"), done.out
    lines = [line for line in done.err.splitlines() if " of 5: " in line]
    assert [line.split(":")[1] for line in lines] == [f" run {number} of 5" for number in range(1, 6)]


def test_evenly_to_the_seconds_of_after(folder: Path) -> None:
    done = check(folder, "--after", 0.8, "--repeat", 3, "--grace", 3, program=probe("waits"))
    at = [one["at"] for one in runs(done)]
    assert all(moment >= expected for moment, expected in zip(at, (0, 0.4, 0.8), strict=True))
    assert (done.code, len(at)) == (0, 3), done.out


def test_at_random_draws_for_each_run(folder: Path) -> None:
    done = check(folder, "--at-random", 1.0, "--repeat", 4, "--grace", 2, program=probe("polite"))
    at = [one["at"] for one in runs(done)]
    assert len(set(at)) == 4
    assert all(moment <= 3 for moment in at)


def test_the_worst_run_decides(folder: Path) -> None:
    """It takes the signal until it has run for a while, and never from then on."""
    program = ["sh", "-c", f"trap 'exit 0' TERM; {_FOR_A_WHILE}; trap '' TERM; while :; do sleep 0.05; done"]
    done = check(folder, "--after", 3, "--repeat", 3, "--grace", 0.5, program=program)
    found = runs(done)
    assert done.code == 1
    assert (done.report["worst"], done.first) == (2, "ignored")
    assert [one["findings"][0]["code"] for one in found[1:]] == ["ignored", "ignored"]
    assert {**found[1], **done.report} == {**done.report, **{name: found[1][name] for name in OWN}}


def test_no_handler_at_any_time_is_not_excused(folder: Path) -> None:
    done = check(folder, "--after", 0.6, "--repeat", 2, "--grace", 0.2, program=NEVER_READY)
    assert (done.code, done.first) == (1, "no-handler-pid1")
    assert all(one["counts"] for one in runs(done))


@pytest.mark.parametrize("columns", [80, 40, 20])
def test_text(folder: Path, columns: int) -> None:
    command = ["check", "--after", 0.6, "--repeat", 2, "--grace", 0.2, "--", *NEVER_READY]
    done = run(folder, *command, variables={"COLUMNS": str(columns)})
    assert done.code == 1
    report, _, histogram = done.out.rpartition("2 runs: ")
    assert report.startswith("NOT GRACEFUL: no-handler-pid1\n"), done.out
    assert "no-handler-pid1" in histogram
    assert max(map(len, histogram.splitlines())) <= max(columns, 24)


@pytest.mark.parametrize(
    ("program", "options", "code", "says"),
    [
        (["no-such-program"], (), 3, "the program does not run"),
        (["sh", "-c", "exit 3"], (), 4, "the program fails by itself"),
        (probe("silent"), ("--when-log", "never", "--give-up", 0.5), 4, "the trigger did not come"),
    ],
    ids=["missing", "failing", "never ready"],
)
def test_no_more_runs_where_one_is_enough(
    folder: Path, program: list[str], options: tuple[object, ...], code: int, says: str
) -> None:
    done = check(folder, "--repeat", 5, *options, program=program)
    assert (done.code, len(runs(done))) == (code, 1)
    assert f"no more runs: {says}" in done.err


def test_a_program_that_is_shorter_than_the_trigger(folder: Path) -> None:
    program = ["sh", "-c", "trap 'exit 0' TERM; echo ready; i=0; while [ $i -lt 30 ]; do i=$((i+1)); sleep 0.05; done"]
    done = check(folder, "--repeat", 2, "--grace", 5, program=program)
    first, second = runs(done)
    assert (first["findings"][0]["code"], first["counts"]) == ("ended-before-stop", False)
    assert (second["verdict"], done.code) == ("graceful", 0)


def test_each_run_begins_with_the_folders_as_they_were(folder: Path) -> None:
    place = folder / "runs"
    place.mkdir()
    (place / "step").write_text("7")
    (place / "sub").mkdir()
    (place / "link").symlink_to("step")
    options = [
        "--checkpoint",
        place,
        "--after",
        0.8,
        "--repeat",
        3,
        "--grace",
        3,
        "--resume",
        "--resumed",
        "resumed at [78]$",
    ]
    work = 'rm -r "$1/sub"; echo 8 > "$1/step"; while :; do sleep 0.05; done'
    script = f'echo "resumed at $(cat "$1/step")"; trap "echo 7 > $1/new; exit 0" TERM; {work}'
    program = ["sh", "-c", script, "sh", str(place)]
    done = check(folder, *options, program=program)
    assert done.code == 0, done
    assert sorted(entry.name for entry in place.iterdir()) == ["link", "step", "sub"]
    assert (place / "step").read_text() == "7"
    assert "is kept in" in done.err


def test_a_folder_that_the_program_removes(folder: Path) -> None:
    place = folder / "runs"
    place.mkdir()
    (place / "old").write_text("old")
    script = 'rm -r "$1"; trap "exit 0" TERM; echo ready; while :; do sleep 0.05; done'
    program = ["sh", "-c", script, "sh", str(place)]
    done = check(folder, "--checkpoint", place, *WHEN_READY, "--repeat", 2, "--grace", 2, program=program)
    assert len(runs(done)) == 2
    assert (place / "old").read_text() == "old"


def test_ctrl_c_puts_the_folders_back(folder: Path) -> None:
    place = folder / "runs"
    place.mkdir()
    (place / "old").write_text("old")
    script = (
        'echo new > "$1/new"; echo newer > "$1/old"; trap "" TERM; while :; do echo x >> "$1/new"; sleep 0.01; done'
    )
    command = ["check", "--checkpoint", place, "--after", 60, "--repeat", 2, "--", "sh", "-c", script, "sh", place]
    with Command(folder, *command) as running:
        # The first of two comes at once, and is waited for.
        wait_until((place / "new").exists, within=20, saying=lambda: running.err)
        done = running.send(signal.SIGINT).end(within=10)
    assert done.code == 130
    assert [(entry.name, entry.read_text()) for entry in place.iterdir()] == [("old", "old")]


def test_one_run_leaves_what_it_wrote(folder: Path) -> None:
    place = folder / "runs"
    place.mkdir()
    done = check(folder, "--checkpoint", place, *WHEN_READY, program=saver("goes-on", place))
    assert done.code == 0
    assert [entry.name for entry in place.iterdir()] == ["step"]
    assert "runs" not in done.report
