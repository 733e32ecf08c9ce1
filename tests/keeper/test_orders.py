"""Orders on the keeper's socket: repeated ones, senseless ones, and who may give any."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.errors import IsolationUnavailable, KeeperFailed
from runner.keeper.protocol import LARGEST_LINE, SOCKET, connect
from runner.lifecycle.facts import FactName, KillReason
from runner.lifecycle.stops import Isolation
from tests.keeper.bench import PID1, PLAIN, Bench, Room
from tests.keeper.conftest import MakeBench
from tests.probing import probe, state
from tests.waiting import LATE, wait_until

NOBODY = 65534


def test_a_repeated_launch_starts_one_process(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("polite"), room)
    for _ in range(3):
        bench.begin_launch(job).result(20)
    job.stop(grace=30)
    job.wait_gone()
    bench.begin_launch(job).result(20)
    assert len(job.facts(FactName.LAUNCH)) == len(job.facts(FactName.STARTED)) == 1
    assert job.log().count("ready") == 1


def test_a_repeated_stop_sends_one_signal_and_moves_no_deadline(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("tells", 60), room)
    job.stop(grace=0.4)
    for grace in (0, 0.1, 60):
        job.stop(grace)
    job.wait_gone()
    assert len(job.facts(FactName.STOP)) == len(job.facts(FactName.SIGNAL)) == len(job.facts(FactName.KILL)) == 1
    assert 0.4 <= job.seconds_to_kill() < 0.4 + LATE
    assert job.log().count("got SIGTERM") == 1


def test_a_job_twice_in_one_order_is_stopped_once(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("tells", 0.05), room)
    bench.stop([job, job], grace=30)
    job.wait_gone()
    assert len(job.facts(FactName.STOP)) == len(job.facts(FactName.SIGNAL)) == 1
    assert job.log().count("got SIGTERM") == 1


def test_a_repeated_kill_kills_once(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("deaf"), room)
    job.kill(KillReason.FACTS_DECIDE)
    job.kill(KillReason.NOW)
    job.wait_gone()
    job.kill()
    job.stop(grace=0)
    assert job.one(FactName.KILL)["why"] == "facts-decide"
    assert not job.facts(FactName.STOP)


def test_a_stop_of_another_attempt_does_nothing(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("deaf"), room)
    bench.changed(job, attempt=2).stop(grace=0)
    assert not job.facts(FactName.STOP)
    assert state(job.pid) not in {"", "Z"}


def test_a_job_that_lives_is_not_forgotten(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("polite"), room)
    bench.do(bench.backend.forget(job.launch.job))
    job.stop(grace=30)
    assert job.wait_gone()["code"] == 0
    bench.do(bench.backend.forget(job.launch.job))
    bench.do(bench.backend.forget(job.launch.job))
    bench.do(bench.backend.look(job.launch.job))
    assert words_after_gone(job.facts()) == []


def words_after_gone(facts: list[Any]) -> list[str]:
    names = [fact["fact"] for fact in facts]
    return names[names.index("gone") + 1 :]


def test_the_next_attempt_waits_for_the_end_of_the_one_before(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("polite"), room)
    with pytest.raises(KeeperFailed, match="attempt 1 of job-0 has not ended"):
        bench.begin_launch(bench.changed(job, attempt=2)).result(20)


def test_orders_for_unknown_jobs_do_nothing(bench: Bench, room: Room) -> None:
    unknown = bench.prepare(["true"], room)
    unknown.stop(grace=1)
    unknown.kill()
    bench.do(bench.backend.look("unknown"))
    bench.do(bench.backend.follow("unknown", True))
    bench.do(bench.backend.forget("unknown"))
    assert not unknown.facts()


def test_an_isolation_that_the_keeper_has_not_is_refused(bench: Bench, room: Room) -> None:
    with pytest.raises(IsolationUnavailable, match="docker does not work on this machine") as refused:
        bench.do(bench.backend.isolation(Isolation.DOCKER))
    assert room.isolation.value in str(refused.value).partition("What works: ")[2]
    with pytest.raises(IsolationUnavailable):
        bench.begin_launch(bench.changed(bench.prepare(["true"], room), isolation=Isolation.DOCKER)).result(20)
    assert bench.do(bench.backend.isolation(room.isolation)) is room.isolation


def test_a_job_whose_folder_is_missing_is_refused(bench: Bench, room: Room) -> None:
    job = bench.changed(bench.prepare(["true"], room), folder=bench.data_dir / "nowhere")
    with pytest.raises(KeeperFailed, match="No such file or directory"):
        bench.begin_launch(job).result(20)


# --- senseless orders, on a connection of the test's own


class Wire:
    """A connection to the keeper that sends whatever it likes."""

    def __init__(self, bench: Bench) -> None:
        self._peer = connect(str(bench.data_dir))
        self._peer.settimeout(10)
        self._lines = self._peer.makefile("rb")

    def send(self, data: bytes) -> None:
        self._peer.sendall(data)

    def ask(self, order: object) -> dict[str, Any]:
        """The answer, without the wake-ups that come between."""
        self.send(json.dumps(order).encode() + b"\n")
        while True:
            answer: dict[str, Any] = json.loads(self._lines.readline())
            if "id" in answer:
                return answer

    def is_closed(self) -> bool:
        """The keeper has hung up: the test waits for that."""
        with contextlib.suppress(ConnectionResetError):
            while self._lines.readline():
                pass
        return True

    def close(self) -> None:
        self._lines.close()
        self._peer.close()


@pytest.fixture
def wire(bench: Bench) -> Iterator[Wire]:
    connection = Wire(bench)
    yield connection
    connection.close()


def launch_order(bench: Bench, **changes: object) -> dict[str, Any]:
    folder = bench.data_dir / "jobs" / "odd"
    folder.mkdir(parents=True, exist_ok=True)
    order: dict[str, Any] = {"id": 1, "order": "launch", "job": "odd", "attempt": 1, "argv": ["true"]}
    order |= {"environment": {}, "working_directory": "/", "folder": str(folder), "isolation": "plain"}
    order |= {"grace": 1.0, "mounts": [], "memory": None, "watched": [], "temporary": None}
    return {name: value for name, value in (order | changes).items() if value is not ...}


ODD_LAUNCHES: list[dict[str, object]] = [
    {"job": ...},
    {"attempt": ...},
    {"argv": ...},
    {"environment": ...},
    {"working_directory": ...},
    {"folder": ...},
    {"isolation": ...},
    {"grace": ...},
    {"mounts": ...},
    {"memory": ...},
    {"watched": ...},
    {"temporary": ...},
    {"argv": []},
    {"argv": [1]},
    {"argv": None},
    {"environment": {"PATH": 7}},
    {"environment": [1]},
    {"grace": -1},
    {"grace": float("nan")},
    {"folder": 7},
    {"folder": "a\0b"},
    {"working_directory": None},
    {"isolation": "cardboard"},
    {"mounts": [["a"]]},
    {"mounts": [["/etc", "relative"]]},
    {"memory": "much"},
    {"memory": -1},
    {"job": []},
    {"attempt": "first"},
]


@pytest.mark.parametrize("room", [PLAIN], ids=["plain"])
def test_a_malformed_launch_is_refused_and_leaves_nothing(bench: Bench, wire: Wire) -> None:
    def descriptors() -> int:
        return len(os.listdir(f"/proc/{bench.backend.keeper_pid}/fd"))

    wire.ask({"id": 1, "order": "isolation", "wanted": "plain"})  # so that the connection is among them
    before = descriptors()
    for changes in ODD_LAUNCHES:
        answer = wire.ask(launch_order(bench, **changes))
        assert "error" in answer, changes
        assert answer["error"]["text"]
        assert os.listdir(bench.data_dir / "jobs" / "odd") == [], changes
    assert descriptors() == before
    assert "result" in wire.ask(launch_order(bench))


ODD_ORDERS: list[dict[str, object]] = [
    {},
    {"order": "dance"},
    {"order": ["stop"]},
    {"order": "stop"},
    {"order": "stop", "stops": 7},
    {"order": "stop", "stops": [7]},
    {"order": "stop", "stops": [{"job": "job-0", "attempt": 1}]},
    {"order": "stop", "stops": [{"job": "job-0", "attempt": 1, "grace": "long", "cause": "requested"}]},
    {"order": "kill", "jobs": ["job-0"], "why": "spite"},
    {"order": "kill", "jobs": None},
    {"order": "look"},
    {"order": "follow", "job": {}},
    {"order": "forget"},
    {"order": "bury", "job": "x", "folder": 5},
    {"order": "bury", "job": "x", "folder": "/nonexistent/folder"},
    {"order": "isolation", "wanted": "cardboard"},
    {"order": "own", "pid": "me", "start": 0, "policy": "private"},
    {"order": "own", "pid": 10**30, "start": 0, "policy": "private"},
    {"order": "own", "pid": 1, "start": 0, "policy": "mine"},
    {"order": "own"},
]


@pytest.mark.parametrize("room", [PLAIN], ids=["plain"])
def test_a_senseless_order_is_refused_and_the_jobs_go_on(bench: Bench, wire: Wire) -> None:
    job = bench.launch(probe("polite"), PLAIN)
    for number, order in enumerate(ODD_ORDERS):
        answer = wire.ask({"id": number, **order})
        assert answer["id"] == number, order
        assert answer["error"]["kind"] in ("malformed", "unknown"), order
    job.stop(grace=30)
    assert job.wait_gone()["code"] == 0


@pytest.mark.parametrize(
    "line",
    [b"hello\n", b"[]\n", b"7\n", b"\xff\xfe\n", b"[" * 100_000 + b"\n", b"x" * (LARGEST_LINE + 2)],
    ids=["text", "list", "number", "no UTF-8", "deep", "long"],
)
@pytest.mark.parametrize("room", [PLAIN], ids=["plain"])
def test_who_sends_what_is_no_order_is_hung_up_on(bench: Bench, wire: Wire, line: bytes) -> None:
    job = bench.launch(probe("polite"), PLAIN)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it may hang up before the end
        wire.send(line)
    assert wire.is_closed()
    job.stop(grace=30)
    assert job.wait_gone()["code"] == 0


def test_who_does_not_read_does_not_hold_up_the_keeper(bench: Bench, wire: Wire, room: Room) -> None:
    for number in range(20_000):
        wire.send(json.dumps({"id": number, "order": "look", "job": "x" * 100}).encode() + b"\n")
    job = bench.launch(probe("deaf"), room)
    job.stop(grace=0.2)
    job.wait_gone()
    assert 0.2 <= job.seconds_to_kill() < 0.2 + LATE


def test_orders_may_come_in_pieces_and_several_at_once(bench: Bench, wire: Wire) -> None:
    text = b"".join(json.dumps({"id": n, "order": "isolation", "wanted": "plain"}).encode() + b"\n" for n in (1, 2))
    for byte in text[:-10]:
        wire.send(bytes([byte]))
    wire.send(text[-10:])
    assert wire.ask({"id": 3, "order": "isolation", "wanted": "plain"})["id"] in (1, 2, 3)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_is_hung_up_on(make_bench: MakeBench) -> None:
    bench = make_bench()
    bench.data_dir.chmod(0o755)
    (bench.data_dir / SOCKET).chmod(0o777)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        answer = b"failed"
        try:
            # The folders above are closed to others: go in first.
            os.chdir(bench.data_dir)
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            peer = socket.socket(socket.AF_UNIX)
            peer.settimeout(10)
            peer.connect(SOCKET)
            answer = b"connected "
            try:
                peer.sendall(b'{"id": 1, "order": "isolation", "wanted": "plain"}\n')
                answer += peer.recv(100) or b"closed"
            except (BrokenPipeError, ConnectionResetError):
                answer += b"closed"
        finally:
            os.write(writing, answer)
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with open(reading, "rb") as pipe:
        assert pipe.read() == b"connected closed"


def test_a_data_directory_with_a_path_of_200_characters(nothing_left: Path, room: Room) -> None:
    name = "d" * (199 - len(str(nothing_left)))
    bench = Bench(nothing_left / name, cgroups=room.cgroups)
    try:
        assert len(str(bench.data_dir)) == 200
        job = bench.launch(probe("leaves-child", 1), room)
        job.stop(grace=30)
        assert job.wait_gone()["code"] == 0
        keeper = bench.backend.keeper_pid
    finally:
        bench.close()
    wait_until(lambda: state(keeper) in {"", "Z"}, within=5, saying="the keeper stays")


def test_two_keepers_do_not_disturb_each_other(make_bench: MakeBench) -> None:
    one, two = make_bench(), make_bench()
    jobs = [bench.launch(probe("polite"), room) for bench in (one, two) for room in (PID1, PLAIN)]
    one.close()
    assert [job.facts()[-1]["fact"] for job in jobs[:2]] == ["gone", "gone"]
    two.stop(jobs[2:], grace=30)
    assert [job.wait_gone()["code"] for job in jobs[2:]] == [0, 0]
