"""A job's output: all of it, in order, at its time, whatever happens to the ends of the pipe. Case 58."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import signal
import struct
import sys
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest

from runner import clock
from runner.backends.base import log, marks
from runner.backends.local import Policy
from runner.keeper.output import Output
from runner.lifecycle.facts import FactName
from tests.keeper.bench import PID1, PLAIN, TREE, Attempt, Bench, Room
from tests.keeper.cases import case
from tests.keeper.conftest import MakeBench
from tests.probing import probe, script, status
from tests.waiting import LATE, wait_until

FLOOD = 100_000_000


def marks_of(job: Attempt) -> list[tuple[int, int]]:
    """Pairs of wall ns and size of the log."""
    return list(struct.iter_unpack("<qq", marks(job.launch.folder).read_bytes()))


def assert_marked(job: Attempt) -> None:
    found = marks_of(job)
    assert found == sorted(found)
    assert len({size for _, size in found}) == len(found)
    assert found[-1][1] == log(job.launch.folder).stat().st_size == job.one(FactName.GONE)["log"]


@case(58)
@pytest.mark.parametrize("shell", [False, True], ids=["python", "shell"])
def test_a_program_that_opens_its_output_by_name_loses_no_line(bench: Bench, room: Room, shell: bool) -> None:
    job = bench.launch(script("by-name.sh", 200) if shell else probe("by-name", 200), room)
    job.wait_gone()
    lines = [f"{name} {number}" for number in range(200) for name in ("stdout", "stderr")]
    assert job.log().splitlines()[1:] == lines
    assert_marked(job)


def test_half_a_line_and_last_words_are_kept(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("pieces"), room, ready="an open end")
    job.stop(grace=30)
    job.wait_gone()
    assert job.log().splitlines()[1:] == ["one line in pieces", "an open end, and the last words without one"]
    assert_marked(job)


def test_bytes_that_are_no_text_are_kept(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("binary"), room, ready="\x7e\x7f")
    job.stop(grace=30)
    job.wait_gone()
    first, rest = log(job.launch.folder).read_bytes().split(b"\n", 1)
    assert first.startswith(b"ready ")
    assert rest == bytes(range(256)) + b"\n\xff\xfe\x00\xc3\n" + b"got SIGTERM\n"
    assert_marked(job)


def test_silence_makes_an_empty_log(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("silent"), room, ready=None)
    wait_until(lambda: job.see()[0]["sigterm"] == "caught", within=10, saying="no handler")
    job.stop(grace=30)
    assert job.wait_gone()["code"] == 0
    assert log(job.launch.folder).read_bytes() == b""
    assert job.one(FactName.GONE)["log"] == 0


@pytest.mark.parametrize("room", [PLAIN], ids=["plain"])
def test_a_flood_passes_the_keeper_without_staying_in_it(bench: Bench) -> None:
    def memory() -> int:
        return int(status(bench.backend.keeper_pid)["VmRSS"].split()[0])

    bench.launch(probe("floods", 64 * 1024), PLAIN).wait_gone()
    before = memory()
    job = bench.launch(probe("floods", FLOOD), PLAIN)
    assert job.wait_gone()["code"] == 0
    assert memory() - before < 1024
    text = log(job.launch.folder).read_bytes().partition(b"\n")[2]
    assert len(text) == FLOOD
    assert all(int(text[at : at + 63]) * 64 == at for at in range(0, FLOOD, 64 * 9973))
    assert_marked(job)
    # At most one in 10 ms.
    times = [wall for wall, _ in marks_of(job)[:-1]]
    assert all(later - earlier >= 10_000_000 for earlier, later in pairwise(times))


def test_deadlines_hold_while_a_job_floods(bench: Bench, room: Room) -> None:
    flood = bench.launch(probe("floods", 1 << 40), room)
    deaf = bench.launch(probe("deaf"), room)
    deaf.stop(grace=0.3)
    deaf.wait_gone()
    flood.kill()
    flood.wait_gone()
    assert 0.3 <= deaf.seconds_to_kill() < 0.3 + LATE


def test_the_time_of_a_line_is_that_of_the_mark_at_or_after_its_end(bench: Bench, room: Room) -> None:
    code = (
        "import os, time\n"
        "for number in range(4):\n"
        "    os.write(1, b'at %d\\n' % time.time_ns())\n"
        "    time.sleep(0.05)\n"
    )
    job = bench.launch([sys.executable, "-I", "-S", "-c", code], room, ready="at")
    job.wait_gone()
    end = 0
    for line in log(job.launch.folder).read_bytes().splitlines(keepends=True):
        end += len(line)
        written = int(line.split()[1])
        told = next(wall for wall, size in marks_of(job) if size >= end)
        # Far less than the 50 ms to the next line, so that each line has a time of its own.
        assert 0 <= told - written < 40_000_000


def test_a_job_that_closes_its_output_goes_on_and_costs_nothing(bench: Bench, room: Room) -> None:
    code = "trap 'exit 5' TERM; echo ready; exec >&- 2>&-; while true; do sleep 0.2; done"
    job = bench.launch(["bash", "-c", code], room)
    wait_until(lambda: not os.path.exists(f"/proc/{job.pid}/fd/1"), within=5, saying="it has not closed its output")

    def cpu() -> float:
        return sum(os.sysconf("SC_CLK_TCK") ** -1 * int(tick) for tick in _stat(bench.backend.keeper_pid)[11:13])

    before = cpu()
    deaf = bench.launch(probe("deaf"), room)
    deaf.stop(grace=0.4)
    deaf.wait_gone()
    assert cpu() - before < 0.2
    job.stop(grace=30)
    assert job.wait_gone()["code"] == 5


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def test_a_log_that_cannot_be_written_makes_the_job_wait_and_loses_nothing(bench: Bench, room: Room) -> None:
    size = 1_000_000
    keeper = bench.backend.keeper_pid
    _, hard = resource.prlimit(keeper, resource.RLIMIT_FSIZE)
    resource.prlimit(keeper, resource.RLIMIT_FSIZE, (100_000, hard))
    job = bench.launch(probe("floods", size), room)
    wait_until(lambda: log(job.launch.folder).stat().st_size == 100_000, within=5, saying="the log does not fill")
    channel = Path(f"/proc/{job.pid}/wchan")
    wait_until(lambda: channel.read_text().endswith("pipe_write"), within=5, saying="it does not wait")
    resource.prlimit(keeper, resource.RLIMIT_FSIZE, (hard, hard))
    assert job.wait_gone()["code"] == 0
    text = log(job.launch.folder).read_bytes().partition(b"\n")[2]
    assert text == b"".join(b"%063d\n" % number for number in range(size // 64))
    assert_marked(job)


def test_a_job_whose_log_cannot_be_written_is_stopped_on_time(bench: Bench, room: Room) -> None:
    keeper = bench.backend.keeper_pid
    _, hard = resource.prlimit(keeper, resource.RLIMIT_FSIZE)
    resource.prlimit(keeper, resource.RLIMIT_FSIZE, (50_000, hard))
    job = bench.launch(probe("floods", 1 << 30), room)
    job.stop(grace=0.2)
    job.wait_gone()
    assert 0.2 <= job.seconds_to_kill() < 0.2 + LATE
    assert job.one(FactName.GONE)["log"] == 50_000 == log(job.launch.folder).stat().st_size


def test_a_file_system_without_splice_loses_nothing_to_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **options: object) -> int:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "splice", refuse)
    output = Output(str(tmp_path))
    job_end = output.job_end()
    os.write(job_end, b"0123456789")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4, hard))
    try:
        assert output.move() == 4
        with pytest.raises(OSError, match="too large"):
            output.move()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    os.write(job_end, b"abc")
    os.close(job_end)
    output.drain()
    output.close()
    assert log(tmp_path).read_bytes() == b"0123456789abc"
    assert output.size == 13


@pytest.mark.parametrize("room", [PLAIN], ids=["plain"])
def test_lines_that_come_fast_cost_no_turn_each(bench: Bench) -> None:
    code = (
        "import os, time\n"
        "os.write(1, b'first\\n')\n"
        "for number in range(2000):\n"
        "    os.write(1, b'line %d\\n' % number)\n"
        "    time.sleep(0.0005)\n"
    )

    def turns() -> int:
        # Each is a wait in epoll_wait(2).
        return int(status(bench.backend.keeper_pid)["voluntary_ctxt_switches"])

    before = turns()
    job = bench.launch([sys.executable, "-I", "-S", "-c", code], PLAIN, ready="first")
    job.wait_gone()
    assert job.log() == "first\n" + "".join(f"line {number}\n" for number in range(2000))
    seconds = (job.one(FactName.GONE)["t"] - job.one(FactName.LAUNCH)["t"]) / 1e9
    # A hundred in a second, and some for the launch and the end; one for each line would be more than a thousand.
    assert turns() - before < 300 * seconds + 50


def test_the_fifo_of_a_flood_is_enlarged_where_that_is_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = Output(str(tmp_path))
    job_end = output.job_end()
    answers = iter([PermissionError(errno.EPERM, "Operation not permitted"), None])

    def resize(fd: int, command: int, argument: int = 0) -> int:
        if command == fcntl.F_SETPIPE_SZ and (refused := next(answers)):
            raise refused
        return fcntl.fcntl(fd, command, argument)

    monkeypatch.setattr("runner.keeper.output.fcntl", SimpleNamespace(**{**vars(fcntl), "fcntl": resize}))
    # Time stands still: every mark but the first is too early.
    monkeypatch.setattr(clock, "monotonic_ns", lambda: 3_600_000_000_000)
    small = output.room
    sizes, pauses = [], []
    for _ in range(3):
        os.write(job_end, bytes(small // 2 + 1))
        assert output.move() == small // 2 + 1
        sizes.append(output.room)
        again = output.mark()
        pauses.append(None if again is None else again - output.marked_at)
    assert sizes == [small, 8 * small, 8 * small]
    assert pauses == [None, 20_000_000, 20_000_000]
    assert fcntl.fcntl(job_end, fcntl.F_GETPIPE_SZ) == 8 * small
    os.close(job_end)
    output.drain()
    output.close()
    assert log(tmp_path).stat().st_size == 3 * (small // 2 + 1)


@pytest.mark.parametrize("room", [PLAIN, TREE], ids=["plain", "plain-no-cgroup"])
def test_the_death_of_the_keeper_breaks_no_pipe(make_bench: MakeBench, room: Room) -> None:
    """Another process of the job, which does not die with the keeper, writes on without SIGPIPE."""
    bench = make_bench(room, policy=Policy.SERVE)
    told = bench.data_dir / "told"
    code = f"(trap '' TERM; read line < {told}; echo one; echo two; echo $? > {told}.code) & echo ready; wait"
    os.mkfifo(told)
    job = bench.launch(["sh", "-c", code], room)
    os.kill(bench.backend.keeper_pid, signal.SIGKILL)
    wait_until(lambda: bench.broken, within=5, saying="nobody hears that the keeper has gone")
    told.write_text("go\n")
    answer = Path(f"{told}.code")
    wait_until(lambda: answer.exists() and answer.read_text() == "0\n", within=5, saying="it was killed by its output")
    bench.bury(job)


def test_the_fifo_is_removed_at_the_end(make_bench: MakeBench) -> None:
    bench = make_bench()
    for room in (PID1, PLAIN):
        job = bench.launch(["true"], room, ready=None)
        job.wait_gone()
        assert not (job.launch.folder / "fifo").exists()
