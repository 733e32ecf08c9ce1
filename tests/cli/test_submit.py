"""`runner submit`, and the supervisor that it starts in the background."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from runner import Runner
from runner.errors import NoSupervisor
from tests import leftovers
from tests.cli.commanding import Command, Done, run, surroundings
from tests.cli.jobs import has_ended, opened, python, ready, request, request_of, started, submit, summary
from tests.jobs.requests import compilation, training, tuning
from tests.probing import status as process
from tests.waiting import wait_until

ARN = "arn:aws:sagemaker:us-east-1:123456789012"


@pytest.fixture
def embedded(data: Path) -> Iterator[Runner]:
    """A supervisor in this process."""
    with Runner(data_dir=data) as runner:
        yield runner


# --- to a supervisor that runs


def test_name_and_arn(folder: Path, embedded: Runner) -> None:
    done = submit(folder, request(folder))
    assert done == Done(0, f"job-1 {ARN}:training-job/job-1\n", "")
    assert ready(embedded, "job-1").stop().verdict == "graceful"


def test_json(folder: Path, embedded: Runner) -> None:
    done = submit(folder, request(folder), "--json")
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out) == {"kind": "training", "name": "job-1", "arn": f"{ARN}:training-job/job-1"}
    ready(embedded, "job-1").stop(now=True)


@pytest.mark.parametrize(
    ("kind", "body", "arn"),
    [
        ("compilation", compilation(), f"trees-1 {ARN}:compilation-job/trees-1\n"),
        ("tuning", tuning(), f"search-1 {ARN}:hyper-parameter-tuning-job/search-1\n"),
    ],
)
def test_the_other_types(folder: Path, embedded: Runner, kind: str, body: dict[str, object], arn: str) -> None:
    (folder / "request.json").write_text(json.dumps(body))
    done = run(folder, "submit", kind, "request.json", "--data-dir", "data")
    assert done == Done(0, arn, "")
    embedded.wait(arn.split(maxsplit=1)[0], 30)


def test_standard_input(folder: Path, embedded: Runner) -> None:
    body = request(folder).read_bytes()
    reading, writing = os.pipe()
    os.write(writing, body)
    os.close(writing)
    with Command(folder, "submit", "training", "-", "--data-dir", "data", stdin=reading) as command:
        os.close(reading)
        assert command.end().code == 0
    ready(embedded, "job-1").stop(now=True)


def test_the_folder_and_the_environment_are_those_of_the_call(folder: Path, embedded: Runner) -> None:
    (folder / "here").mkdir()
    file = request_of(folder, "job-1", python("import os; print(os.getcwd(), os.environ.get('OF_THE_CALL'))"))
    done = run(
        folder / "here", "submit", "training", file, "--data-dir", folder / "data", variables={"OF_THE_CALL": "yes"}
    )
    assert done.code == 0
    assert embedded.wait("job-1", 30) == "Completed"
    assert [line.text for line in embedded.logs("job-1")] == [f"{folder}/here yes"]


def test_settings_of_a_supervisor_that_runs_already(folder: Path, embedded: Runner) -> None:
    (folder / "runner.toml").write_text("[grace]\ntraining = 7\n")
    done = submit(folder, request(folder), "--config", "runner.toml")
    assert done.code == 0
    assert done.err == "runner: --config: a supervisor runs already, and keeps its own settings\n"
    ready(embedded, "job-1").stop(now=True)


# --- in the background


def test_a_supervisor_is_started_and_leaves_after_its_last_job(folder: Path, data: Path) -> None:
    done = submit(folder, request(folder))
    assert done.out == f"job-1 {ARN}:training-job/job-1\n"
    pid = started(done)
    assert done.err.splitlines()[1:] == []
    second = submit(folder, request(folder, "job-2"))
    assert (second.code, second.err) == (0, "")
    with Runner.connect(data) as runner:
        assert ready(runner, "job-1").stop().verdict == "graceful"
        assert process(pid)["State"][0] in "SR"
        assert ready(runner, "job-2").stop().verdict == "graceful"
    has_ended(pid)
    assert not list(leftovers.processes(data))
    assert not (data / "supervisor.sock").exists()
    log = (data / "supervisor.log").read_text()
    assert f"supervisor {pid} listens" in log
    assert f"supervisor {pid} leaves" in log
    assert "Traceback" not in log


def test_it_belongs_to_no_terminal_and_holds_nothing_of_the_call(folder: Path, data: Path) -> None:
    pid = started(submit(folder, request(folder)))
    assert os.getsid(pid) == pid
    assert os.readlink(f"/proc/{pid}/cwd") == "/"
    assert int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[4]) == 0, "it has a terminal"
    targets = {number: os.readlink(f"/proc/{pid}/fd/{number}") for number in (0, 1, 2)}
    assert targets == {0: "/dev/null", 1: f"{data}/supervisor.log", 2: f"{data}/supervisor.log"}
    assert (data / "supervisor.log").stat().st_mode & 0o777 == 0o600
    assert data.stat().st_mode & 0o777 == 0o700


def test_sigterm_stops_its_jobs_with_their_graces(folder: Path, data: Path) -> None:
    pid = started(submit(folder, request(folder, "slow", "slow", "0.5")))
    submit(folder, request(folder, "deaf", "deaf", grace=0.5))
    with Runner.connect(data) as runner:
        for name in ("slow", "deaf"):
            ready(runner, name)
    os.kill(pid, signal.SIGTERM)
    has_ended(pid)
    with Runner.read(data) as reader:
        assert [job["status"] for job in reader.list()] == ["Stopped", "Stopped"]
        assert reader.report("slow").verdict == "graceful"
        assert reader.report("deaf").findings[0].code == "ignored"


def test_a_second_signal_kills(folder: Path, data: Path) -> None:
    pid = started(submit(folder, request(folder, "deaf", "deaf", grace=60)))
    with Runner.connect(data) as runner:
        job = ready(runner, "deaf")
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: job.status == "Stopping", within=5, saying=lambda: job.status)
    os.kill(pid, signal.SIGINT)
    has_ended(pid, within=10)
    assert summary(data, "deaf")["exit_signal"] == "SIGKILL"


def test_killed_its_jobs_get_their_stop(folder: Path, data: Path) -> None:
    """Nobody would keep their time limits, upload what they saved, or obey `runner stop`."""
    pid = started(submit(folder, request(folder)))
    with Runner.connect(data) as runner:
        ready(runner, "job-1")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not list(leftovers.processes(data)), within=20, saying="the job goes on")
    # The next supervisor finishes what this one has begun.
    submit(folder, request_of(folder, "job-2", python("")))
    with opened(data) as runner:
        assert runner.wait("job-1", 30) == "Stopped"
        assert runner.report("job-1").verdict == "graceful"


def test_its_settings(folder: Path, data: Path) -> None:
    (folder / "runner.toml").write_text('[images."digits"]\ncommand = ["echo", "in place of the image"]\n')
    file = request_of(folder, "job-1", {"TrainingImage": "digits", "TrainingInputMode": "File"})
    has_ended(started(submit(folder, file, "--config", "runner.toml")))
    assert run(folder, "logs", "job-1", "--data-dir", data).out == "in place of the image\n"


def test_a_connection_keeps_it(folder: Path, data: Path) -> None:
    pid = started(submit(folder, request(folder)))
    # Connected while it has a job: one that is leaving may still take a connection, and hang up.
    with Runner.connect(data) as runner:
        ready(runner, "job-1")
        assert runner.stop("job-1").verdict == "graceful"
        for number in range(2, 5):
            assert runner.train(["true"], name=f"job-{number}").wait(30) == "Completed"
    has_ended(pid)


def test_what_an_earlier_supervisor_left_goes_on(folder: Path, data: Path) -> None:
    with Command(folder, "serve", "--port", "0", "--data-dir", data) as served:
        served.wait_for("listening")
        submit(folder, request(folder))
        with Runner.connect(data) as runner:
            ready(runner, "job-1")
        served.send(signal.SIGKILL).end()
    pid = started(submit(folder, request_of(folder, "job-2", python(""))))
    with Runner.connect(data) as runner:
        assert runner.wait("job-2", 30) == "Completed"
        assert runner.job("job-1").status == "InProgress"
        assert runner.stop("job-1").verdict == "graceful"
    has_ended(pid)


# --- several at once


def test_many_at_once_start_one_supervisor(folder: Path, data: Path) -> None:
    done = at_once(folder, [request(folder, f"job-{number}") for number in range(4)])
    assert [one.code for one in done] == [0] * 4, done
    assert sum("started a supervisor" in one.err for one in done) == 1, done
    with Runner.connect(data) as runner:
        assert sorted(job["name"] for job in runner.list()) == [f"job-{number}" for number in range(4)]
        for number in range(4):
            ready(runner, f"job-{number}").stop(wait=False)


@pytest.mark.slow
def test_none_is_lost_while_supervisors_come_and_go(folder: Path, data: Path) -> None:
    """Jobs that end at once: each submit meets a supervisor that is about to leave."""
    for round_ in range(5):
        files = [request_of(folder, f"job-{round_}-{n}", {"ContainerEntrypoint": ["true"]}) for n in range(3)]
        done = at_once(folder, files)
        assert [one.code for one in done] == [0] * 3, done
    wait_until(lambda: not (data / "supervisor.sock").exists(), within=20, saying="the last supervisor stays")
    with Runner.read(data) as reader:
        assert [(job["name"], job["status"]) for job in reader.list() if job["status"] != "Completed"] == []
        assert len(reader.list()) == 15


def test_one_of_two_with_the_same_name(folder: Path, data: Path) -> None:
    done = sorted(at_once(folder, [request(folder), request(folder)]), key=lambda one: one.code)
    assert [one.code for one in done] == [0, 1]
    assert done[1].err.endswith("runner: a training job with the name job-1 exists already\n")


def at_once(folder: Path, files: list[Path]) -> list[Done]:
    done: list[Done] = []

    def one(number: int, file: Path) -> None:
        place = folder / f"of-{number}-{file.stem}"
        place.mkdir(exist_ok=True)
        done.append(run(place, "submit", "training", file, "--data-dir", folder / "data"))

    threads = [threading.Thread(target=one, args=(number, file)) for number, file in enumerate(files)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return done


def test_a_supervisor_that_is_leaving_refuses_and_the_next_one_takes_it(folder: Path, data: Path) -> None:
    runner = Runner(data_dir=data)
    service = runner.verbs

    async def retire() -> bool:
        return bool(service.retire())  # type: ignore[attr-defined]

    assert runner.call(retire())
    with Command(folder, "submit", "training", request(folder), "--data-dir", data) as command:
        # It is refused, again and again, until this one has gone.
        wait_until(lambda: _has_asked(runner), within=20, saying="nobody asks")
        runner.close()
        done = command.end()
    assert done.code == 0
    started(done)
    with Runner.connect(data) as runner:
        ready(runner, "job-1").stop()


def _has_asked(runner: Runner) -> bool:
    server = runner._ends[1].__self__  # type: ignore[attr-defined]
    return bool(server._visited.is_set())


@pytest.mark.slow
def test_one_that_goes_on_ending_is_given_up(folder: Path, data: Path) -> None:
    with Command(folder, "serve", "--port", "0", "--data-dir", data) as served:
        served.wait_for("listening")
        submit(folder, request(folder, "deaf", "deaf", grace=60))
        with Runner.connect(data) as runner:
            job = ready(runner, "deaf")
            served.send(signal.SIGTERM)
            wait_until(lambda: job.status == "Stopping", within=5, saying=lambda: job.status)
            done = submit(folder, request(folder))
            assert (done.code, done.out) == (1, "")
            assert done.err == "runner: this supervisor is ending and takes no more jobs\n"
            served.send(signal.SIGTERM).end()


# --- what cannot be


MISTAKES = {
    "broken": (b'{\n  "a": 1,\n}', "line 3, column 1: must be JSON: "),
    "binary": (b"\x00\xff\xfe", "must be a request in JSON, and so UTF-8: line 1 is not"),
    "latin": (b'{\n"a": "\xe9"}', "must be a request in JSON, and so UTF-8: line 2 is not"),
    "a-list": (b"[1]", "must be a JSON object, the request, not [1]"),
    "empty": (b" \n", "must be a request in JSON: it is empty"),
    "nan": (b'{"a": NaN}', "must be JSON: NaN is no number"),
    "deep": (b"[" * 100_000, "must not be nested so deeply"),
    "large": (b" " * (5 << 20), "must be a request in JSON of at most 4 MiB"),
    "twice": (b'{"Tags": [], "Tags": [{"Key": "a"}]}', "must be JSON: the member 'Tags' is there twice in one object"),
    "digits": (b'{"a": ' + b"1" * 10_000 + b"}", "must be JSON: "),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_file_that_is_no_request(folder: Path, mistake: str) -> None:
    data, rule = MISTAKES[mistake]
    (folder / "request.json").write_bytes(data)
    done = run(folder, "submit", "training", "request.json", "--data-dir", "data")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"runner: request.json: {rule}")
    assert done.err.count("\n") == 1
    assert not (folder / "data").exists()


@pytest.mark.parametrize(
    ("file", "rule"),
    [
        ("none.json", "none.json: cannot be read: No such file or directory"),
        (".", ".: cannot be read: Is a directory"),
        ("/dev/zero", "/dev/zero: must be a request in JSON of at most 4 MiB"),
        ("no\x1bne", "no\\x1bne: cannot be read: No such file or directory"),
        ("-", "standard input: must be a request in JSON: it is empty"),
    ],
)
def test_a_file_that_cannot_be_read(folder: Path, file: str, rule: str) -> None:
    done = run(folder, "submit", "training", file, "--data-dir", "data")
    assert done == Done(2, "", f"runner: {rule}\n")
    assert not (folder / "data").exists()


def test_a_member_that_breaks_a_rule(folder: Path, data: Path) -> None:
    done = submit(folder, request(folder, HyperParameters={"epochs": 3}))
    assert (done.code, done.out) == (2, "")
    assert done.err == "runner: HyperParameters.epochs: must be a string, not 3\n"
    assert not data.exists()


UNKNOWN: Mapping[str, tuple[dict[str, Any], str]] = {
    "StopingCondition": ({"StopingCondition": {}}, "did you mean StoppingCondition?"),
    "stoppingcondition": ({"stoppingcondition": {}}, "did you mean StoppingCondition?"),
    "Tags[1].Valu": ({"Tags": [{"Key": "a", "Value": "b"}, {"Key": "c", "Valu": "d"}]}, "did you mean Value?"),
    "Tags[0].xyz": ({"Tags": [{"Key": "a", "xyz": None}]}, "there are Key, Value"),
    "InputDataConfig[0].DataSource.S3DataSource.S3Ury": (
        {"InputDataConfig": [{"ChannelName": "a", "DataSource": {"S3DataSource": {"S3Ury": "s3://bucket/in"}}}]},
        "did you mean S3Uri?",
    ),
}


@pytest.mark.parametrize("path", UNKNOWN)
def test_a_member_that_there_is_not(folder: Path, path: str) -> None:
    members, meant = UNKNOWN[path]
    (folder / "request.json").write_text(json.dumps(training(**members)))
    done = run(folder, "submit", "training", "request.json", "--data-dir", "data")
    assert done == Done(2, "", f"runner: {path}: is no member of CreateTrainingJob; {meant}\n")
    assert not (folder / "data").exists()


def test_a_member_of_another_type_of_job(folder: Path) -> None:
    file = request(folder)
    for kind, operation in (("compilation", "CreateCompilationJob"), ("tuning", "CreateHyperParameterTuningJob")):
        done = run(folder, "submit", kind, file, "--data-dir", "data")
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith(f"runner: TrainingJobName: is no member of {operation}; ")


def test_names_that_are_free_are_not_looked_at(folder: Path, embedded: Runner) -> None:
    free = {"StopingCondition": "x"}
    done = submit(folder, request(folder, HyperParameters=free, Environment=free))
    assert (done.code, done.err) == (0, "")
    ready(embedded, "job-1").stop(now=True)


@pytest.mark.parametrize(("kind", "rule"), [("nap", "TYPE: must be one of compilation, training, tuning, not 'nap'")])
def test_an_unknown_type(folder: Path, kind: str, rule: str) -> None:
    done = run(folder, "submit", kind, request(folder), "--data-dir", "data")
    assert done == Done(2, "", f"runner: {rule}\n")


def test_settings_that_cannot_be_read(folder: Path) -> None:
    done = submit(folder, request(folder), "--config", "none.toml")
    assert done == Done(2, "", "runner: none.toml: must be a file that can be read: No such file or directory\n")
    assert not (folder / "data").exists()


def test_a_name_in_use_starts_no_supervisor(folder: Path, data: Path) -> None:
    with Runner(data_dir=data) as runner:
        runner.train(["true"], name="job-1").wait(30)
    assert submit(folder, request(folder)) == Done(1, "", "runner: a training job with the name job-1 exists already\n")
    assert not (data / "supervisor.log").exists()


def test_a_directory_that_cannot_be_one(folder: Path) -> None:
    (folder / "data").touch()
    done = submit(folder, request(folder))
    assert done == Done(2, "", f"runner: {folder}/data cannot be used as a data directory: it is no directory\n")


def test_an_isolation_that_cannot_be_had_leaves_no_job(folder: Path, data: Path) -> None:
    body = json.loads(request(folder).read_text())
    body["Tags"] = [{"Key": "runner:isolation", "Value": "docker"}]
    (folder / "request.json").write_text(json.dumps(body))
    done = submit(folder, folder / "request.json")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("runner: docker does not work on this machine: ")
    wait_until(lambda: not list(leftovers.processes(data)), within=20, saying="its supervisor stays")
    with Runner.read(data) as reader:
        assert reader.list() == []


@pytest.mark.slow
def test_a_supervisor_that_nobody_could_connect_to_is_gone(folder: Path, data: Path) -> None:
    """A lock of another process that never listens: the supervisor that cannot begin says why, with the pid."""
    data.mkdir(mode=0o700)
    with (data / "lock").open("w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        done = submit(folder, request(folder))
    assert (done.code, done.out) == (1, "")
    assert done.err == f"runner: {data} is in use by pid {os.getpid()}\n"
    with pytest.raises(NoSupervisor):
        Runner.connect(data)


def test_standard_input_that_is_closed(folder: Path) -> None:
    command = 'exec "$0" -m runner submit training - --data-dir data <&-'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable],
        cwd=folder,
        env={**os.environ, **surroundings(folder / "tmp")},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "runner: standard input: cannot be read: it is closed\n"


def test_ctrl_c_while_a_supervisor_is_waited_for(folder: Path, data: Path) -> None:
    data.mkdir(mode=0o700)
    with (data / "lock").open("w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        with Command(folder, "submit", "training", request(folder), "--data-dir", data) as command:
            wait_until((data / "supervisor.log").exists, within=20, saying="no supervisor is started")
            done = command.send(signal.SIGINT).end()
        wait_until(lambda: not list(leftovers.processes(data)), within=20, saying="what it has started stays")
    assert (done.code, done.out) == (130, "")
    assert done.err == "runner: interrupted; `runner describe job-1` tells whether it was started\n"
