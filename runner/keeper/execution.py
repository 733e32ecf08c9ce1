"""Whether a job's program was executed: the child tells what went wrong through a pipe, which exec(2) closes."""

from __future__ import annotations

import json
import os

from runner.keeper import child
from runner.lifecycle.facts import FactName
from runner.linux import procfs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from runner.keeper.journal import Journal
    from runner.keeper.loop import Loop
    from runner.linux.process import Process


class Execution:
    """Reads the pipe once and writes down `executed` or `not-executed`."""

    __slots__ = ("_explain", "_journal", "_loop", "_main", "_report", "came_about")

    def __init__(
        self,
        main: Process,
        report: int,
        explain: Callable[[dict[str, Any]], tuple[int, str]],
        journal: Journal,
        loop: Loop,
    ) -> None:
        """`report` is the pipe's end to read; `explain` makes an exit code and words of what comes out of it."""
        self.came_about = False
        self._main = main
        self._report = report
        self._explain = explain
        self._journal = journal
        self._loop = loop

    def listen(self, told: Callable[[], None]) -> None:
        """Call `told` once something can be read."""
        self._loop.add(self._report, told)

    def see(self) -> bool:
        """Whether it has come about or has failed since the last call. To be called before the child is reaped."""
        if self._report < 0:
            return False
        try:
            text = os.read(self._report, 65536)
        except BlockingIOError:
            return False
        self._loop.remove(self._report)
        os.close(self._report)
        self._report = -1
        if text:
            report = json.loads(text)
            code, reason = self._explain(report)
            not_executed(self._journal, report["stage"], report["errno"], reason, code)
        elif self._has_executed():
            self.came_about = True
            self._journal.add(FactName.EXECUTED)
        else:
            # Killed before it came to its exec: the pipe closes then, too.
            not_executed(self._journal, "exec", None, "killed before it was executed", child.NOT_EXECUTABLE)
        return True

    def _has_executed(self) -> bool:
        try:
            return procfs.read_stat(self._main.pid).executed
        except OSError:
            return False


def not_executed(journal: Journal, stage: str, errno: int | None, reason: str, code: int) -> None:
    """`code`: the exit code that a shell would give for it."""
    journal.add(FactName.NOT_EXECUTED, stage=stage, errno=errno, reason=reason, code=code)
