"""What is to be pasted: it names the job's own command, and it works."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
from typing import Any

import pytest

from runner.diagnosis import cures
from runner.diagnosis.commands import split
from runner.diagnosis.findings.base import Finding
from runner.diagnosis.report import diagnose
from tests.diagnosis.journals import CHILD, DEAF, DEAF_CHILD, MAIN, Journal, proc

TRAPS = """
import select, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(42))
print('ready', flush=True)
while True:
    select.select([], [], [], 0.05)
"""


def found(*argv: str, child: dict[str, Any] = CHILD) -> Finding:
    main = proc(argv[0], "default", command=list(argv))
    return diagnose(Journal(*argv).stop(main, child).killed().gone()).findings[0]


@pytest.mark.parametrize(
    ("script", "line"),
    [
        ("python train.py; echo done", "exec python train.py"),
        ("python train.py", "exec python train.py"),
        ("cd /code && python train.py", "cd /code && exec python train.py"),
        ('export A=1; python train.py --x "$A" 2>&1; true', 'export A=1; exec python train.py --x "$A" 2>&1'),
        ("python train.py | tee log.txt", "exec python train.py > >(tee log.txt)"),
        ("exec python train.py | cat", "exec python train.py > >(cat)"),
        ("echo 'a;b' && python 'my train.py' && echo \"c;d\"", "echo 'a;b' && exec python 'my train.py'"),
        ("PYTHONPATH=. python train.py; true", "exec env PYTHONPATH=. python train.py"),
        ("./run_it", "exec python train.py"),
    ],
)
def test_exec_of_the_scripts_own_command(script: str, line: str) -> None:
    finding = found("sh", "-c", script)
    assert finding.code == "wrapper-swallowed"
    assert line in finding.cure.splitlines()


def test_a_loop_keeps_its_shell_and_passes_the_signal_on() -> None:
    cure = found("sh", "-c", "for i in 1 2; do python train.py; done").cure
    assert "exec" not in cure
    assert 'trap \'kill -TERM "$child"' in cure


def test_last_line_of_a_script_file() -> None:
    cure = found("bash", "run.sh").cure
    assert "run.sh" in cure
    assert "exec python train.py" in cure


def test_a_wrapper_that_is_no_shell() -> None:
    cure = found("train").cure
    assert 'ENTRYPOINT ["python", "train.py"]' in cure


def test_a_shell_above_a_program_without_a_handler_needs_both() -> None:
    finding = found("sh", "-c", "python train.py; true", child=DEAF_CHILD)
    assert finding.code == "no-handler-pid1"
    assert "exec python train.py" in finding.cure
    assert "signal.signal(signal.SIGTERM" in finding.cure


SLEEP = proc("sleep", "default", MAIN + 1, command=["sleep", "0.05"])


@pytest.mark.parametrize(
    "below",
    [[SLEEP], [proc("sh", "default", MAIN + 1), proc("cat", "default", MAIN + 2, ppid=MAIN + 1, command=["cat", "a"])]],
)
def test_a_script_that_waits_for_small_commands_is_the_program_itself(below: list[dict[str, Any]]) -> None:
    main = proc("sh", "default", command=["sh", "-c", "while :; do step; sleep 0.05; done"])
    finding = diagnose(Journal(*main["command"]).stop(main, *below).killed().gone()).findings[0]
    assert finding.code == "no-handler-pid1"
    assert "trap 'save_what_is_needed; kill $!; exit 0' TERM" in finding.cure
    assert f"{' '.join(below[-1]['command'])} & wait $!" in finding.cure.splitlines()
    assert "exec" not in finding.cure
    assert "has to install" not in finding.cure


def test_a_small_command_beside_a_program_is_not_the_program() -> None:
    main = proc("sh", "default", command=["sh", "-c", "tail -F log & python train.py; true"])
    tail = proc("tail", "default", MAIN + 1, command=["tail", "-F", "log"])
    program = proc("python", "default", MAIN + 2, command=["python", "train.py"])
    finding = diagnose(Journal(*main["command"]).stop(main, tail, program).killed().gone()).findings[0]
    assert finding.code == "no-handler-pid1"
    assert "exec python train.py" in finding.cure
    assert "signal.signal(signal.SIGTERM" in finding.cure


def test_a_trap_that_waits_for_a_small_command() -> None:
    main = proc("sh", "caught", command=["sh", "-c", "trap 'exit 0' TERM; sleep 600"])
    sleep = proc("sleep", "default", MAIN + 1, command=["sleep", "600"])
    finding = diagnose(Journal(*main["command"]).stop(main, sleep).killed().gone()).findings[0]
    assert finding.code == "trap-deferred"
    assert "sleep 600 & wait $!" in finding.cure.splitlines()
    assert "exec" not in finding.cure


def test_a_trap_that_waits_for_a_pipeline() -> None:
    main = proc("sh", "caught", command=["sh", "-c", "trap 'exit 0' TERM; cat data | ./learn"])
    cat = proc("cat", "default", MAIN + 1, command=["cat", "data"])
    learn = proc("learn", "default", MAIN + 2, command=["./learn"])
    finding = diagnose(Journal(*main["command"]).stop(main, cat, learn).killed().gone()).findings[0]
    assert finding.code == "trap-deferred"
    assert "exec ./learn" in finding.cure.splitlines()


def test_a_program_that_is_neither_shell_nor_python() -> None:
    main = proc("xgb", "default", command=["/opt/xgb", "a b"])
    finding = diagnose(Journal("/opt/xgb", "a b").stop(main).killed().gone()).findings[0]
    assert 'ENTRYPOINT ["tini", "--", "/opt/xgb", "a b"]' in finding.cure


def test_earlier_stop_for_a_program_that_had_ended() -> None:
    finding = diagnose(Journal("python", "train.py").exit(-1.0, 0).gone()).findings[0]
    assert finding.cure == "runner check --after 2 -- python train.py"


@pytest.mark.parametrize(
    "code", [cures.PYTHON_HANDLER, cures.EARLY_HANDLER, cures.PYTHON_UNBLOCK, cures.PYTHON_CHILDREN]
)
def test_python_compiles(code: str) -> None:
    compile(code, "cure", "exec")


def test_quotes_and_escapes_do_not_end_a_command() -> None:
    commands = split('a \'x;y\' "p&&\\"q" r\\;s 2>&1 >& f &>g & b || c\n# note\nd | e')
    assert [command.text for command in commands] == [
        'a \'x;y\' "p&&\\"q" r\\;s 2>&1 >& f &>g',
        "b",
        "c",
        "d",
        "e",
    ]
    assert [command.operator for command in commands] == ["&", "||", "\n", "|", ""]


def stopped(script: str) -> int:
    """Exit code of `sh` with this script, when only the shell gets SIGTERM after the program has said `ready`."""
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdout is not None
        try:
            assert shell.stdout.readline() == "ready\n"
            shell.send_signal(signal.SIGTERM)
            return shell.wait(timeout=10)
        finally:
            shell.kill()


@pytest.mark.process
def test_the_cures_of_a_shell_wrapper_work() -> None:
    program = [sys.executable, "-c", TRAPS]
    child = proc("python", "caught", MAIN + 1, command=program)
    line = shlex.join(program)
    simple = found("sh", "-c", f"{line}; true", child=child).cure.split("\n# ")[0]
    assert stopped(simple) == 42
    loop = found("sh", "-c", f"for i in 1; do {line}; done", child=child).cure
    assert stopped(loop) == 42


@pytest.mark.process
def test_the_cure_of_a_script_works() -> None:
    main = proc("sh", "default", command=["sh", "-c", "while :; do sleep 0.05; done"])
    cure = diagnose(Journal(*main["command"]).stop(main, SLEEP).killed().gone()).findings[0].cure
    trap, step = (line for line in cure.splitlines() if line and not line.startswith("#"))
    trap = trap.replace("save_what_is_needed", "code=42").replace("exit 0", "exit $code")
    assert stopped(f"{trap}\necho ready\nwhile :; do {step.replace('0.05', '600')}; done") == 42


@pytest.mark.process
def test_the_python_wrapper_that_passes_the_signal_on_works() -> None:
    child = proc("python", "caught", MAIN + 1, command=[sys.executable, "-c", TRAPS])
    cure = found("python", "launch.py", child=child).cure
    code = cure[cure.index("import signal, subprocess") :]
    assert stopped("exec " + shlex.join([sys.executable, "-c", code])) == 42


def test_no_cure_of_python_for_a_deaf_python_starts_with_spaces() -> None:
    cure = diagnose(Journal("python", "train.py").stop(DEAF).killed().gone()).findings[0].cure
    compile(cure, "cure", "exec")


@pytest.mark.parametrize(
    ("code", "cure"),
    [
        (0, "runner check --after 1.5 -- python train.py"),
        (1, "# it fails by itself; mend that first:\npython train.py"),
    ],
)
def test_a_program_that_failed_before_the_stop_is_not_to_be_stopped_sooner(code: int, cure: str) -> None:
    finding = diagnose(Journal("python", "train.py").exit(-2.0, code).gone()).findings[0]
    assert (finding.code, finding.cure) == ("ended-before-stop", cure)
