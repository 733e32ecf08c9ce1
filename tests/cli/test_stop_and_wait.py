"""`runner stop`, `wait` and `delete`: what they do, what they show meanwhile, how they end."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner import Objective, Runner
from runner.cli import progress
from tests import leftovers
from tests.cli.commanding import ESCAPE, Command, Done, run
from tests.cli.jobs import has_ended, opened, ready, request, request_of, started, submit, summary
from tests.probing import probe
from tests.waiting import wait_until


@pytest.fixture
def runner(data: Path) -> Iterator[Runner]:
    """A supervisor in this process."""
    with Runner(data_dir=data) as embedded:
        yield embedded


def train(runner: Runner, *program: object, name: str = "x", grace: float = 30) -> None:
    runner.train(probe(*map(str, program)), name=name, grace=grace).wait_for_log("^ready")


def printing(text: str) -> list[str]:
    """A program that prints the text again and again, and does not leave."""
    script = f"trap : TERM; echo ready; while :; do printf '{text}\\n'; sleep 0.1; done"
    return ["sh", "-c", script]


# --- stop


def test_stop_returns_when_it_is_on_its_way(folder: Path, data: Path, runner: Runner) -> None:
    train(runner, "slow", 1)
    done = run(folder, "stop", "x", "--data-dir", data)
    assert done == Done(0, "x Stopping\n", "")
    assert runner.wait("x", 30) == "Stopped"
    assert runner.report("x").verdict == "graceful"


def test_a_second_stop_changes_nothing(folder: Path, data: Path, runner: Runner) -> None:
    train(runner, "slow", 2)
    assert run(folder, "stop", "x", "--data-dir", data).code == 0
    assert run(folder, "stop", "x", "--data-dir", data) == Done(0, "x Stopping\n", "")
    runner.wait("x", 30)
    facts = [fact["fact"] for fact in runner.job("x").facts()]
    assert facts.count("signal") == 1


def test_stop_now_kills(folder: Path, data: Path, runner: Runner) -> None:
    train(runner, "deaf", grace=60)
    assert run(folder, "stop", "x", "--data-dir", data).code == 0
    assert run(folder, "stop", "x", "--now", "--wait", "--data-dir", data) == Done(0, "x Stopped (SIGKILL)\n", "")
    assert [fact["why"] for fact in runner.job("x").facts() if fact["fact"] == "kill"] == ["now"]


def test_stop_and_wait(folder: Path, data: Path, runner: Runner) -> None:
    train(runner, "polite")
    assert run(folder, "stop", "x", "--wait", "--data-dir", data) == Done(0, "x Stopped (exit code 0)\n", "")


def test_stop_as_json(folder: Path, data: Path, runner: Runner) -> None:
    train(runner, "polite")
    done = run(folder, "stop", "x", "--wait", "--json", "--data-dir", data)
    told = json.loads(done.out)
    assert (told["name"], told["status"], told["exit_code"]) == ("x", "Stopped", 0)


@pytest.mark.parametrize("arguments", [[], ["--wait"], ["--now"]])
def test_a_job_that_has_ended(folder: Path, data: Path, runner: Runner, arguments: list[str]) -> None:
    runner.train(["true"], name="x").wait(30)
    told = Done(1, "", "runner: the training job x has ended: it is Completed\n")
    assert run(folder, "stop", "x", *arguments, "--data-dir", data) == told
    runner.close()
    assert run(folder, "stop", "x", *arguments, "--data-dir", data) == told


def test_lines_while_a_stop_goes_on(folder: Path, data: Path, runner: Runner) -> None:
    """Not a flood: one at its beginning, and one whenever somebody has gone or SIGKILL was sent."""
    train(runner, "deaf", grace=4)
    done = run(folder, "stop", "x", "--wait", "--data-dir", data)
    assert (done.code, done.out) == (0, "x Stopped (SIGKILL)\n")
    first, *others = done.err.splitlines()
    assert re.fullmatch(r"runner: x: Stopping, SIGKILL in \d\.\d s; alive: python\S* \(pid \d+\); ready \d+", first)
    assert len(others) <= 1


def test_a_terminal_has_a_countdown(folder: Path, data: Path, runner: Runner) -> None:
    runner.train(printing("\\x1b[31mred"), name="x", grace=2).wait_for_log("^ready")
    done = run(folder, "stop", "x", "--wait", "--data-dir", data, terminal=True, together=True)
    assert done.code == 0
    left = [float(number) for number in re.findall(r"SIGKILL in (\d+\.\d) s", done.out)]
    assert len(left) >= 3
    assert left == sorted(left, reverse=True)
    assert re.search(r"alive: sh \(pid \d+\)", done.out)
    assert "\\x1b[31mred" in done.out
    assert f"{ESCAPE}[31m" not in done.out
    # What was written over is taken away, and the result stands alone.
    assert done.out.endswith(f"{ESCAPE}[2Kx Stopped (SIGKILL)\r\n")


def test_no_line_is_wider_than_the_terminal(folder: Path, data: Path, runner: Runner) -> None:
    runner.train(printing("long " * 99), name="x", grace=1).wait_for_log("^long")
    narrow = {"COLUMNS": "30"}
    done = run(folder, "stop", "x", "--wait", "--data-dir", data, terminal=True, together=True, variables=narrow)
    shown = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", done.out).replace("\r", "\n")
    assert "long long" in shown
    assert max(map(len, shown.splitlines())) < 30


def test_ctrl_c_leaves_the_stop_alone(folder: Path, data: Path, runner: Runner) -> None:
    train(runner, "slow", 2)
    with Command(folder, "stop", "x", "--wait", "--data-dir", data) as command:
        done = command.wait_for("Stopping").send(signal.SIGINT).end()
    assert (done.code, done.out) == (130, "")
    assert done.err.endswith("runner: the stop of x goes on; `runner wait x` waits for its end\n")
    assert runner.wait("x", 30) == "Stopped"
    assert runner.report("x").verdict == "graceful"


def test_a_tuning_job_tells_how_many_trainings_still_run(folder: Path, data: Path, runner: Runner) -> None:
    search = runner.tune(
        probe("slow", "2"),
        name="search",
        ranges={"rate": (0.1, 1.0)},
        objective=Objective("x", "x=([0-9.]+)", "Maximize"),
        max_jobs=4,
        max_parallel=2,
        grace=30,
    )
    for training in search.trainings(at_least=2):
        training.wait_for_log("^ready")
    done = run(folder, "stop", "search", "--wait", "--data-dir", data)
    assert (done.code, done.out) == (0, "search Stopped\n")
    assert done.err.splitlines()[0] == "runner: search: Stopping, 2 of 2 trainings still run"


# --- wait


def test_wait(folder: Path, data: Path, runner: Runner) -> None:
    train(runner, "polite")
    with Command(folder, "wait", "x", "--data-dir", data) as command:
        command.wait_for("x: InProgress (Training)")
        runner.stop("x")
        done = command.end()
    assert (done.code, done.out) == (0, "x Stopped (exit code 0)\n")


def test_wait_for_a_failure(folder: Path, data: Path, runner: Runner) -> None:
    runner.train(["sh", "-c", "printf 'no \\033[31mdata' > /opt/ml/output/failure; exit 3"], name="x").wait(30)
    done = run(folder, "wait", "x", "--data-dir", data)
    assert (done.code, done.err) == (1, "")
    assert done.out.startswith("x Failed (exit code 3): AlgorithmError: ")
    assert ESCAPE not in done.out
    assert done.out.count("\n") == 1


def test_wait_for_a_job_whose_supervisor_has_left(folder: Path, data: Path) -> None:
    """It leaves with its last job, so that whoever comes a moment later must not be too late."""
    has_ended(started(submit(folder, request_of(folder, "x", {"ContainerEntrypoint": ["true"]}))))
    assert run(folder, "wait", "x", "--data-dir", data) == Done(0, "x Completed (exit code 0)\n", "")


def test_wait_while_its_supervisor_leaves(folder: Path, data: Path) -> None:
    pid = started(submit(folder, request(folder, "x")))
    with Command(folder, "wait", "x", "--data-dir", data) as command:
        command.wait_for("x: InProgress")
        with Runner.connect(data) as runner:
            ready(runner, "x").stop(wait=False)
        assert command.end().code == 0
    has_ended(pid)


def test_ctrl_c_leaves_the_job_alone(folder: Path, data: Path, runner: Runner) -> None:
    train(runner, "polite")
    with Command(folder, "wait", "x", "--data-dir", data) as command:
        done = command.wait_for("InProgress").send(signal.SIGINT).end()
    assert (done.code, done.out) == (130, "")
    assert done.err.endswith("runner: x goes on\n")
    assert runner.job("x").status == "InProgress"
    runner.stop("x")


@pytest.mark.parametrize("command", [["stop"], ["stop", "--wait"], ["wait"], ["delete"]])
def test_a_job_that_nobody_looks_after(folder: Path, data: Path, command: list[str]) -> None:
    with Command(folder, "serve", "--port", "0", "--data-dir", data) as served:
        served.wait_for("listening")
        with Runner.connect(data) as runner:
            train(runner, "polite")
        served.send(signal.SIGKILL).end()
    done = run(folder, *command, "x", "--data-dir", data)
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        f"runner: no supervisor runs in {data}, and the training job x has not ended: it is InProgress; "
        f"`runner serve --data-dir {data}` goes on with it\n"
    )
    with Command(folder, "serve", "--port", "0", "--data-dir", data) as served:
        served.wait_for("listening").send(signal.SIGTERM).end()
    assert summary(data, "x")["status"] == "Stopped"


def test_a_supervisor_that_is_killed_while_one_waits(folder: Path, data: Path) -> None:
    with Command(folder, "serve", "--port", "0", "--data-dir", data) as served:
        served.wait_for("listening")
        with Runner.connect(data) as runner:
            train(runner, "polite")
        (folder / "waiting").mkdir()
        with Command(folder / "waiting", "wait", "x", "--data-dir", data) as command:
            command.wait_for("x: InProgress")
            served.send(signal.SIGKILL).end()
            done = command.end()
    assert done.code == 1
    assert "no supervisor runs in" in done.err
    with Command(folder, "serve", "--port", "0", "--data-dir", data) as served:
        served.wait_for("listening").send(signal.SIGTERM).end()


# --- delete


def test_delete(folder: Path, data: Path, runner: Runner) -> None:
    runner.train(["true"], name="x").wait(30)
    assert run(folder, "delete", "x", "--data-dir", data) == Done(0, "x deleted\n", "")
    assert runner.list() == []
    assert not (data / "jobs" / "training" / "x").exists()


def test_delete_where_no_supervisor_runs(folder: Path, data: Path) -> None:
    """One that `submit` has started has left by the time that a job can be deleted."""
    has_ended(started(submit(folder, request_of(folder, "x", {"ContainerEntrypoint": ["true"]}))))
    done = run(folder, "delete", "x", "--json", "--data-dir", data)
    assert json.loads(done.out) == {"kind": "training", "name": "x"}
    wait_until(lambda: not list(leftovers.processes(data)), within=20, saying="its supervisor stays")
    with opened(data) as reader:
        assert reader.list() == []


def test_delete_of_a_job_that_has_not_ended(folder: Path, data: Path, runner: Runner) -> None:
    train(runner, "polite")
    done = run(folder, "delete", "x", "--data-dir", data)
    assert done == Done(1, "", "runner: training/x has not ended: it is InProgress\n")
    runner.stop("x")


# --- what is shown


def told(**members: object) -> dict[str, object]:
    job = {"name": "x", "status": "Stopping", "secondary_status": "Stopping", "phase": "stopping"}
    stop = {"grace": 30, "left": 12.34, "killed": None}
    return {"job": job, "stop": stop, "over": False, "living": [], "last_line": None, "trainings": None, **members}


def process(pid: int, name: str = "python") -> dict[str, object]:
    return {"pid": pid, "inner": 1, "name": name}


def test_what_is_shown_of_a_stop() -> None:
    assert progress.lines(told()) == ["x: Stopping, SIGKILL in 12.3 s"]
    assert progress.lines(told(living=[process(7, "a\x1b")], last_line="\x1b[2J")) == [
        "x: Stopping, SIGKILL in 12.3 s",
        "  alive: a\\x1b (pid 7)",
        "  \\x1b[2J",
    ]
    killed = {"grace": 30, "left": 0.0, "killed": "deadline"}
    assert progress.headline(told(stop=killed)) == "x: Stopping, SIGKILL was sent, for its grace is over"
    uploading = {"name": "x", "status": "Stopping", "secondary_status": "Uploading"}
    assert progress.headline(told(job=uploading, over=True)) == "x: Stopping (Uploading)"


def test_of_many_processes_some_are_named() -> None:
    many = [process(number) for number in range(1, 9)]
    assert progress.living(told(living=many)).endswith("python (pid 5) and 3 more")


def test_what_is_worth_a_line() -> None:
    assert progress.key(told()) == progress.key(told(stop={"grace": 30, "left": 1.0, "killed": None}, last_line="new"))
    for change in ({"living": [process(1)]}, {"trainings": {"launched": 2, "running": 1}}, {"stop": {"killed": "now"}}):
        assert progress.key(told()) != progress.key(told(**change))
