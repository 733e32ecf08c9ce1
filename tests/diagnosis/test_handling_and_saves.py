"""Findings about handlers that ran, and about what was saved: journals by hand, with near misses beside them."""

from __future__ import annotations

from typing import Any

import pytest

from runner.diagnosis.report import LogLine, Report, diagnose
from tests.diagnosis.journals import BOOTED, CHILD, DEAF, EPOCH, GOOD, MAIN, Facts, Journal, names, proc

FOLDERS = [{"role": "checkpoints", "path": "/opt/ml/checkpoints", "asked": False}]
BASH = proc("bash", "caught", command=["bash", "run.sh"])
PAUSE = proc("sleep", "default", MAIN + 1)
WRITER = {"pid": MAIN + 1, "inner": 2, "name": "python"}


def run(*argv: str, asked: bool = False, **more: Any) -> Journal:
    journal = Journal(*(argv or ("python", "train.py")), **more)
    journal.facts[0]["watched"] = [FOLDERS[0] | {"asked": asked}]
    return journal


def save(name: str, begun: float, done: float | None, **more: Any) -> dict[str, Any]:
    return {
        "path": f"/opt/ml/checkpoints/{name}",
        "role": "checkpoints",
        "how": "created",
        "begun": BOOTED + round(begun * 1e9),
        "done": None if done is None else BOOTED + round(done * 1e9),
        "size": 1_000_000,
        "became": "there",
        "to": None,
        "writer": None,
    } | more


def renamed(name: str, begun: float, done: float) -> dict[str, Any]:
    return save(f"{name}.tmp", begun, done, became="renamed", to=f"/opt/ml/checkpoints/{name}")


def files(journal: Journal, at: float, moment: str, *saves: dict[str, Any], **more: Any) -> Journal:
    done = [one for one in saves if one["done"] is not None]
    still = [one for one in saves if one["done"] is None]
    members = {"saved": len(done), "bytes": 0, "saves": done, "open": still, "read": [], "missed": False} | more
    return journal.note(at, "files", moment=moment, **members)


def lines(*told: tuple[float, str]) -> list[LogLine]:
    return [LogLine(EPOCH + round(at * 1e9), text) for at, text in told]


STEPS = lines(*((-2 + 0.5 * n, f"step {n} loss 0.{n}") for n in range(5)))
"""From 2 s before the signal to the signal."""
PERIODIC = [renamed(f"step-{n}", -4.1 + n, -4.05 + n) for n in range(5)]


def killed_while(journal: Journal, *saves: dict[str, Any]) -> Facts:
    """Stopped with a handler, killed at its deadline."""
    journal.stop(GOOD)
    files(journal, journal.grace - 0.0001, "kill", *saves)
    journal.look(journal.grace - 0.05, "deadline", GOOD).killed()
    files(journal, journal.grace + 0.001, "end", *(one | {"done": one["done"] or 1} for one in saves))
    return journal.gone()


def left(journal: Journal, *saves: dict[str, Any], code: int = 0, at: float = 1.0) -> Facts:
    """Stopped with a handler, ended by itself."""
    journal.stop(GOOD).exit(at, code)
    return files(journal, at + 0.0001, "end", *saves).gone()


def busy(at: float, **more: Any) -> dict[str, Any]:
    return GOOD | {"state": "R", "cpu": 5 + at, "switches": 40} | more


def overstays(*looks: dict[str, Any]) -> Facts:
    journal = run(grace=3.0).stop(looks[0])
    for number, seen in enumerate(looks[1:], start=1):
        journal.look(float(number), "change", seen)
    return journal.killed().gone()


TRACEBACK = [
    (0.01, "Traceback (most recent call last):"),
    (0.01, '  File "train.py", line 9, in on_sigterm'),
    (0.01, "    torch.save(state, path)"),
    (0.01, "OSError: [Errno 28] No space left on device"),
]
RAISED = [
    (0.01, "Traceback (most recent call last):"),
    (0.01, '  File "train.py", line 9, in on_sigterm'),
    (0.01, "    raise Stop(number)"),
    (0.01, "__main__.Stop: 15"),
]
SAVED = renamed("last.pt", 0.1, 0.4)
WORKER = CHILD | {"command": ["python", "worker.py"]}
FOREGROUND = run("bash", "run.sh").stop(BASH, CHILD).look(119.9, "deadline", BASH, CHILD).killed().gone()


BEHIND = WORKER | {"background": True}
SLEEP = proc("sleep", "default", MAIN + 2, command=["sleep", "1"])


def _waits_a_second() -> Facts:
    """Its trap tells the program, sleeps, and leaves: the sleep was not there when the signal came."""
    journal = run("bash", "run.sh").order().look(-0.0001, "before", BASH, BEHIND).signal()
    journal.look(0.0005, "after", BASH, BEHIND, SLEEP)
    journal.note(0.999, "process-ended", pid=MAIN + 2, inner=3, name="sleep", code=0, signal=None)
    journal.exit(1.0, 143).left(BEHIND)
    return files(journal, 1.001, "end", save("big.bin.tmp", 0.1, 1.0, writer=WRITER)).gone()


