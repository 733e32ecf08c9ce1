"""`runner serve`: others connect to it, and it ends its jobs before it ends."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner import Runner
from runner.api.job import Job
from tests import leftovers
from tests.cli.commanding import Command, Done, run
from tests.probing import probe
from tests.waiting import wait_until


@pytest.fixture
def served(folder: Path) -> Iterator[Command]:
    """A supervisor of the directory `data`."""
    with Command(folder, "serve", "--port", "0", "--data-dir", folder / "data") as command:
        yield command.wait_for("listening")


def data(folder: Path) -> Path:
    return folder / "data"


def train(runner: Runner, *program: object, grace: float = 30, isolation: str = "pid1") -> Job:
    job = runner.train(probe(*map(str, program)), grace=grace, isolation=isolation)
    job.wait_for_log("^ready")
    return job


def test_prints_one_line(folder: Path, served: Command) -> None:
    assert re.fullmatch(r"runner listening on http://127\.0\.0\.1:\d+\n", served.out)
    done = served.send(signal.SIGTERM).end()
    assert done == Done(0, served.out, "")


def test_relative_path_and_variable(folder: Path) -> None:
    with Command(folder, "serve", "--port", "0", variables={"RUNNER_DATA_DIR": "relative"}) as command:
        command.wait_for("listening")
        assert (folder / "relative" / "supervisor.sock").is_socket()
        assert command.send(signal.SIGINT).end().code == 0


@pytest.mark.parametrize("host", ["::1", "localhost", "127.9.9.9"])
def test_other_addresses_of_the_loopback(folder: Path, host: str) -> None:
    with Command(folder, "serve", "--port", "0", "--host", host, "--data-dir", data(folder)) as command:
        command.wait_for("listening")
        shown = {"::1": "[::1]", "localhost": "127.0.0.1"}.get(host, host)
        assert command.out.startswith(f"runner listening on http://{shown}:")
        assert command.send(signal.SIGINT).end().code == 0


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", ""])
def test_nothing_but_the_loopback(folder: Path, host: str) -> None:
    done = run(folder, "serve", "--port", "0", "--host", host, "--data-dir", data(folder))
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("runner: --host: must be an address of the loopback, such as 127.0.0.1, not ")
    assert not data(folder).exists()


def test_a_port_that_is_taken(folder: Path, served: Command) -> None:
    port = served.out.rpartition(":")[2].strip()
    done = run(folder, "serve", "--port", port, "--data-dir", folder / "other")
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        f"runner: cannot listen on 127.0.0.1 port {port}: Address already in use; --port 0 takes any free one\n"
    )
    assert served.send(signal.SIGTERM).end().code == 0


def test_connect(folder: Path, served: Command) -> None:
    runner = Runner.connect(data(folder))
    job = train(runner, "polite")
    assert job.status == "InProgress"
    assert job.stop().verdict == "graceful"
    assert job.status == "Stopped"
    runner.close()
    assert served.send(signal.SIGTERM).end().code == 0


def test_second_one_names_the_first(folder: Path, served: Command) -> None:
    (folder / "second").mkdir()
    port = served.out.rpartition(":")[2].strip()
    done = run(folder / "second", "serve", "--port", port, "--data-dir", data(folder))
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        f"runner: {data(folder)} is in use by pid {served.process.pid}; a second server needs another --data-dir, and "
        "a --port that is free\n"
    )
    # The first one is unharmed.
    runner = Runner.connect(data(folder))
    assert runner.list() == []
    runner.close()
    assert served.send(signal.SIGTERM).end().code == 0


@pytest.mark.parametrize("isolation", ["pid1", "plain"])
def test_sigterm_stops_the_jobs(folder: Path, served: Command, isolation: str) -> None:
    runner = Runner.connect(data(folder))
    slow = train(runner, "slow", 0.5, isolation=isolation)
    deaf = train(runner, "deaf", grace=0.3, isolation=isolation)
    runner.close()
    done = served.send(signal.SIGTERM).end(within=10)
    assert done == Done(
        0,
        served.out,
        f"runner: stopping 2 jobs ({slow.name}, {deaf.name}); SIGKILL in 30 s at the latest; a second signal kills at "
        "once\nrunner: all jobs have ended\n",
    )
    reader = Runner.read(data(folder))
    assert [job["status"] for job in reader.list()] == ["Stopped", "Stopped"]
    assert reader.report(slow.name).verdict == "graceful"
    assert reader.report(deaf.name).findings[0].code == "ignored"
    reader.close()


def test_a_terminal_has_a_countdown(folder: Path) -> None:
    with Command(folder, "serve", "--port", "0", "--data-dir", folder / "data", terminal=True, together=True) as served:
        served.wait_for_terminal("listening")
        with Runner.connect(data(folder)) as runner:
            job = train(runner, "deaf", grace=2)
        done = served.send(signal.SIGINT).end()
    assert done.code == 0
    left = [float(number) for number in re.findall(rf"{job.name}: Stopping, SIGKILL in (\d+\.\d) s", done.out)]
    assert len(left) >= 3
    assert left == sorted(left, reverse=True)
    assert re.search(r"alive: python\S* \(pid \d+\)", done.out)
    assert done.out.endswith("runner: all jobs have ended\r\n")


def test_takes_no_more_jobs_while_it_ends(folder: Path, served: Command) -> None:
    runner = Runner.connect(data(folder))
    job = train(runner, "slow", 1)
    served.send(signal.SIGTERM)
    wait_until(lambda: job.status == "Stopping", within=5, saying=lambda: job.status)
    with pytest.raises(Exception, match="takes no more jobs"):
        runner.train(probe("polite"))
    runner.close()
    assert served.end(within=10).code == 0


def test_two_signals_kill(folder: Path, served: Command) -> None:
    runner = Runner.connect(data(folder))
    job = train(runner, "deaf", grace=60)
    served.send(signal.SIGTERM)
    wait_until(lambda: job.status == "Stopping", within=5, saying=lambda: job.status)
    runner.close()
    assert served.send(signal.SIGTERM).end(within=5).code == 0
    reader = Runner.read(data(folder))
    report = reader.report(job.name)
    reader.close()
    (kill,) = (entry for entry in report.timeline if entry["event"] == "kill")
    assert kill["why"] == "now"


def test_directory_that_cannot_be_made(folder: Path) -> None:
    (folder / "file").touch()
    for path in ("file", "file/data"):
        done = run(folder, "serve", "--port", "0", "--data-dir", folder / path)
        assert done == Done(2, "", f"runner: {folder}/{path} cannot be used as a data directory: it is no directory\n")


@pytest.mark.parametrize(
    ("option", "value", "rule"),
    [
        ("--port", "99999", "must be a number from 0 to 65535, not 99999"),
        ("--services", "s3,ec2", "must be some of s3, sts, iam, not 'ec2'"),
        ("--services", "s3,,sts", "must be names with one comma between two, not 's3,,sts'"),
    ],
)
def test_what_an_option_cannot_be(folder: Path, option: str, value: str, rule: str) -> None:
    done = run(folder, "serve", option, value, "--data-dir", data(folder))
    assert done == Done(2, "", f"runner: {option}: {rule}\n")
    assert not data(folder).exists()


def test_killed_server_leaves_its_jobs_to_the_next(folder: Path, served: Command) -> None:
    runner = Runner.connect(data(folder))
    job = train(runner, "polite")
    runner.close()
    served.send(signal.SIGKILL).end()
    assert [line for line in leftovers.processes(data(folder)) if "runner-keeper" in line]
    with Command(folder, "serve", "--port", "0", "--data-dir", data(folder)) as following:
        following.wait_for("listening")
        runner = Runner.connect(data(folder))
        assert runner.job(job.name).status == "InProgress"
        assert runner.stop(job.name).verdict == "graceful"
        runner.close()
        assert following.send(signal.SIGTERM).end().code == 0
    assert os.path.isdir(data(folder))
