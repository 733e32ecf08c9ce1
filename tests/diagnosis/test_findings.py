"""Which findings a journal leads to, and which near misses do not."""

from __future__ import annotations

from typing import Any

import pytest

from runner.diagnosis.report import Report, diagnose
from tests.diagnosis import journals
from tests.diagnosis.journals import (
    CHILD,
    DEAF,
    DEAF_CHILD,
    GOOD,
    MAIN,
    SHELL,
    TRACKER,
    Facts,
    Journal,
    names,
    plain,
    proc,
)

TINI = proc("tini", "waited", command=["tini", "--", "python", "train.py"])
TINI_BASH = proc("tini", "waited", command=["tini", "--", "bash", "run.sh"])
BASH_CHILD = proc("bash", "default", MAIN + 1, command=["bash", "run.sh"])
GRANDCHILD = proc("python", "caught", MAIN + 2, ppid=MAIN + 1, command=["python", "train.py"])
BASH = proc("bash", "default", command=["bash", "run.sh"])
FORK = proc("bash", "blocked", MAIN + 1, command=[])
IGNORING = proc("python", "ignored", command=["python", "train.py"])
BLOCKING = proc("python", "blocked", command=["python", "train.py"])


def run(*argv: str, **more: Any) -> Journal:
    return Journal(*(argv or ("python", "train.py")), **more)


def unknown(process: dict[str, Any]) -> dict[str, Any]:
    return process | {"sigterm": None, "command": None, "wait": None}


def _without(facts: Facts, *names: str) -> Facts:
    return [fact for fact in facts if fact["fact"] not in names]


def _executed_late() -> Facts:
    """The rest of a journal of which the signal came first: the program has its handler soon after."""
    journal = run().note(0.01, "executed").look(2.0, "change", GOOD).killed()
    return journal.gone()[3:]


GRACEFUL: dict[str, Facts] = {
    "handler": journals.graceful(),
    "exit code 1, as torchrun": run().stop(GOOD).exit(2.0, 1).gone(),
    "exit code 143, as a compile driver with compilers below it": run()
    .stop(GOOD, proc("cc1", "default", MAIN + 1))
    .exit(0.3, 143)
    .gone(),
    "tini waits in sigtimedwait": run("tini", "--", "python", "train.py").stop(TINI, CHILD).exit(0.9, 0).gone(),
    "tini, and the status of its child is not known": run("tini", "--", "python", "train.py")
    .stop(TINI, unknown(CHILD))
    .exit(0.9, 143)
    .gone(),
    "tini, and its child exited by itself": run("tini", "--", "python", "train.py")
    .stop(TINI, DEAF_CHILD)
    .note(0.2, "process-ended", pid=MAIN + 1, inner=2, name="python", code=143, signal=None)
    .exit(0.2, 143)
    .gone(),
    "sigwait in the main thread": run().stop(proc("python", "waited")).exit(0.2, 0).gone(),
    "sigwait in a thread: blocked, and not pending afterwards": run().stop(BLOCKING).exit(1.0, 0).gone(),
    "a child ignores SIGTERM by design": run().stop(GOOD, TRACKER).exit(0.4, 0).left(TRACKER).gone(),
    "a zombie is not left over": run().stop(GOOD).exit(0.4, 0).left(proc("gcc", None, MAIN + 1, state="Z")).gone(),
    "DataLoader workers catch it, as main does": run().stop(GOOD, CHILD).exit(5.0, 0).gone(),
    "in plain it was sent": run(isolation="plain").stop(*plain(GOOD)).exit(0.5, 0).gone(),
    "it ended by itself while the SIGKILL was on its way": run()
    .stop(GOOD)
    .note(120.0, "kill", why="deadline", pid=MAIN)
    .exit(120.0001, 0)
    .gone(),
    "outside a PID namespace a handler may raise it again": run(isolation="docker")
    .stop(*plain(GOOD))
    .died(0.1, "SIGTERM")
    .gone(),
}


@pytest.mark.parametrize("facts", GRACEFUL.values(), ids=GRACEFUL.keys())
def test_graceful(facts: Facts) -> None:
    report = diagnose(facts)
    assert names(report.findings) == ["graceful"]
    assert report.verdict == "graceful"
    assert report.findings[0].cure == ""
    assert not report.escalated


