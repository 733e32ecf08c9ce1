"""Case 57, and what a look says of a process: the facts that a verdict is made of."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from runner.backends.base import Fact
from runner.lifecycle.facts import FactName
from tests.keeper.bench import Attempt, Bench, Room
from tests.keeper.cases import case
from tests.keeper.programs import LATE_WORKER, program
from tests.keeper.seeing import end_of, others
from tests.probing import compiled, probe, script
from tests.waiting import wait_until

MEMBERS = {"pid", "inner", "ppid", "name", "state", "sigterm", "blocked", "blocks_all", "pending"}
MEMBERS |= {"background", "threads", "switches", "cpu", "start"}
CLOSE = MEMBERS | {"command", "wait"}


def looks(job: Attempt, moment: str) -> list[Fact]:
    return [fact for fact in job.facts(FactName.LOOK) if fact["moment"] == moment]


def numbered(job: Attempt, *names: str) -> list[int]:
    """The numbers of the first facts with these names, or looks of these moments."""
    facts = job.facts()
    return [next(fact["n"] for fact in facts if name in (fact["fact"], fact.get("moment"))) for name in names]


@pytest.mark.parametrize(
    ("name", "sigterm", "blocked", "pending"),
    [
        ("no-handler", "default", False, False),
        ("polite", "caught", False, False),
        ("deaf", "ignored", False, False),
        ("blocks", "blocked", True, True),
        ("waits", "waited", False, False),
        ("waits-in-thread", "blocked", True, False),
    ],
)
def test_what_a_main_process_does_with_sigterm_is_seen_before_the_signal(
    bench: Bench, room: Room, name: str, sigterm: str, blocked: bool, pending: bool
) -> None:
    job = bench.launch(probe(name), room)
    # Some are ready an instant before they are in the state that they are named for.
    wait_until(lambda: job.see()[0]["sigterm"] == sigterm, within=5, saying=lambda: f"not {sigterm}: {job.see()}")
    takes = sigterm in ("caught", "blocked", "waited")
    ends = sigterm in ("caught", "waited") or name == "waits-in-thread"
    job.stop(grace=60 if ends else 0.1)
    ended = job.wait_gone()
    (before,) = job.look("before")
    assert (before["sigterm"], before["blocked"], before["pending"]) == (sigterm, blocked, False)
    assert job.one(FactName.SIGNAL)["outcome"] == ("sent" if takes or room.is_pid1 else "withheld")
    assert (ended["code"], ended["signal"]) == ((0, None) if ends else (None, "SIGKILL"))
    if not ends:
        (after,) = job.look("after")
        assert (after["sigterm"], after["pending"]) == (sigterm, pending)


def test_a_signalfd_shows_as_blocked_and_gets_its_signal(bench: Bench, room: Room, tmp_path: Path) -> None:
    job = bench.launch(compiled("signalfd.c", tmp_path), room)
    job.stop(grace=60)
    assert job.wait_gone()["code"] == 0
    assert (job.look("before")[0]["sigterm"], job.one(FactName.SIGNAL)["outcome"]) == ("blocked", "sent")


@case(57)
def test_looks_hold_every_process_from_before_the_signal_to_the_deadline(bench: Bench, room: Room) -> None:
    job = bench.launch(script("wrapper.sh", *probe("workers", 3)), room)
    tree = others(job, 4)
    job.stop(grace=0.3)
    job.wait_gone()
    pids = [job.pid, *(process["pid"] for process in tree)]
    for moment in ("before", "after", "deadline"):
        (look,) = looks(job, moment)
        assert sorted(process["pid"] for process in look["processes"]) == sorted(pids)
        assert all(process.keys() >= (MEMBERS if moment == "before" else CLOSE) for process in look["processes"])
    assert numbered(job, "stop", "before", "signal", "after", "deadline", "kill", "ended", "gone") == sorted(
        numbered(job, "stop", "before", "signal", "after", "deadline", "kill", "ended", "gone")
    )
    assert job.look("before")[0]["pid"] == job.pid
    shell = job.look("after")[0]
    assert (shell["wait"], shell["command"][-1]) == ("do_wait", "3")
    # The last look is near enough to the SIGKILL to show what was killed, and does not delay it.
    (last,) = looks(job, "deadline")
    assert 0 < job.one(FactName.KILL)["t"] - last["t"] < 0.1e9


@case(57)
def test_a_process_that_appears_after_the_signal_is_listed_and_its_end_too(bench: Bench, room: Room) -> None:
    job = bench.launch(program(LATE_WORKER), room)
    job.stop(grace=60)
    # Not before: else it may be in the look that is taken straight after the signal.
    os.kill(job.pid, signal.SIGUSR1)
    job.wait_for_log("worker ")
    changes = wait_until(
        lambda: [look for look in looks(job, "change") if len(look["processes"]) > 1],
        within=5,
        saying=lambda: f"no look with the worker\n{job.story()}",
    )
    change = changes[0]
    (worker,) = (process for process in change["processes"] if process["pid"] != job.pid)
    assert worker["ppid"] == job.pid
    assert change["t"] > job.one(FactName.SIGNAL)["t"]
    assert worker["pid"] not in [process["pid"] for process in job.look("before")]
    os.kill(worker["pid"], signal.SIGKILL)
    wait_until(lambda: job.facts(FactName.PROCESS_ENDED), within=5, saying=lambda: f"no end\n{job.story()}")
    end = end_of(job, worker)
    assert (end["code"], end["signal"], end["name"]) == (None, "SIGKILL", worker["name"])
    job.kill()
    job.wait_gone()
    assert not job.facts(FactName.LEFT_OVER)


@case(57)
def test_what_a_process_does_with_sigterm_is_followed_through_the_grace(bench: Bench, room: Room) -> None:
    # As a Python program that raises in its handler, or resets it: what it did at the signal is not what it does later.
    text = """
