"""Programs that behave badly: each check has an end, says what it saw, and leaves nothing."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.commanding import ESCAPE, WHEN_READY, Command, Done, check, run
from tests.probing import compiled, probe

ISOLATIONS = pytest.mark.parametrize("isolation", ["pid1", "plain"])
LOOP = "while :; do sleep 0.05; done"
PIDS = Path("/sys/fs/cgroup/pids")
UNIFIED = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"))
MOST = 64
"""Processes that the bomb may have."""

BOMB = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
while True:
    try:
        os.fork()
    except OSError:
        pass
    time.sleep(0.05)
"""

RENAMER = """
import ctypes, signal, sys, time
libc = ctypes.CDLL(None)
def rename(number=None, frame=None):
    libc.prctl(15, b"\\x1b[31m\\x07\\n\\xff", 0, 0, 0)
rename()
print("ready", flush=True)
while True:
    time.sleep(0.05)
"""

OVERWRITER = r"""
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
int main(int count, char **words) {
    char *end = words[count - 1] + strlen(words[count - 1]);
    memset(words[0], '\x1b', end - words[0]);
    memcpy(words[0], "\x1b[2J\n\xff", 6);
    prctl(PR_SET_NAME, "\x1b]0;x\x07", 0, 0, 0);
    puts("ready");
    fflush(stdout);
    for (;;) pause();
}
"""


def assert_harmless(done: Done) -> None:
    """What was printed steers no terminal, and no exception of ours is in it."""
    assert ESCAPE not in done.out + done.err
    assert "\x07" not in done.out + done.err
    assert "Traceback" not in done.err


# What they print


def test_a_gigabyte(folder: Path) -> None:
    program = ["sh", "-c", f"yes 'a line that is printed very often' | head -c {1 << 30}; echo; echo the end"]
    with Command(folder, "check", "--after", 100, "--", *program) as command:
        done = command.end(within=55)
    assert done.code == 4, done.err
    assert done.out.startswith("UNDECIDED: ended-before-stop\n")
    assert done.out.endswith("  the end\n")


def test_what_is_looked_for_behind_many_lines(folder: Path) -> None:
    script = f"trap 'exit 0' TERM; yes 'a line that is printed very often' | head -n 500000; echo found 7; {LOOP}"
    done = check(folder, "--when-log", r"found \d+", program=["sh", "-c", script])
    assert (done.code, done.report["verdict"]) == (0, "graceful")


@pytest.mark.parametrize(
    "program",
    [
        ["sh", "-c", f"trap 'exit 0' TERM; printf 'no end of line'; {LOOP}"],
        ["sh", "-c", f"trap 'exit 0' TERM; head -c 3000000 /dev/zero; {LOOP}"],
        ["sh", "-c", f"trap 'exit 0' TERM; head -c 3000000 /dev/urandom; echo; {LOOP}"],
        ["sh", "-c", f"exec >&- 2>&-; trap 'exit 0' TERM; {LOOP}"],
    ],
    ids=["half a line", "a line of zeros", "noise", "closed"],
)
def test_no_text(folder: Path, program: list[str]) -> None:
    done = run(folder, "check", "--after", 1, "--grace", 5, "--", *program)
    assert done.code == 0, done.out
    assert_harmless(done)


def test_the_last_lines_of_one_that_prints_noise(folder: Path) -> None:
    done = run(folder, "check", "--", "sh", "-c", "head -c 100000 /dev/urandom; exit 1")
    assert done.code == 4
    assert_harmless(done)


# Processes


@ISOLATIONS
def test_one_that_forks_when_it_is_stopped(folder: Path, isolation: str) -> None:
    done = check(folder, "--isolation", isolation, *WHEN_READY, "--grace", 2, program=probe("storm", 40, 3))
    assert done.code in (0, 1)
    assert_harmless(done)


@pytest.fixture
def limited() -> Iterator[list[str]]:
    """The beginning of a command that may have no more than so many processes. RLIMIT_NPROC does not hold root."""
    for root in (PIDS, *UNIFIED):
        group = root / f"test-bomb-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            (group / "pids.max").write_text(str(MOST))
        except OSError:
            group.rmdir()
            continue
        break
    else:
        pytest.skip("no cgroup that limits processes can be made on this machine")
    yield ["sh", "-c", f'echo 0 > "{group}/cgroup.procs" && exec "$@"', "sh"]
    group.rmdir()


@ISOLATIONS
def test_one_that_forks_without_end(folder: Path, isolation: str, limited: list[str]) -> None:
    program = [*limited, sys.executable, "-I", "-S", "-c", BOMB]
    done = run(folder, "check", "--isolation", isolation, *WHEN_READY, "--grace", 0.5, "--", *program)
    assert (done.code, done.out.splitlines()[0]) == (1, "NOT GRACEFUL: ignored"), done
    assert_harmless(done)