NOT_GRACEFUL: dict[str, tuple[list[str], Facts]] = {
    "sh -c, handler below": (["wrapper-swallowed"], journals.wrapper_swallowed()),
    "handler two levels below": (
        ["wrapper-swallowed"],
        run("bash", "run.sh").stop(proc("bash", "default"), BASH_CHILD, GRANDCHILD).killed().gone(),
    ),
    "handler of the child comes after the signal": (
        ["wrapper-swallowed"],
        run("sh", "run.sh").stop(SHELL, DEAF_CHILD).look(3.0, "change", SHELL, CHILD).killed().gone(),
    ),
    "SageMaker's toolkit": (
        ["wrapper-swallowed"],
        run("train").stop(proc("train", "default", command=["python", "/bin/train"]), CHILD).killed().gone(),
    ),
    "sh withheld in plain": (
        ["wrapper-swallowed"],
        run("sh", "run.sh", isolation="plain").stop(*plain(SHELL, CHILD), outcome="withheld").killed().gone(),
    ),
    "no handler anywhere": (["no-handler-pid1"], run().stop(DEAF).killed().gone()),
    "no handler, withheld in plain": (
        ["no-handler-pid1"],
        run(isolation="plain").stop(*plain(DEAF), outcome="withheld").killed().gone(),
    ),
    "a child that ignores is no handler": (["no-handler-pid1"], run().stop(DEAF, TRACKER).killed().gone()),
    "status of the child is not known": (["no-handler-pid1"], run().stop(DEAF, unknown(CHILD)).killed().gone()),
    "forked workers with a handler are no program below a wrapper": (
        ["no-handler-pid1"],
        run().stop(DEAF, CHILD).killed().gone(),
    ),
    "no handler, seen only after the signal": (["no-handler-pid1"], run().stop(None, DEAF).killed().gone()),
    "no handler, cut short because the facts decide": (
        ["no-handler-pid1"],
        run().stop(DEAF).killed(10.0, "facts-decide").gone(),
    ),
    "no handler, stop --now": (["no-handler-pid1"], run().stop(DEAF).killed(3.0, "now").gone()),
    "ignores": (["ignored"], run().stop(IGNORING).killed(10.0, "facts-decide").gone()),
    "blocked for good": (
        ["blocked"],
        run().stop(BLOCKING).look(119.9, "deadline", BLOCKING | {"pending": True}).killed().gone(),
    ),
    "caught and blocked for good": (
        ["blocked"],
        run().stop(GOOD).look(119.9, "deadline", GOOD | {"pending": True, "blocked": True}).killed().gone(),
    ),
    "blocked, taken by a thread, goes on": (
        ["handler-did-not-stop"],
        run().stop(BLOCKING).look(119.9, "deadline", BLOCKING).killed().gone(),
    ),
    "handler does not stop": (["handler-did-not-stop"], run().stop(GOOD).look(119.9, "deadline", GOOD).killed().gone()),
    "killed at the deadline, nothing was read": (["unexplained"], run().stop(None).killed().gone()),
    "handler installed later": (
        ["too-early"],
        run().stop(DEAF).look(2.0, "change", GOOD).killed().gone(),
    ),
    "stop while the program was being executed": (
        ["too-early"],
        _without(run().stop(proc("runner-keeper", "default")).facts, "executed") + _executed_late(),
    ),
    "stopped process": (
        ["suspended"],
        run()
        .stop(GOOD | {"state": "T"})
        .look(119.9, "deadline", GOOD | {"state": "T", "pending": True})
        .killed()
        .gone(),
    ),
    "finished its work": (["finished-anyway", "no-handler-pid1"], run().stop(DEAF).exit(4.4, 0).gone()),
    "wrapper's child finished its work": (
        ["finished-anyway", "wrapper-swallowed"],
        run("sh", "run.sh").stop(SHELL, CHILD).exit(4.4, 0).gone(),
    ),
    "no handler behind an init program": (
        ["no-handler"],
        run("tini", "--", "python", "train.py").stop(TINI, DEAF_CHILD).exit(0.01, 143).gone(),
    ),
    "no handler behind an init program that ended at once": (
        ["no-handler"],
        run("tini", "--", "python", "train.py")
        .order()
        .look(-0.0001, "before", TINI | {"command": []}, DEAF_CHILD | {"command": []})
        .signal()
        .note(0.005, "process-ended", pid=MAIN + 1, inner=2, name="python", code=None, signal="SIGTERM")
        .exit(0.01, 143)
        .gone(),
    ),
    "no handler, not PID 1": (["no-handler"], run(isolation="docker").stop(*plain(DEAF)).died(0.01, "SIGTERM").gone()),
    "init and bash end before the program": (
        ["wrapper-died", "left-overs"],
        run("tini", "--", "bash", "run.sh")
        .stop(TINI_BASH, BASH_CHILD, GRANDCHILD)
        .exit(0.01, 143)
        .left(GRANDCHILD)
        .gone(),
    ),
    "a fork of bash that has not executed its program yet": (
        ["no-handler-pid1"],
        run("bash", "run.sh")
        .order()
        .look(-0.0001, "before", BASH, FORK)
        .signal()
        .look(0.001, "after", BASH, FORK | {"name": "sleep", "sigterm": "default", "command": ["sleep", "1"]})
        .killed()
        .gone(),
    ),
    "a fork of bash that was seen once": (
        ["no-handler-pid1"],
        run("bash", "run.sh").order().look(-0.0001, "before", BASH, FORK).signal().killed().gone(),
    ),
    "out of memory": (["out-of-memory"], run().stop(GOOD).died(1.0, "SIGKILL", "other", "yes").gone()),
    "killed by somebody": (["killed-by-other"], run().stop(GOOD).died(1.0, "SIGKILL", "other", "unknown").gone()),
    "crash in the handler": (["aborted"], run().stop(GOOD).died(0.2, "SIGSEGV").gone()),
    "cannot be killed": (
        ["unkillable", "no-handler-pid1"],
        run().stop(DEAF).note(120.0, "kill", why="deadline", pid=MAIN).note(130, "unkillable", processes=[DEAF]).facts,
    ),
}


