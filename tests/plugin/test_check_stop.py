"""`check_stop`: what passes, and what a failure says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugin.running import run

POLITE = """
def test_one(check_stop):
    report = check_stop(SAVES, ready="^ready", grace=20)
    assert report.verdict == "graceful"
    assert report.grace == 20
"""
WRAPPED = """
def test_one(check_stop):
    wrapper = ["sh", "-c", '"$@"; true', "sh", *probe("polite")]
    check_stop(wrapper, ready="^ready", grace=0.5)
"""


def test_a_graceful_stop_passes(folder: Path) -> None:
    ran = run(folder, POLITE)
    assert (ran.code, ran.outcome()) == (0, "1 passed"), ran.out
    assert "graceful stops: 1 of 1" in ran.lines


def test_a_failure_says_why_and_what_to_do(folder: Path) -> None:
    ran = run(folder, WRAPPED)
    assert (ran.code, ran.outcome()) == (1, "1 failed"), ran.out
    assert '>       check_stop(wrapper, ready="^ready", grace=0.5)' in ran.lines
    assert "E       StopNotGraceful: not-graceful: wrapper-swallowed" in ran.lines
    told = ran.section("report of the stop")
    assert told[0] == "NOT GRACEFUL: wrapper-swallowed"
    assert "  sh (PID 1) has no handler for SIGTERM, so the kernel dropped it. Its child" in told
    assert any(line.endswith("  SIGKILL, because its grace was over") for line in told)
    assert any(line.startswith("    exec ") for line in told[told.index("What to do:") :]), told
    assert told[-2:] == ["", "    ready 2"]
    assert "FAILED test_it.py::test_one - StopNotGraceful: not-graceful: wrapper-swallowed" in ran.lines


def test_a_failure_is_shown_once_and_without_the_inside_of_the_runner(folder: Path) -> None:
    ran = run(folder, WRAPPED)
    assert ran.out.count("NOT GRACEFUL: wrapper-swallowed") == 1
    assert "\njob test-one" not in ran.out
    assert "pytest_plugin" not in ran.out
    assert "api/job.py" not in ran.out


@pytest.mark.parametrize("style", ["short", "native", "line", "long"])
def test_every_style_of_traceback_has_the_report(folder: Path, style: str) -> None:
    ran = run(folder, WRAPPED, f"--tb={style}")
    assert "StopNotGraceful: not-graceful: wrapper-swallowed" in ran.out
    assert "What to do:" in ran.section("report of the stop")


@pytest.mark.parametrize(
    ("call", "first", "told"),
    [
        ('["echo", "hello"], ready="^never"', "undecided: ended-before-stop", "    hello"),
        ('["is-not-there"], ready="^never"', "undecided: not-executed", "    command -v is-not-there"),
        (
            'probe("polite"), ready="^never", timeout=0.3',
            "not ready: no line of its output matched '^never' within 0.3 s",
            "    ready 1",
        ),
    ],
    ids=["ended", "not executed", "not ready"],
)
def test_what_never_came_to_its_stop(folder: Path, call: str, first: str, told: str) -> None:
    ran = run(folder, f"def test_one(check_stop):\n    check_stop({call}, isolation='pid1')\n")
    assert f"E       StopNotGraceful: {first}" in ran.lines, ran.out
    assert told in ran.section("report of the stop")
    assert ran.outcome() == "1 failed"


def test_what_is_expected_or_allowed_passes(folder: Path) -> None:
    ran = run(
        folder,
        """
        def test_expected(check_stop):
            for expected in ("not-graceful", "ignored"):
                check_stop(probe("deaf"), ready="^ready", grace=0.1, expect=expected)

        def test_allowed(check_stop):
            assert check_stop(probe("deaf"), ready="^ready", grace=0.1, allow=["ignored"]).verdict == "not-graceful"
            check_stop(["true"], ready="^never", allow=["ended-before-stop", "blocked"])

        def test_not_as_expected(check_stop):
            check_stop(SAVES, ready="^ready", expect="ignored")

        def test_not_all_is_allowed(check_stop):
            check_stop(probe("deaf"), ready="^ready", grace=0.1, allow=["blocked"])
        """,
    )
    assert ran.outcome() == "2 failed, 2 passed", ran.out
    assert "E       StopNotGraceful: graceful (expected: ignored)" in ran.lines
    assert "E       StopNotGraceful: not-graceful: ignored" in ran.lines
    told = ran.section("graceful stops: 1 of 6")
    assert sum(line.endswith(", as expected  test_it.py::test_expected") for line in told) == 2
    assert any(line.endswith("which was not expected  test_it.py::test_not_as_expected") for line in told), told


def test_a_warning_does_not_fail_but_is_told(folder: Path) -> None:
    ran = run(
        folder,
        """
        def test_one(check_stop):
            for allow in ([], ["nothing-saved"], ["left-overs"], ["nothing-saved", "left-overs"]):
                check_stop(probe("leaves-child"), ready="^ready", isolation="plain", grace=20, allow=allow)
        """,
    )
    assert ran.outcome() == "1 passed", ran.out
    *_, left, nothing = told = ran.section("graceful stops: 4 of 4")
    assert left.startswith("graceful, with left-overs after ")
    assert nothing.startswith("graceful, with nothing-saved after ")
    assert nothing.endswith("  test_it.py::test_one")
    assert len(told) == 3


def test_a_program_that_should_have_saved(folder: Path) -> None:
    ran = run(
        folder,
        """
        def test_one(check_stop, tmp_path):
            check_stop(probe("polite"), ready="^ready", checkpoints=[tmp_path])

        def test_allowed(check_stop, tmp_path):
            check_stop(probe("polite"), ready="^ready", checkpoints=[tmp_path], allow=["nothing-saved"])
        """,
    )
    assert ran.outcome() == "1 failed, 1 passed", ran.out
    assert "E       StopNotGraceful: not-graceful: nothing-saved" in ran.lines


def test_a_job_is_stopped_at_once(folder: Path) -> None:
    ran = run(
        folder,
        """
        def test_one(launch_job, check_stop):
            job = launch_job(probe("deaf"), ready="^ready")
            report = check_stop(job, grace=0.1, expect="ignored")
            assert report.grace == 0.1
            assert report == job.report()

        def test_another_runner(check_stop):
            from runner import Runner
            with Runner() as runner:
                job = runner.train(probe("polite"))
                check_stop(job, ready="^ready", after=0.1)

        def test_what_cannot_be_changed(launch_job, check_stop):
            check_stop(launch_job(probe("polite")), cwd="/", isolation="plain")
        """,
    )
    assert ran.outcome() == "1 failed, 2 passed", ran.out
    error = "E       runner.errors.InvalidRequest: cwd and isolation: cannot be changed any more: the job runs already"
    assert error in ran.lines
    assert ran.section("graceful stops: 1 of 2")[0].endswith("as expected  test_it.py::test_one")


def test_the_moment_is_counted_from_the_line(folder: Path) -> None:
    ran = run(
        folder,
        """
        PROGRAM = "import time; print('ready', flush=True); [print(flush=True) or time.sleep(0.01) for _ in range(999)]"

        def test_one(check_stop):
            report = check_stop([sys.executable, "-c", PROGRAM], ready="ready", after=0.5, grace=0, expect="not-graceful")
            started = next(-entry["t"] for entry in report.timeline if entry["event"] == "executed")
            assert started >= 0.5
        """,  # noqa: E501
    )
    assert ran.outcome() == "1 passed", ran.out


def test_the_path_of_a_python_program(folder: Path) -> None:
    (folder / "train.py").write_text(
        "import signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))\n"
        "print(sys.executable, flush=True)\n"
        "signal.pause()\n"
    )
    ran = run(
        folder,
        """
        from pathlib import Path

        def test_text(check_stop, launch_job):
            check_stop("train.py", ready="^" + sys.executable)

        def test_path(check_stop, tmp_path):
            check_stop(Path(__file__).with_name("train.py"), ready="^" + sys.executable, cwd=tmp_path)

        def test_path_with_blanks(check_stop, tmp_path):
            path = tmp_path / "my train.py"
            path.write_bytes(Path("train.py").read_bytes())
            check_stop(path, ready="^" + sys.executable)

        def test_words(check_stop):
            check_stop([Path(sys.executable), Path("train.py")], ready="^" + sys.executable)
        """,
    )
    assert ran.outcome() == "4 passed", ran.out


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (
            "'python train.py'",
            "command: must be a list of words, or the path of a Python program, not 'python train.py'",
        ),
        ("'train.sh'", "command: must be a list of words, or the path of a Python program, not 'train.sh'"),
        ("[]", "command: must be a list of words, at least one, not []"),
        ("['true'], ready='('", "pattern: must be a regular expression: "),
        ("['true'], after=-1", "after: must be a number of seconds from 0 on, not -1"),
        ("['true'], timeout=float('nan')", "timeout: must be a number of seconds from 0 on, not nan"),
        ("['true'], grace=float('inf')", "grace: must be from 0 to 86,400 seconds, not inf"),
        ("['true'], isolation='vm'", "isolation: must be one of pid1, plain, docker, not 'vm'"),
        ("['true'], expect='gracefull'", "expect: must be a verdict or the code of a finding, not 'gracefull'"),
        ("['true'], allow=['ignorred']", "allow: must be a list of codes of findings: there is no 'ignorred'"),
        ("['true'], allow='ignored'", "allow: must be a list of codes of findings, not 'ignored'"),
    ],
)
def test_what_breaks_a_rule_is_told_at_once(folder: Path, arguments: str, rule: str) -> None:
    ran = run(folder, f"def test_one(check_stop):\n    check_stop({arguments})\n")
    assert any(line.startswith(f"E       runner.errors.InvalidRequest: {rule}") for line in ran.lines), ran.out
    assert "graceful stops" not in ran.out


@pytest.mark.slow
def test_the_wait_is_cut_short_once_the_facts_decide(folder: Path) -> None:
    ran = run(folder, "def test_one(check_stop):\n    check_stop(probe('no-handler'), ready='^ready', grace=600)\n")
    assert "E       StopNotGraceful: not-graceful: no-handler-pid1" in ran.lines, ran.out
    assert any("the facts had decided" in line for line in ran.section("report of the stop"))


def test_a_command_without_a_moment_gets_time_to_begin(folder: Path) -> None:
    program = "import time; print(flush=True); time.sleep(3); print('late', flush=True); time.sleep(99)"
    suite = f"""
    def test_one(check_stop):
        report = check_stop([sys.executable, "-c", {program!r}], grace=0, expect="not-graceful")
        assert next(-entry["t"] for entry in report.timeline if entry["event"] == "executed") >= 5
    """
    ran = run(folder, suite)
    assert ran.outcome() == "1 passed", ran.out