def _loops() -> Facts:
    """Its trap sets a variable that nobody reads, and its loop goes on, one short command after the other."""
    journal = run("bash", "run.sh", grace=3.0).stop(BASH, CHILD)
    journal.note(0.05, "process-ended", pid=MAIN + 1, inner=2, name="python", code=0, signal=None)
    return journal.look(2.9, "deadline", BASH, SLEEP).killed().gone()


def _launcher(at: float, *more: dict[str, Any]) -> Facts:
    """Takes SIGTERM, and ends while its worker is in the middle of a save."""
    journal = run("python", "launch.py").stop(GOOD, WORKER).exit(at, 143).left(WORKER)
    return files(journal, at + 0.001, "end", save("big.bin", 0.1, at, writer=WRITER), *more).gone()


CASES: dict[str, tuple[list[str], Facts, list[LogLine]]] = {
    "a save that was going on at the deadline": (
        ["save-too-slow"],
        killed_while(run(grace=3.0), save("model.pt.part", 0.2, None)),
        STEPS,
    ),
    "a save in place that was going on at the deadline": (
        ["checkpoint-corrupt", "save-too-slow"],
        killed_while(run(grace=3.0), save("model.pt", 0.2, None, how="overwritten")),
        STEPS,
    ),
    "periodic saves that go on, and no handler": (
        ["periodic-checkpoint", "no-handler-pid1"],
        files(
            files(run(grace=3.0).stop(DEAF), 2.9, "kill").killed(),
            3.1,
            "end",
            *PERIODIC,
            *(renamed(f"step-{n}", -4.1 + n, -4.05 + n) for n in range(5, 8)),
        ).gone(),
        STEPS,
    ),
    "a handler that swallows it, with metric lines that go on": (
        ["handler-did-not-stop"],
        killed_while(run(grace=3.0)),
        STEPS + lines((0.001, "got SIGTERM"), (0.5, "step 6 loss 0.6"), (1.0, "step 7 loss 0.7")),
    ),
    "the interpreter is in one long call": (
        ["handler-could-not-run"],
        overstays(busy(0), busy(1), busy(2), busy(2.9)),
        STEPS[:1],
    ),
    "busy, but it waits now and then": (
        ["handler-did-not-stop"],
        overstays(busy(0), busy(1, switches=55), busy(2, switches=80)),
        STEPS[:1],
    ),
    "busy, but it prints": (
        ["handler-did-not-stop"],
        overstays(busy(0), busy(1), busy(2)),
        STEPS + lines((0.5, "step 9 loss 1")),
    ),
    "a trap behind a foreground command": (["trap-deferred"], FOREGROUND, STEPS),
    "a trap that spoke": (["handler-did-not-stop"], FOREGROUND, STEPS + lines((0.001, "got it"))),
    "a trap whose command is in the background": (
        ["handler-did-not-stop"],
        run("bash", "run.sh").stop(BASH, CHILD | {"background": True}).killed().gone(),
        STEPS,
    ),
    "a trap whose command has ended": (["handler-did-not-stop"], _loops(), STEPS),
    "a trap that waits a second with a command of its own": (
        ["save-cut-off", "wrapper-died", "left-overs"],
        _waits_a_second(),
        STEPS,
    ),
    "a traceback in the handler": (["handler-crashed"], left(run(), SAVED, code=1), STEPS + lines(*TRACEBACK)),
    "an exception of its own, without a save": (
        ["handler-crashed", "nothing-saved"],
        left(run(), code=1),
        STEPS + lines(*RAISED),
    ),
    "a launcher that leaves while its worker saves": (
        ["save-cut-off", "wrapper-died", "left-overs"],
        _launcher(0.2),
        STEPS,
    ),
    "a worker that the launcher kills": (
        ["grace-shortened", "nothing-saved"],
        files(
            run()
            .stop(GOOD, WORKER)
            .note(1.5, "process-ended", pid=MAIN + 1, inner=2, name="python", code=None, signal="SIGKILL")
            .exit(1.6, 1),
            1.7,
            "end",
        ).gone(),
        STEPS,
    ),
    "nothing was saved, although it had saved before": (
        ["nothing-saved"],
        left(run(), *PERIODIC[:3]),
        STEPS,
    ),
    "nothing was saved in a folder that was named": (["nothing-saved"], left(run(asked=True)), STEPS),
    "a temporary file stays": (["save-cut-off"], left(run(), save("last.pt.tmp", 0.1, 0.2)), STEPS),
}