# Their folders


@ISOLATIONS
def test_one_that_removes_its_folders(folder: Path, isolation: str) -> None:
    (folder / "work").mkdir()
    removes = (
        'cd work; rm -rf "$PWD"; rm -rf ${SAGEMAKER_BASE_DIR:-/opt/ml}/* ${SAGEMAKER_BASE_DIR:-/opt/ml} 2>/dev/null'
    )
    script = f"{removes}; rm -rf $TMPDIR; trap 'exit 0' TERM; echo ready; {LOOP}"
    done = check(folder, "--isolation", isolation, *WHEN_READY, "--grace", 5, program=["sh", "-c", script])
    assert (done.code, done.report["exit"]["code"]) == (0, 0), done
    assert_harmless(done)
    assert not (folder / "work").exists()


@ISOLATIONS
def test_one_that_leaves_folders_that_may_not_be_entered(folder: Path, isolation: str) -> None:
    ml = "${SAGEMAKER_BASE_DIR:-/opt/ml}"
    script = (
        f"mkdir -p {ml}/model/a/b; touch {ml}/model/a/b/c; chmod 0 {ml}/model/a; trap 'exit 0' TERM; echo ready; {LOOP}"
    )
    done = check(folder, "--isolation", isolation, *WHEN_READY, "--grace", 5, program=["sh", "-c", script])
    assert done.report["exit"]["code"] == 0, done
    assert_harmless(done)


# Their names


@ISOLATIONS
@pytest.mark.parametrize("as_json", [True, False], ids=["json", "text"])
def test_one_that_renames_itself(folder: Path, isolation: str, as_json: bool) -> None:
    options = ["--isolation", isolation, *WHEN_READY, "--grace", 0.5, *(["--json"] if as_json else [])]
    done = run(folder, "check", *options, "--", sys.executable, "-I", "-S", "-c", RENAMER)
    assert done.code == 1
    assert_harmless(done)
    assert "\\\\x1b[31m\\\\x07\\\\n" in done.out if as_json else "\\x1b[31m\\x07\\n" in done.out
    if as_json:
        json.loads(done.out)


def test_one_that_overwrites_its_arguments(folder: Path) -> None:
    (folder / "source.c").write_text(OVERWRITER)
    program = [*compiled(str(folder / "source.c"), folder), "with", "arguments"]
    for options in (["--json"], []):
        done = run(folder, "check", *WHEN_READY, "--grace", 0.5, *options, "--", *program)
        assert done.code == 1, done
        assert_harmless(done)


# Readiness


@pytest.mark.parametrize("repeat", [(), ("--repeat", 3), ("--resume",)], ids=["once", "repeat", "resume"])
def test_one_that_is_never_ready(folder: Path, repeat: tuple[object, ...]) -> None:
    done = check(folder, "--when-log", "ready", "--give-up", 1, *repeat, program=probe("silent"))
    assert (done.code, done.first) == (4, "not-ended")
    assert "gave up: no line" in done.err
    assert "within 1 s" in done.err


def test_one_that_ends_before_the_trigger(folder: Path) -> None:
    done = run(folder, "check", "--when-log", "never", "--", "sh", "-c", r"printf '\033[31mred\n'; exit 5")
    assert done.code == 4
    assert done.out.startswith("UNDECIDED: ended-before-stop\n")
    assert done.out.endswith("\\x1b[31mred\n")
    assert_harmless(done)


def test_an_expression_that_backtracks_for_ever(folder: Path) -> None:
    line = "a" * 5000 + "b"
    done = check(folder, "--when-log", "(a+)+$", program=["sh", "-c", f"trap 'exit 0' TERM; echo {line}; {LOOP}"])
    assert (done.code, done.first) == (4, "not-ended")
    assert "gave up: took more than 1 s for one line of the log: (a+)+$" in done.err


# Terminals


@pytest.mark.parametrize("columns", ["20", "1", "0", "wide", "10000"])
@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "pipe"])
def test_any_width(folder: Path, columns: str, terminal: bool) -> None:
    variables = {"COLUMNS": columns, "TERM": "dumb"}
    command = ["check", *WHEN_READY, "--grace", 0.2, "--", *probe("no-handler")]
    done = run(folder, *command, variables=variables, terminal=terminal)
    assert done.code == 1
    assert_harmless(done)
    prose = done.out.replace("\r\n", "\n").partition("What to do:")[0]
    most = int(columns) if columns in ("20", "1") else 100
    assert max(map(len, prose.splitlines())) <= max(most, 40)
    assert "no-handler-pid1" in prose