@pytest.mark.parametrize(("expected", "facts"), NOT_GRACEFUL.values(), ids=NOT_GRACEFUL.keys())
def test_not_graceful(expected: list[str], facts: Facts) -> None:
    report = diagnose(facts)
    assert names(report.findings) == expected
    assert report.verdict == "not-graceful"
    assert report.findings[0].severity == "error"
    assert report.findings[0].cure


UNDECIDED: dict[str, tuple[list[str], Facts]] = {
    "nothing": (["not-ended"], []),
    "only launched": (["not-ended"], run().facts[:1]),
    "runs": (["not-ended"], run().facts),
    "only the order is there": (["not-ended"], run().order().facts),
    "in its grace": (["not-ended"], run().stop(GOOD).facts),
    "in its grace, without a handler": (["not-ended", "no-handler-pid1"], run().stop(DEAF).facts),
    "only the order is there, and it has ended": (["cannot-tell"], run().order().exit(3.0, 0).gone()),
    "only the order is there, and it was killed": (["cannot-tell"], run().order().killed().gone()),
    "ended, and nothing was read": (["cannot-tell"], run().stop(None).exit(1.0, 0).gone()),
    "how it ended is torn off": (["cannot-tell"], _without(run().stop(GOOD).exit(1.0, 0).gone(), "ended")),
    "handler installed in the instant of the signal": (
        ["cannot-tell", "too-early"],
        run().order().look(-0.0001, "before", DEAF).signal().look(0.001, "after", GOOD).exit(0.5, 0).gone(),
    ),
    "ended before the stop": (["ended-before-stop"], run().exit(-2.0, 0).gone()),
    "ended between the order and the signal": (["ended-before-stop"], run().exit(-0.0001, 0).stop(None).gone()),
    "a zombie at the signal": (["ended-before-stop"], run().stop(GOOD | {"state": "Z"}).exit(0.001, 0).gone()),
    "no process to signal": (
        ["ended-before-stop"],
        run().order().signal("failed", "[Errno 3] No such process").exit(0.001, 0).gone(),
    ),
    "out of memory before the stop": (
        ["ended-before-stop", "out-of-memory"],
        run().died(-1.0, "SIGKILL", "other", "yes").gone(),
    ),
    "left-overs of a program that ended before the stop": (
        ["ended-before-stop", "left-overs"],
        run().exit(-1.0, 0).left(CHILD).gone(),
    ),
    "killed without a stop": (["ended-before-stop"], run().killed(-1.0, "owner-gone").gone()),
    "not executed": (
        ["not-executed"],
        run("nothing").note(-5, "not-executed", stage="exec", errno=2, reason="not found", code=127).gone(),
    ),
    "keeper lost": (["keeper-lost"], run().stop(GOOD).note(3.0, "lost", processes=[GOOD]).gone()),
    "not permitted": (
        ["not-signalled"],
        run().order().look(0, "before", GOOD).signal("failed", "not permitted").look(0, "after", GOOD).killed().gone(),
    ),
    "cut short by stop --now": (["cut-short"], run().stop(GOOD).killed(3.0, "now").gone()),
    "died by SIGTERM in plain": (
        ["emulation-missed", "no-handler"],
        run(isolation="plain").stop(*plain(DEAF)).died(0.01, "SIGTERM").note(0.02, "emulation-missed").gone(),
    ),
    "raised SIGTERM again in plain": (
        ["emulation-missed"],
        run(isolation="plain").stop(*plain(GOOD)).died(0.01, "SIGTERM").note(0.02, "emulation-missed").gone(),
    ),
    "shell died by SIGTERM in plain, its child goes on": (
        ["emulation-missed", "wrapper-died", "no-handler", "left-overs"],
        run(isolation="plain").stop(*plain(SHELL, CHILD)).died(0.01, "SIGTERM").left(*plain(CHILD)).gone(),
    ),
}