def forget(number, frame):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGTERM, forget)
tell("ready")
wait_for_ever()
"""
    job = bench.launch(program(text), room)
    job.stop(grace=60)
    wait_until(
        lambda: any(
            process["sigterm"] == "ignored" for look in job.facts(FactName.LOOK) for process in look["processes"]
        ),
        within=5,
        saying=lambda: f"nothing changed\n{job.story()}",
    )
    assert job.look("before")[0]["sigterm"] == "caught"
    job.kill()
    job.wait_gone()


def test_a_quiet_grace_writes_no_looks_but_those_of_its_ends(bench: Bench, room: Room) -> None:
    job = bench.launch(probe("deaf"), room)
    job.stop(grace=0.6)
    job.wait_gone()
    # Every look in between was the same as the one before.
    assert [fact["moment"] for fact in job.facts(FactName.LOOK)] == ["before", "after", "deadline"]


def test_in_a_nested_namespace_a_process_has_the_pid_by_which_the_job_knows_it(bench: Bench, room: Room) -> None:
    unshare = ["unshare", "--pid", "--fork"] if os.geteuid() == 0 else ["unshare", "--user", "--pid", "--fork"]
    if shutil.which("unshare") is None or subprocess.run([*unshare, "true"], capture_output=True).returncode:
        pytest.skip("no PID namespace can be made on this machine")
    command = [*unshare, *probe("deaf")]
    job = bench.launch(["sh", "-c", '"$@" & echo "child $!"; wait', "sh", *command], room)
    nested = next(
        process for process in others(job, 2) if "deaf" in process["command"] and process["name"] != "unshare"
    )
    text = Path(f"/proc/{nested['pid']}/status").read_text()
    numbers = next(line.split()[1:] for line in text.splitlines() if line.startswith("NSpid:"))
    assert numbers[-1] == "1"
    assert nested["inner"] == int(numbers[1] if room.is_pid1 else numbers[0])
    job.kill()
    job.wait_gone()


@pytest.mark.parametrize(
    ("ignored", "background"),
    [([], False), ([signal.SIGINT], False), ([signal.SIGQUIT], False), ([signal.SIGINT, signal.SIGQUIT], True)],
    ids=["nothing", "SIGINT", "SIGQUIT", "both"],
)
def test_a_process_in_the_background_of_a_shell_is_one_that_ignores_both_signals_of_a_terminal(
    bench: Bench, room: Room, ignored: list[signal.Signals], background: bool
) -> None:
    lines = [f"signal.signal({number.value}, signal.SIG_IGN)" for number in ignored]
    job = bench.launch(program("\n".join([*lines, "polite()"])), room)
    assert job.see()[0]["background"] is background
    job.stop(grace=60)
    job.wait_gone()
    assert job.look("before")[0]["background"] is background


@pytest.mark.parametrize("shell", ["sh", "bash", "dash"])
def test_what_a_shell_starts_in_the_background_is_told_from_what_it_waits_for(
    bench: Bench, room: Room, shell: str
) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} on this machine")
    job = bench.launch([shell, "-c", "trap 'exit 0' TERM; sleep 1000 & echo ready; sleep 2000; true"], room)

    def sleeping() -> dict[str, Fact]:
        return {
            process["command"][-1]: process for process in job.see() if process["name"] == "sleep" if process["command"]
        }

    tree = wait_until(lambda: found if len(found := sleeping()) == 2 else None, within=5, saying="not two of them")
    assert (tree["1000"]["background"], tree["2000"]["background"]) == (True, False)
    job.kill()
    job.wait_gone()


def test_threads_are_counted(bench: Bench, room: Room) -> None:
    text = """
for _ in range(3):
    _thread.start_new_thread(wait_for_ever, ())
polite()
"""
    job = bench.launch(program(text), room)
    assert job.see()[0]["threads"] == 4
    job.stop(grace=60)
    job.wait_gone()
    assert job.look("before")[0]["threads"] == 4


def test_who_waits_again_and_again_is_told_from_who_waits_once(bench: Bench, room: Room) -> None:
    # A program that goes on with its work has its count go up; one that hangs in a single wait has not.
    text = """
# Another thread waits again and again, and that is not counted.
def poll():
    while True:
        time.sleep(0.001)

_thread.start_new_thread(poll, ())
tell("ready")
poll() if sys.argv[1] == "works" else wait_for_ever()
"""
    works, hangs = (bench.launch(program(text, word), room) for word in ("works", "hangs"))
    wait_until(lambda: (hangs.see()[0]["wait"] or "").endswith("pipe_read"), within=5, saying="it does not hang")
    before = [job.see()[0]["switches"] for job in (works, hangs)]
    wait_until(lambda: works.see()[0]["switches"] > before[0] + 20, within=10, saying="it does not go on")
    assert hangs.see()[0]["switches"] == before[1]
    for job in (works, hangs):
        job.kill()
        job.wait_gone()


def test_tini_waits_for_signals_where_no_mask_shows_it(bench: Bench, room: Room) -> None:
    tini = shutil.which("tini")
    if tini is None:
        pytest.skip("no tini on this machine")
    # Outside a PID namespace of its own it says that it is not PID 1, and goes on.
    job = bench.launch([tini, "-s", "--", *probe("polite")], room)
    wait_until(lambda: job.see()[0]["sigterm"] == "waited", within=5, saying=lambda: f"does not wait: {job.see()}")
    job.stop(grace=60)
    assert job.wait_gone()["code"] == 0
    assert job.look("before")[0]["sigterm"] == "waited"
    assert job.one(FactName.SIGNAL)["outcome"] == "sent"
    assert not job.facts(FactName.LEFT_OVER, FactName.KILL)
