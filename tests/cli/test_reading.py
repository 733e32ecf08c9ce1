"""`runner list` and `describe`: of a running supervisor, and of a directory that nobody serves."""

from __future__ import annotations

import json
import os
import re
import threading
from pathlib import Path

import pytest

from runner import Objective, Runner
from runner.cli import times
from runner.cli.describing import lines
from tests.cli.commanding import ESCAPE, Command, Done, run
from tests.cli.jobs import python, ready, request_of, submit
from tests.probing import probe
from tests.waiting import wait_until

HEADS = ["NAME", "TYPE", "STATUS", "SECONDARY", "STARTED", "RAN", "EXIT", "ISOLATION"]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with jobs of each end, which nobody serves any more."""
    data = tmp_path_factory.mktemp("recorded") / "data"
    with Runner(data_dir=data) as runner:
        runner.train(["true"], name="good").wait(30)
        runner.train(["sh", "-c", "exit 3"], name="bad").wait(30)
        deaf = runner.train(probe("no-handler"), name="deaf", grace=0.3)
        deaf.wait_for_log("^ready")
        deaf.stop()
        runner.tune(
            ["true"],
            name="search",
            ranges={"rate": (0.1, 1.0)},
            objective=Objective("x", "x=([0-9.]+)", "Maximize"),
            max_jobs=1,
        ).wait(30)
        runner.train(["true"], name="search").wait(30)
    return data


def rows(text: str) -> dict[str, list[str]]:
    """Name of a job -> the words of its line."""
    return {line.split()[0]: line.split()[1:] for line in text.splitlines()[1:]}


# --- list


def test_a_line_for_each_job(folder: Path, recorded: Path) -> None:
    done = run(folder, "list", "--data-dir", recorded)
    assert (done.code, done.err) == (0, "")
    head, *lines = done.out.splitlines()
    assert head.split() == HEADS
    assert [line.split()[0] for line in lines][:4] == ["good", "bad", "deaf", "search"]
    found = rows(done.out)
    assert found["good"][:3] == ["training", "Completed", "Completed"]
    assert found["good"][4:] == ["0", "s", "0", "pid1"]
    assert found["bad"][1:3] == ["Failed", "Failed"]
    assert "3" in found["bad"]
    assert "SIGKILL" in found["deaf"]
    assert ESCAPE not in done.out
    assert all(line == line.rstrip() for line in done.out.splitlines())


def test_a_tuning_job_has_no_isolation_of_its_own(folder: Path, recorded: Path) -> None:
    done = run(folder, "list", "--kind", "tuning", "--data-dir", recorded)
    (line,) = done.out.splitlines()[1:]
    assert line.split()[:2] == ["search", "tuning"]
    assert "pid1" not in line


def test_json(folder: Path, recorded: Path) -> None:
    done = run(folder, "list", "--json", "--data-dir", recorded)
    jobs = json.loads(done.out)["jobs"]
    assert [job["name"] for job in jobs[:3]] == ["good", "bad", "deaf"]
    assert jobs[1]["exit_code"] == 3
    assert "resources" not in jobs[0]


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_a_terminal_of_any_width(folder: Path, recorded: Path, columns: int) -> None:
    done = run(folder, "list", "--data-dir", recorded, terminal=True, variables={"COLUMNS": str(columns)})
    shown = re.sub(r"\x1b\[[\d;]*m", "", done.out).replace("\r", "")
    assert done.code == 0
    assert ESCAPE in done.out
    assert max(map(len, shown.splitlines())) <= columns
    assert "…" not in shown
    words = re.sub(r"\s+", " ", shown)
    assert all(word in words for word in ("good", "training", "Completed", "SIGKILL", "pid1", "search"))


def test_no_colour_where_none_is_wanted(folder: Path, recorded: Path) -> None:
    done = run(folder, "list", "--data-dir", recorded, terminal=True, variables={"NO_COLOR": "1"})
    assert "[3" not in done.out


def test_no_jobs(folder: Path, data: Path) -> None:
    with Runner(data_dir=data):
        done = run(folder, "list", "--data-dir", data)
        assert done == Done(0, "", "runner: no jobs\n")
        assert json.loads(run(folder, "list", "--json", "--data-dir", data).out) == {"jobs": []}


def test_resources_of_what_runs(folder: Path, data: Path) -> None:
    code = """if True:
        import subprocess
        child = subprocess.Popen(["sleep", "60"])
        much = bytearray(40_000_000)
        print("ready")
        while True:
            pass
    """
    with Runner(data_dir=data) as runner:
        submit(folder, request_of(folder, "busy", python(code)))
        ready(runner, "busy")
        runner.train(["true"], name="over").wait(30)
        done = run(folder, "list", "--resources", "--json", "--data-dir", data)
        busy, over = json.loads(done.out)["jobs"]
        assert over["resources"] is None
        assert busy["resources"]["processes"] == 2
        assert 40e6 < busy["resources"]["memory_bytes"] < 200e6
        assert busy["resources"]["cpu_percent"] > 0
        text = run(folder, "list", "--resources", "--data-dir", data)
        assert text.out.splitlines()[0].split() == [*HEADS, "PROCESSES", "CPU", "MEMORY"]
        assert re.search(r"pid1\s+2\s+\d+%\s+\d+\.\d MB$", text.out.splitlines()[1])
        assert text.out.splitlines()[2].endswith("pid1")
        runner.stop("busy", now=True)


def test_resources_of_a_plain_job_and_what_has_left_it(folder: Path, data: Path) -> None:
    code = """if True:
        import subprocess, time
        child = subprocess.Popen(["setsid", "sh", "-c", "sleep 60 & sleep 60"])
        print("ready")
        time.sleep(60)
    """
    with Runner(data_dir=data) as runner:
        job = runner.train(python(code)["ContainerEntrypoint"], name="spread", isolation="plain")
        job.wait_for_log("^ready")

        def count() -> int:
            done = run(folder, "list", "--resources", "--json", "--data-dir", data)
            return int(json.loads(done.out)["jobs"][0]["resources"]["processes"])

        wait_until(lambda: count() == 4, within=20, saying=lambda: f"{count()} processes")
        job.stop(now=True)


# --- describe


def test_describe_as_json_is_the_answer_of_the_api(folder: Path, recorded: Path) -> None:
    done = run(folder, "describe", "deaf", "--json", "--data-dir", recorded)
    with Runner.read(recorded) as reader:
        assert json.loads(done.out) == reader.describe("deaf")
    assert (done.code, done.err) == (0, "")


def test_describe_as_text(folder: Path, recorded: Path) -> None:
    done = run(folder, "describe", "bad", "--data-dir", recorded)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(
        "TrainingJobName: bad\nTrainingJobArn: arn:aws:sagemaker:us-east-1:123456789012:training-job/bad\n"
    )
    assert "\nTrainingJobStatus: Failed\n" in done.out
    assert "\n  - Status: Starting\n    StartTime: 20" in done.out
    assert "\n  ContainerEntrypoint:\n    - sh\n    - -c\n    - exit 3\n" in done.out


def test_describe_of_a_running_supervisor(folder: Path, data: Path) -> None:
    with Runner(data_dir=data) as runner:
        runner.train(probe("polite"), name="here").wait_for_log("^ready")
        assert "SecondaryStatus: Training\n" in run(folder, "describe", "here", "--data-dir", data).out
        runner.stop("here", now=True)


def test_two_types_of_one_name(folder: Path, recorded: Path) -> None:
    done = run(folder, "describe", "search", "--data-dir", recorded)
    assert (done.code, done.out) == (2, "")
    assert done.err == "runner: --kind: must be given: there are jobs named search of type training and tuning\n"
    done = run(folder, "describe", "search", "--kind", "tuning", "--data-dir", recorded)
    assert done.out.startswith("HyperParameterTuningJobName: search\n")


def test_values_of_every_form() -> None:
    described = {
        "Text": "two\nlines\x1b[31m",
        "Truth": True,
        "Number": 0.5,
        "Nothing": None,
        "Empty": {},
        "CreationTime": 1_000_000_000.25,
        "Inside": {"List": [{"A": 1, "B": [1, 2]}, {"A": 2}], "Deep": {"C": "x"}},
    }
    assert list(lines(described)) == [
        "Text: two\\nlines\\x1b[31m",
        "Truth: true",
        "Number: 0.5",
        "Nothing: null",
        "Empty: {}",
        f"CreationTime: {times.exact(1_000_000_000.25)}",
        "Inside:",
        "  List:",
        "    - A: 1",
        "      B:",
        "        - 1",
        "        - 2",
        "    - A: 2",
        "  Deep:",
        "    C: x",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.9, "59 s"), (60, "1 min 0 s"), (3_599, "59 min 59 s"), (3_660, "1 h 1 min"), (90_000, "1 d 1 h")],
)
def test_durations(seconds: float, text: str) -> None:
    assert times.duration(seconds) == text


def test_instants() -> None:
    now = 1_000_000_000.0
    assert re.fullmatch(r"\d\d:\d\d:\d\d", times.recent(now - 1, now))
    assert re.fullmatch(r"2001-09-0\d", times.recent(now - 86_400, now))
    assert re.fullmatch(r"2001-09-0\dT\d\d:\d\d:40\.000[+-]\d\d:\d\d", times.exact(now))


# --- what cannot be

NAMED = ["describe", "logs", "stop", "wait", "delete", "report"]


@pytest.mark.parametrize("command", NAMED)
def test_an_unknown_name(folder: Path, recorded: Path, command: str) -> None:
    done = run(folder, command, "nobody", "--data-dir", recorded)
    assert done == Done(1, "", "runner: there is no job with the name nobody\n")


@pytest.mark.parametrize(
    ("command", "name"),
    [*((command, "a\x1b[31mb\n") for command in NAMED), *(("wait", name) for name in ("", "x" * 64, "../x", "\udcff"))],
)
def test_what_can_be_no_name(folder: Path, recorded: Path, command: str, name: str) -> None:
    done = run(folder, command, name, "--data-dir", recorded)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("runner: NAME: must ")
    assert done.err.count("\n") == 1
    assert done.err.strip().isprintable()


@pytest.mark.parametrize("where", ["recorded", "nowhere"])
@pytest.mark.parametrize("command", ["list", *NAMED])
def test_an_unknown_type(folder: Path, recorded: Path, command: str, where: str) -> None:
    name = [] if command == "list" else ["good"]
    directory = recorded if where == "recorded" else folder / where
    done = run(folder, command, *name, "--kind", "nap", "--data-dir", directory)
    assert done == Done(2, "", "runner: --kind: must be one of compilation, training, tuning, not 'nap'\n")


@pytest.mark.parametrize("command", NAMED)
def test_another_type_than_its_own(folder: Path, recorded: Path, command: str) -> None:
    done = run(folder, command, "good", "--kind", "tuning", "--data-dir", recorded)
    assert done == Done(1, "", "runner: there is no tuning job with the name good\n")


@pytest.mark.parametrize("command", ["list", *NAMED])
def test_no_data_directory(folder: Path, command: str) -> None:
    name = [] if command == "list" else ["x"]
    done = run(folder, command, *name, "--data-dir", "none")
    assert done == Done(1, "", f"runner: {folder}/none is no data directory, and no supervisor runs there\n")
    assert not (folder / "none").exists()


@pytest.mark.parametrize("place", ["file", "file/data"])
@pytest.mark.parametrize("command", ["list", *NAMED])
def test_what_can_be_no_data_directory(folder: Path, command: str, place: str) -> None:
    (folder / "file").touch()
    name = [] if command == "list" else ["x"]
    done = run(folder, command, *name, "--data-dir", place)
    assert done == Done(2, "", f"runner: {folder}/{place} cannot be used as a data directory: it is no directory\n")


@pytest.mark.parametrize("command", ["list", *NAMED])
def test_records_that_are_none(folder: Path, command: str) -> None:
    (folder / "broken").mkdir()
    (folder / "broken" / "records.sqlite").write_bytes(b"not a database at all" * 100)
    name = [] if command == "list" else ["x"]
    done = run(folder, command, *name, "--data-dir", "broken")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"runner: {folder}/broken/records.sqlite cannot be opened: ")
    assert done.err.count("\n") == 1


# --- a reader that has enough


@pytest.mark.parametrize("arguments", [["list"], ["list", "--json"], ["describe", "good"], ["logs", "good"]])
def test_a_pipe_that_is_closed(folder: Path, recorded: Path, arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with Command(folder, *arguments, "--data-dir", recorded, stdout=writing) as command:
        os.close(writing)
        done = command.end()
    assert (done.code, done.err) == (0, "")


def test_a_pipe_that_closes_after_the_first_line(folder: Path, data: Path) -> None:
    with Runner(data_dir=data) as runner:
        runner.train(["seq", "1", "200000"], name="long").wait(30)
        reading, writing = os.pipe()
        with Command(folder, "logs", "long", "--data-dir", data, stdout=writing) as command:
            os.close(writing)
            assert os.read(reading, 2) == b"1\n"
            os.close(reading)
            done = command.end()
        assert (done.code, done.err) == (0, "")


def test_all_of_a_long_log(folder: Path, data: Path) -> None:
    with Runner(data_dir=data) as runner:
        runner.train(["seq", "1", "500000"], name="long").wait(30)
    read: list[bytes] = []
    reading, writing = os.pipe()

    def drain() -> None:
        while part := os.read(reading, 1 << 16):
            read.append(part)

    thread = threading.Thread(target=drain)
    thread.start()
    with Command(folder, "logs", "long", "--data-dir", data, stdout=writing) as command:
        os.close(writing)
        assert command.end().code == 0
    thread.join(timeout=20)
    os.close(reading)
    assert b"".join(read) == b"".join(b"%d\n" % number for number in range(1, 500_001))
