"""`launch_job`: what a test gets, and what its failure shows of the jobs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugin.running import run

ESCAPE = "\x1b"
TELLER = """
PROGRAM = r"import time; print('\\x1b[31mred\\x1b[2J\\a', flush=True); time.sleep(60)"
RED = [sys.executable, "-c", PROGRAM]
"""


def test_a_job_runs_as_it_was_asked_to(folder: Path) -> None:
    ran = run(
        folder,
        """
        import os

        PROGRAM = "import os; print(os.environ['A'], os.environ['B'], os.environ['SM_HP_RATE'], os.getcwd(), flush=True)"
        DATA = "; print(open(os.environ['SM_CHANNEL_TRAIN'] + '/data.txt').read())"

        def test_one(launch_job, monkeypatch, tmp_path):
            (tmp_path / "data.txt").write_text("something to learn from")
            monkeypatch.setenv("A", "of the test")
            job = launch_job(
                [sys.executable, "-c", PROGRAM + DATA],
                environment={"B": "its own"},
                hyperparameters={"rate": 3},
                inputs={"train": tmp_path / "data.txt"},
                cwd=tmp_path,
                name="mine",
                ready="^something to learn",
            )
            assert job.wait() == "Completed"
            assert job.name == "mine"
            assert job.tail(2)[0].text == f"of the test its own 3 {tmp_path}"

        def test_two(launch_job):
            jobs = [launch_job(["true"]) for _ in range(2)]
            assert all(job.name.startswith("test-two-") for job in jobs)
            assert [job["name"] for job in launch_job.runner.list()] == [job.name for job in jobs]
        """,  # noqa: E501
    )
    assert ran.outcome() == "2 passed", ran.out
    assert "graceful stops" not in ran.out


def test_nothing_of_a_test_is_left_for_the_next(folder: Path) -> None:
    ran = run(
        folder,
        """
        import threading

        from tests import leftovers

        FOLDERS = []

        def test_one(launch_job):
            launch_job(probe("deaf"), ready="^ready")
            FOLDERS.append(launch_job.runner.data_dir)
            assert FOLDERS[0].is_dir()
            assert list(leftovers.processes(FOLDERS[0]))

        def test_two():
            assert not FOLDERS[0].exists()
            assert not list(leftovers.processes(FOLDERS[0]))
            assert threading.active_count() == 1
        """,
    )
    assert ran.outcome() == "2 passed", ran.out


def test_a_failed_test_shows_its_jobs(folder: Path) -> None:
    ran = run(
        folder,
        """
        def test_one(launch_job):
            stopped = launch_job(probe("deaf"), ready="^ready", name="stopped")
            running = launch_job(probe("tells", 1), ready="^ready", name="running")
            stopped.stop(grace=0.1)
            raise LookupError("something else")
        """,
    )
    assert ran.outcome() == "1 failed", ran.out
    assert "NOT GRACEFUL: ignored" in ran.section("job stopped")
    told = ran.section("job running")
    assert told[0] == "UNDECIDED: not-ended"
    assert told[-2:] == ["", "    ready 1"]
    assert ran.section("graceful stops: 0 of 1")[0].startswith("not-graceful: ignored after 0.1")


def test_a_failed_fixture_shows_its_jobs(folder: Path) -> None:
    ran = run(
        folder,
        """
        @pytest.fixture
        def training(launch_job):
            launch_job(probe("deaf"), ready="^ready", name="mine")
            raise LookupError("in setup")

        @pytest.fixture
        def stopped(launch_job):
            yield launch_job(probe("deaf"), ready="^ready", name="mine")
            launch_job.runner.stop("mine", grace=0.1)
            raise LookupError("in teardown")

        def test_one(training):
            pass

        def test_two(stopped):
            pass
        """,
    )
    assert ran.outcome() == "1 passed, 2 errors", ran.out
    titles = [line for line in ran.lines if line.strip("-") == " job mine "]
    assert len(titles) == 2
    assert "NOT GRACEFUL: ignored" in ran.lines
    assert ran.section("graceful stops: 0 of 1")[0].endswith("  test_it.py::test_two")


def test_an_assertion_about_the_verdict_says_why(folder: Path) -> None:
    ran = run(
        folder,
        """
        def test_one(launch_job):
            job = launch_job(probe("deaf"), ready="^ready", grace=0.1)
            assert job.stop().verdict == "graceful"

        def test_other_comparisons_are_left_alone(launch_job):
            from runner.diagnosis.report import Verdict
            launch_job(probe("polite"), ready="^ready").stop()
            assert (Verdict.NOT_GRACEFUL == "graceful") or (1 == 2)
        """,
    )
    assert ran.outcome() == "2 failed", ran.out
    first = ran.lines.index("E       AssertionError: assert 'not-graceful' == 'graceful'")
    assert ran.lines[first + 1].startswith("E         ignored: python (PID 1) ignores SIGTERM (SIG_IGN")
    assert ran.out.count("E         ignored: ") == 1


def test_assert_graceful_is_a_function(folder: Path) -> None:
    ran = run(
        folder,
        """
        from runner import Runner
        from runner.pytest_plugin import CheckStop, LaunchJob, StopNotGraceful, assert_graceful

        def test_one(launch_job: LaunchJob, check_stop: CheckStop):
            job = launch_job(probe("polite"), ready="^ready")
            assert_graceful(job.stop())
            with pytest.raises(StopNotGraceful, match="(?s)^NOT GRACEFUL: ignored.*What to do:") as refused:
                check_stop(probe("deaf"), ready="^ready", grace=0.1)
            assert isinstance(refused.value, AssertionError)
            assert_graceful(refused.value.report, expect="ignored")
            assert_graceful(refused.value.report, allow=["ignored"])

        def test_without_a_fixture():
            with Runner() as runner:
                job = runner.train(probe("deaf"), grace=0.1)
                job.wait_for_log("^ready")
                assert_graceful(job.stop())
        """,
    )
    assert ran.outcome() == "1 failed, 1 passed", ran.out
    assert ">           assert_graceful(job.stop())" in ran.lines
    assert "E           StopNotGraceful: not-graceful: ignored" in ran.lines
    assert "What to do:" in ran.section("report of the stop")


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("launch_job(RED, ready='^blue', timeout=0.3)", "E       \\x1b[31mred\\x1b[2J\\x07"),
        ("launch_job(RED).wait_for_log('^blue', timeout=0.3)", "E       \\x1b[31mred\\x1b[2J\\x07"),
        ("launch_job(RED, ready='red'); raise LookupError", "    \\x1b[31mred\\x1b[2J\\x07"),
        ("check_stop(RED, ready='red', grace=0.1)", "    \\x1b[31mred\\x1b[2J\\x07"),
    ],
)
def test_what_programs_print_is_no_terminal_control(folder: Path, body: str, line: str) -> None:
    ran = run(folder, f"{TELLER}\ndef test_one(launch_job, check_stop):\n    {body}\n")
    assert ran.outcome() == "1 failed", ran.out
    assert line in ran.lines
    assert ESCAPE not in ran.out
    assert "\a" not in ran.out


def test_a_traceback_ends_at_the_call(folder: Path) -> None:
    suite = """
    def helper(job):
        job.wait_for_log("^never", timeout=0.1)

    def test_one(launch_job):
        helper(launch_job(["sleep", "60"]))
    """
    ran = run(folder, suite)
    assert ">       job.wait_for_log(" in ran.out, ran.out
    assert "E       runner.errors.WaitTimeout: no line of training/test-one-" in ran.out
    assert "runner/api" not in ran.out
    full = run(folder, suite, "--full-trace")
    assert "runner/api/job.py" in full.out


def test_jobs_that_are_gone_are_still_told(folder: Path) -> None:
    ran = run(
        folder,
        """
        def test_one(launch_job, check_stop):
            job = launch_job(SAVES, ready="^ready")
            check_stop(job)
            job.delete()
            launch_job.runner.close()
            raise LookupError
        """,
    )
    assert ran.outcome() == "1 failed", ran.out
    assert "graceful stops: 1 of 1" in ran.lines
    assert "GRACEFUL" in ran.lines
