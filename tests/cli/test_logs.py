"""`runner logs`: what there is, and what comes."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from runner import Objective, Runner
from runner.diagnosis.report import LogLine
from tests import leftovers
from tests.cli.commanding import ESCAPE, Command, Done, run
from tests.cli.jobs import python, ready, request, started, submit
from tests.probing import probe
from tests.waiting import LATE

TALKING = """if True:
    import signal, sys, time
    signal.signal(signal.SIGTERM, lambda *_: (print("leaving"), sys.exit(0)))
    print("ready")
    while True:
        time.sleep(0.05)
        print("going on")
"""


def test_lines_are_shown_and_never_obeyed(folder: Path, data: Path) -> None:
    with Runner(data_dir=data) as runner:
        runner.train(["printf", r"red \033[31m\n\ttab\n\r50%%\r100%%\nend"], name="x").wait(30)
    done = run(folder, "logs", "x", "--data-dir", data)
    assert done == Done(0, "red \\x1b[31m\n    tab\n\\r50%\\r100%\nend\n", "")
    told = [json.loads(line) for line in run(folder, "logs", "x", "--json", "--data-dir", data).out.splitlines()]
    assert [line["text"] for line in told] == ["red \x1b[31m", "\ttab", "\r50%\r100%", "end"]
    assert told[0]["time"] > 1e9


def test_timestamps(folder: Path, data: Path) -> None:
    with Runner(data_dir=data) as runner:
        runner.train(["echo", "one"], name="x").wait(30)
    done = run(folder, "logs", "x", "--timestamps", "--data-dir", data)
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d one\n", done.out)


def test_follow_shows_what_comes_until_the_end(folder: Path, data: Path) -> None:
    with Runner(data_dir=data) as runner:
        job = runner.train(python(TALKING)["ContainerEntrypoint"], name="x", grace=30)
        job.wait_for_log("going on")
        with Command(folder, "logs", "x", "--follow", "--data-dir", data) as command:
            command.wait_for("going on")
            job.stop()
            done = command.end()
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == "ready"
    assert lines[-1] == "leaving"
    assert lines == [line.text for line in _logs(data, "x")]


def test_ctrl_c_leaves_the_job_alone(folder: Path, data: Path) -> None:
    with Runner(data_dir=data) as runner:
        job = runner.train(probe("polite"), name="x")
        with Command(folder, "logs", "x", "-f", "--data-dir", data) as command:
            done = command.wait_for("ready").send(signal.SIGINT).end()
        assert (done.code, done.err) == (130, "runner: x goes on\n")
        assert job.status == "InProgress"
        job.stop()


def test_follow_across_the_end_of_a_supervisor(folder: Path, data: Path) -> None:
    """Each line once, whoever told it: the first supervisor, the log alone, the second supervisor."""
    with Command(folder, "serve", "--port", "0", "--data-dir", data) as served:
        served.wait_for("listening")
        with Runner.connect(data) as runner:
            job = runner.train(python(TALKING)["ContainerEntrypoint"], name="x", grace=30)
            job.wait_for_log("going on")
        (folder / "follow").mkdir()
        with Command(folder / "follow", "logs", "x", "--follow", "--data-dir", data) as following:
            following.wait_for("going on")
            served.send(signal.SIGKILL).end()
            following.wait_for(f"no supervisor runs in {data}: what the job prints is read from its log from here on")
            (folder / "next").mkdir()
            with Command(folder / "next", "serve", "--port", "0", "--data-dir", data) as another:
                another.wait_for("listening")
                following.wait_for("a supervisor runs again")
                with Runner.connect(data) as runner:
                    assert runner.stop("x").verdict == "graceful"
                done = following.end()
                another.send(signal.SIGTERM).end()
    assert done.code == 0
    assert done.out.splitlines() == [line.text for line in _logs(data, "x")]
    assert done.err.count("\n") == 2


def test_follow_to_the_end_of_a_program_whose_supervisor_was_killed(folder: Path, data: Path) -> None:
    pid = started(submit(folder, request(folder, "x")))
    with Runner.connect(data) as runner:
        ready(runner, "x")
    (folder / "follow").mkdir()
    with Command(folder / "follow", "logs", "x", "--follow", "--data-dir", data) as following:
        following.wait_for("ready")
        os.kill(pid, signal.SIGKILL)
        done = following.end()
    assert done.code == 0
    assert done.out.splitlines()[-1] == "got SIGTERM"
    assert "the program has ended; x ends when a supervisor runs again" in done.err
    assert not list(leftovers.processes(data))


def test_follow_of_a_job_that_has_ended(folder: Path, data: Path) -> None:
    with Runner(data_dir=data) as runner:
        runner.train(["echo", "one"], name="x").wait(30)
        assert run(folder, "logs", "x", "-f", "--data-dir", data) == Done(0, "one\n", "")
    assert run(folder, "logs", "x", "-f", "--data-dir", data) == Done(0, "one\n", "")


def test_follow_ends_with_its_reader_and_not_at_the_next_line(folder: Path, data: Path) -> None:
    with Runner(data_dir=data) as runner:
        job = runner.train(probe("polite"), name="x")
        job.wait_for_log("ready")
        with reading(folder, data) as (command, output):
            assert output.readline().startswith(b"ready")
            output.close()
            assert command.end(within=LATE) == Done(0, "", "")
        assert job.status == "InProgress"
        job.stop()


def test_follow_ends_with_its_reader_where_no_supervisor_runs(folder: Path, data: Path) -> None:
    with Command(folder, "serve", "--port", "0", "--data-dir", data) as served:
        served.wait_for("listening")
        with Runner.connect(data) as runner:
            runner.train(probe("polite"), name="x").wait_for_log("ready")
        (folder / "follow").mkdir()
        with reading(folder / "follow", data) as (command, output):
            assert output.readline().startswith(b"ready")
            served.send(signal.SIGKILL).end()
            command.wait_for("no supervisor runs in")
            output.close()
            assert command.end(within=LATE).code == 0
    with Runner(data_dir=data) as runner:
        runner.stop("x")


@contextlib.contextmanager
def reading(folder: Path, data: Path) -> Iterator[tuple[Command, BinaryIO]]:
    """A command that follows the job x, and the end of a pipe from which its output is read."""
    read, write = os.pipe()
    with open(read, "rb") as output:
        try:
            command = Command(folder, "logs", "x", "-f", "--data-dir", data, stdout=write)
        finally:
            os.close(write)
        with command:
            yield command, output


def test_a_tuning_job_says_where_to_look(folder: Path, data: Path) -> None:
    with Runner(data_dir=data) as runner:
        search = runner.tune(
            ["true"],
            name="search",
            ranges={"rate": (0.1, 1.0)},
            objective=Objective("x", "x=([0-9.]+)", "Maximize"),
            max_jobs=1,
        )
        search.wait(30)
        (training,) = search.trainings()
        done = run(folder, "logs", "search", "--data-dir", data)
    assert done == Done(0, "", f"runner: a tuning job prints nothing itself; its trainings: {training.name}\n")


def test_a_terminal_gets_the_same(folder: Path, data: Path) -> None:
    with Runner(data_dir=data) as runner:
        runner.train(["printf", r"\033[2J\n"], name="x").wait(30)
    done = run(folder, "logs", "x", "--data-dir", data, terminal=True)
    assert ESCAPE not in done.out


def _logs(data: Path, name: str) -> list[LogLine]:
    with Runner.read(data) as reader:
        return list(reader.logs(name))
