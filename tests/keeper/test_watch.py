"""Who is said to have been killed with the main process."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.keeper.journal import Journal, parse
from runner.keeper.loop import Loop
from runner.keeper.watch import Watch
from runner.linux import procfs
from runner.linux.process import Process


def seen(pid: int, start: int) -> dict[str, Any]:
    return {"pid": pid, "inner": 2, "name": "mv", "start": start}


@pytest.fixture
def ending() -> Iterator[Process]:
    """A main process that has ended and has not been waited for."""
    with subprocess.Popen(["true"]) as child:
        process = Process.open(child.pid)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        yield process
        process.close()


def test_who_was_gone_before_it_could_be_watched_is_not(tmp_path: Path, ending: Process) -> None:
    journal = Journal(str(tmp_path / "journal"), 1)
    watch = Watch(journal, ending, Loop(), True, lambda: None)
    with subprocess.Popen(["true"]) as child:
        start = procfs.read_stat(child.pid).start
    watch.add([seen(child.pid, start), seen(os.getpid(), start - 1)])
    assert watch.killed_with_main() == []
    journal.close()
    ended = parse((tmp_path / "journal").read_bytes())
    assert [(fact["fact"], fact["pid"], fact["code"]) for fact in ended] == [
        ("process-ended", child.pid, None),
        ("process-ended", os.getpid(), None),
    ]


def test_who_was_killed_while_it_was_watched_is(tmp_path: Path, ending: Process) -> None:
    journal = Journal(str(tmp_path / "journal"), 1)
    watch = Watch(journal, ending, Loop(), True, lambda: None)
    with subprocess.Popen(["sleep", "1000"]) as child:
        here = seen(child.pid, procfs.read_stat(child.pid).start)
        watch.add([here])
        child.kill()
    assert watch.killed_with_main() == [here]
    journal.close()