LEFT_FILES = {"n": 99, "t": BOOTED + 2 * 10**9, "w": EPOCH, "a": 1, "fact": "temporaries"} | {
    "paths": ["/opt/ml/tmp/pymp-1"],
    "count": 1,
    "bytes": 0,
    "shared_memory": None,
}


@pytest.mark.parametrize(("expected", "facts", "log"), CASES.values(), ids=CASES.keys())
def test_not_graceful(expected: list[str], facts: Facts, log: list[LogLine]) -> None:
    report = diagnose(facts, log=log)
    assert names(report.findings) == expected, [f.explanation for f in report.findings]
    assert report.verdict == "not-graceful"
    assert all(finding.cure for finding in report.findings)


GRACEFUL: dict[str, tuple[list[str], Facts, list[LogLine]]] = {
    "it saves and leaves": (["graceful"], left(run(), *PERIODIC, SAVED), STEPS),
    "in place, closed by itself just before it ends": (
        ["graceful"],
        left(run(), save("model.pt", 0.5, 0.999, how="overwritten"), at=1.0),
        STEPS,
    ),
    "it never saved anything": (["nothing-saved", "graceful"], left(run()), STEPS),
    "all that it had told was saved already": (
        ["graceful"],
        left(run(), *PERIODIC, renamed("x", -0.02, -0.01)),
        STEPS[:-1],
    ),
    "events were lost": (["graceful"], files(run().stop(GOOD).exit(1, 0), 1.1, "end", missed=True).gone(), STEPS),
    "a launcher's own report of the signal": (
        ["graceful"],
        left(run(), SAVED, code=1),
        STEPS
        + lines(
            (0.5, "Traceback (most recent call last):"),
            (0.5, "torch.distributed.elastic.multiprocessing.api.SignalException: Process 1 got signal: 15"),
        ),
    ),
    "an exception of its own, after a save": (["graceful"], left(run(), SAVED, code=1), STEPS + lines(*RAISED)),
    "a traceback before the signal": (
        ["graceful"],
        left(run(), SAVED, code=1),
        [LogLine(line.wall - 3 * 10**9, line.text) for line in lines(*TRACEBACK)],
    ),
    "the pause of a script": (
        ["graceful"],
        files(run("bash", "run.sh").stop(BASH, PAUSE).exit(0.1, 0).left(PAUSE), 0.2, "end", SAVED).gone(),
        STEPS,
    ),
    "temporary files are left": (
        ["left-overs", "graceful"],
        [*left(run(), SAVED)[:-1], LEFT_FILES],
        STEPS,
    ),
}


@pytest.mark.parametrize(("expected", "facts", "log"), GRACEFUL.values(), ids=GRACEFUL.keys())
def test_graceful(expected: list[str], facts: Facts, log: list[LogLine]) -> None:
    report = diagnose(facts, log=log)
    assert names(report.findings) == expected, [f.explanation for f in report.findings]
    assert report.verdict == "graceful"


@pytest.mark.parametrize(("expected", "facts", "log"), CASES.values(), ids=CASES.keys())
def test_without_the_status_of_others(expected: list[str], facts: Facts, log: list[LogLine]) -> None:
    """Before Linux 6.15 only the time is known."""
    blind = [f | {"code": None, "signal": None} if f["fact"] == "process-ended" else f for f in facts]
    found = names(diagnose(blind, log=log).findings)
    # Who was killed by its own launcher, while it saved nothing, looks like who has ended.
    assert found[0] == expected[0] or (blind != facts and found == ["nothing-saved", "graceful"])


@pytest.mark.parametrize(("expected", "facts", "log"), [*CASES.values(), *GRACEFUL.values()])
def test_without_files_and_log_nothing_wrong_is_said(expected: list[str], facts: Facts, log: list[LogLine]) -> None:
    blind = [fact for fact in facts if fact["fact"] not in ("files", "temporaries")]
    report = diagnose(blind)
    if expected[-1] == "graceful":
        assert report.verdict == "graceful"
    assert not {"nothing-saved", "save-cut-off", "save-too-slow"} & set(names(report.findings))


def _main(report: Report) -> str:
    return report.findings[0].explanation


def test_the_explanation_of_a_slow_save_has_its_rate() -> None:
    facts, log = CASES["a save that was going on at the deadline"][1:]
    assert "1 MB in 2.8 s (357 kB a second)" in _main(diagnose(facts, log=log))


def test_a_stack_is_told() -> None:
    journal = run(grace=3.0).stop(GOOD)
    frames = [{"function": "__next__", "file": "/x/dataloader.py", "line": 701}]
    thread = {"name": "MainThread", "main": True, "active": False, "frames": frames}
    journal.note(1.0, "stacks", pid=MAIN, inner=1, threads=[thread], error=None)
    report = diagnose(journal.killed().gone())
    assert "its main thread was in __next__ (dataloader.py:701)" in _main(report)
    assert report.stack[0]["process"] == "python (PID 1)"
