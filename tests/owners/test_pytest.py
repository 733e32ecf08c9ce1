"""A pytest with a runner is killed in each way in which that happens: nothing is left within 2 s."""

from __future__ import annotations

import signal

import pytest

from tests.owners.owning import EVERY_ROOM, Owner

TIMEOUT = "0.3"
FUNCTION_ONLY = "timeout_func_only = true"


@EVERY_ROOM
def test_sigkill(owner: Owner) -> None:
    owner.run_pytest("test_waits").assert_jobs_run()
    owner.send(signal.SIGKILL)
    assert owner.end() == -signal.SIGKILL
    owner.assert_nothing_left()


def test_timeout_by_signal(owner: Owner) -> None:
    owner.run_pytest("test_waits", f"--timeout={TIMEOUT}", "--timeout-method=signal", ini=FUNCTION_ONLY)
    assert owner.end() == pytest.ExitCode.TESTS_FAILED
    assert "Timeout" in owner.output
    owner.assert_nothing_left()


def test_timeout_by_thread(owner: Owner) -> None:
    owner.run_pytest("test_waits", f"--timeout={TIMEOUT}", "--timeout-method=thread", ini=FUNCTION_ONLY)
    assert owner.end() == 1
    assert "+ Timeout +" in owner.output
    assert "failed" not in owner.output  # pytest-timeout has left by os._exit, without a summary
    owner.assert_nothing_left()


def test_xdist_worker_sigkill(owner: Owner) -> None:
    # Another worker would be one more process with files in the temporary directory.
    owner.run_pytest("test_waits", "-n1", "--max-worker-restart=0").assert_jobs_run()
    assert owner.ready.pid != owner.process.pid
    owner.send(signal.SIGKILL)
    owner.assert_nothing_left()
    assert owner.end() == pytest.ExitCode.TESTS_FAILED
    assert "crashed" in owner.output


@EVERY_ROOM
def test_forked_child_holds_the_socket(owner: Owner) -> None:
    owner.run_pytest("test_forks").assert_jobs_run()
    owner.send(signal.SIGKILL)
    assert owner.end() == -signal.SIGKILL
    owner.assert_only_bystander_left()
    owner.send(signal.SIGKILL, owner.ready.bystander)
    owner.assert_nothing_left()


@pytest.mark.parametrize("test", ["test_waits", "test_never_closes"])
def test_keyboard_interrupt(owner: Owner, test: str) -> None:
    owner.run_pytest(test).assert_jobs_run()
    owner.send(signal.SIGINT)
    assert owner.end() == pytest.ExitCode.INTERRUPTED
    owner.assert_nothing_left()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_default_signal(owner: Owner, number: signal.Signals) -> None:
    owner.run_pytest("test_never_closes").assert_jobs_run()
    owner.send(number)
    assert owner.end() == -number
    owner.assert_nothing_left()