@pytest.mark.parametrize(("expected", "facts"), UNDECIDED.values(), ids=UNDECIDED.keys())
def test_undecided(expected: list[str], facts: Facts) -> None:
    report = diagnose(facts)
    assert names(report.findings) == expected
    assert report.verdict == "undecided"
    assert all(finding.severity != "error" for finding in report.findings)
    assert report.findings[0].cure


def test_a_warning_comes_before_graceful() -> None:
    report = diagnose(journals.left_overs())
    assert [(f.code, f.severity) for f in report.findings] == [("left-overs", "warning"), ("graceful", "note")]
    assert report.verdict == "graceful"
    assert [process["name"] for process in report.left_over] == ["tensorboard", "sleep"]


def test_what_may_belong_to_another_job_is_a_note() -> None:
    stray = proc("escapee", "default", MAIN + 9)
    facts = run().stop(GOOD).exit(0.5, 0).note(0.6, "unattributed", processes=[stray], jobs=["a", "b"]).gone()
    assert [(f.code, f.severity) for f in diagnose(facts).findings] == [("unattributed", "note"), ("graceful", "note")]


def test_the_last_attempt_that_was_stopped_is_judged() -> None:
    first = run().stop(DEAF).killed().gone()
    second = run(attempt=2).exit(-1.0, 0).gone()
    assert names(diagnose(first + second).findings) == ["no-handler-pid1"]
    assert diagnose(first + second).attempt == 1
    third = run(attempt=3).stop(GOOD).exit(1.0, 0).gone()
    assert diagnose(first + second + third).verdict == "graceful"


def _main(report: Report) -> str:
    return report.findings[0].explanation


SAYS: dict[str, tuple[Facts, list[str]]] = {
    "the wrapper and the program below it": (
        journals.wrapper_swallowed(),
        [
            "sh (PID 1) has no handler",
            "kernel dropped it",
            "Its child python train.py (PID 2), which has one, never got it",
        ],
    ),
    "the program nearest to the wrapper": (
        run("sh", "-c", "python train.py; true")
        .stop(SHELL, GRANDCHILD | {"command": ["gunicorn"]}, CHILD)
        .killed()
        .gone(),
        ["Its child python train.py (PID 2)"],
    ),
    "a descendant is no child": (
        run("bash", "run.sh").stop(proc("bash", "default"), BASH_CHILD, GRANDCHILD).killed().gone(),
        ["Its descendant python train.py (PID 3)"],
    ),
    "what would differ in a container": (
        run(isolation="plain").stop(*plain(DEAF), outcome="withheld").killed().gone(),
        ["withheld, as the kernel drops it for PID 1", "plain isolation", "would have ended it at once"],
    ),
    "that nobody knows who killed it": (
        run().stop(GOOD).died(1.0, "SIGKILL", "other", "unknown").gone(),
        ["did not come from here", "cannot be told"],
    ),
    "that a status is unknown": (
        run().stop(DEAF, unknown(CHILD)).killed().gone(),
        ["What the processes below it do with SIGTERM is not on record"],
    ),
    "when the signal came": (
        run().stop(DEAF).look(2.0, "change", GOOD).killed().gone(),
        ["SIGTERM came, 5 s after the start, before python (PID 1) had installed its handler"],
    ),
    "that a handler cannot raise the signal again as PID 1": (
        run().stop(GOOD).look(0.02, "change", DEAF).killed().gone(),
        ["Its handler ran", "it has to exit"],
    ),
    "an abort as PID 1": (run().stop(GOOD).died(0.2, "SIGSEGV").gone(), ["SIGSEGV", "abort()"]),
}


@pytest.mark.parametrize(("facts", "phrases"), SAYS.values(), ids=SAYS.keys())
def test_the_explanation_says(facts: Facts, phrases: list[str]) -> None:
    for phrase in phrases:
        assert phrase in _main(diagnose(facts))


def test_members_of_a_report() -> None:
    report = diagnose(journals.wrapper_swallowed())
    assert (report.escalated, report.cut_short, report.seconds_to_exit) == (True, True, None)
    assert report.exit == (None, "SIGKILL")
    waited = diagnose(run(grace=2.0).stop(DEAF).killed().gone())
    assert (waited.escalated, waited.cut_short, waited.seconds_to_exit) == (True, False, 2.0002)
    good = diagnose(journals.graceful())
    assert (good.escalated, good.cut_short, good.seconds_to_exit, good.exit) == (False, False, 0.84, (0, None))
    before = diagnose(run().exit(-2.0, 3).gone())
    assert (before.escalated, before.seconds_to_exit, before.exit) == (False, None, (3, None))
    without_stop = diagnose(run().killed(-1.0, "closed").gone())
    assert (without_stop.escalated, without_stop.cut_short) == (False, False)
