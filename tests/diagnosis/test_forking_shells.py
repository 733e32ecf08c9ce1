"""A shell blocks every signal in the instant in which it forks: a look that falls into it shows no handler."""

from __future__ import annotations

from runner.diagnosis.report import diagnose
from tests.diagnosis.journals import DEAF, Journal, names, proc


def test_a_look_at_a_forking_shell_is_not_taken_for_a_handler() -> None:
    forking = proc("sh", "blocked", blocks_all=True)
    shell = proc("sh", "default")
    journal = Journal("sh", "-c", "while :; do sleep 0.1; done").stop(shell).look(3.0, "change", forking)
    assert names(diagnose(journal.killed().gone()).findings) == ["no-handler-pid1"]


def test_one_that_blocks_sigterm_alone_may_wait_for_it() -> None:
    waiting = proc("python", "blocked", blocks_all=False)
    journal = Journal("python", "train.py").stop(DEAF).look(3.0, "change", waiting)
    assert names(diagnose(journal.killed().gone()).findings) == ["too-early"]
