"""A shell blocks every signal in the instant in which it forks: a look that falls into it shows no handler."""

from __future__ import annotations

from runner.diagnosis.report import diagnose
from tests.diagnosis.journals import DEAF, MAIN, Journal, names, proc


def test_a_look_at_a_forking_shell_is_not_taken_for_a_handler() -> None:
    forking = proc("sh", "blocked", blocks_all=True)
    shell = proc("sh", "default")
    journal = Journal("sh", "-c", "while :; do sleep 0.1; done").stop(shell).look(3.0, "change", forking)
    assert names(diagnose(journal.killed().gone()).findings) == ["no-handler-pid1"]


def test_one_that_blocks_sigterm_alone_may_wait_for_it() -> None:
    waiting = proc("python", "blocked", blocks_all=False)
    journal = Journal("python", "train.py").stop(DEAF).look(3.0, "change", waiting)
    assert names(diagnose(journal.killed().gone()).findings) == ["too-early"]


def test_a_copy_of_a_shell_before_its_command_is_executed_is_no_program_that_it_hides() -> None:
    script = ("sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done")
    shell = proc("sh", "caught", command=list(script))
    copy = proc("sh", "caught", pid=MAIN + 8, command=list(script))
    journal = Journal(*script).stop(proc("sh", "default")).look(0.02, "change", shell).look(0.4, "change", shell, copy)
    assert names(diagnose(journal.killed().gone()).findings) == ["too-early"]
