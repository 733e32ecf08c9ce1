"""The jobs of one test, in a runner of the test's own."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from runner.errors import RunnerError
from runner.pytest_plugin.judging import Told, tell
from runner.pytest_plugin.options import Options

if TYPE_CHECKING:
    from runner.api import Job, Runner

_LONGEST = 50
"""Characters of a test's name in the names of its jobs, which may have 63."""


class Jobs:
    """Launches jobs, remembers what there is to tell of them, and leaves nothing else."""

    def __init__(self, test: str, options: Options) -> None:
        self.options = options
        self._test = re.sub(r"[^a-zA-Z0-9]+", "-", test)[:_LONGEST].strip("-") or "job"
        self._runner: Runner | None = None
        self._told: dict[Job, Told | None] = {}

    @property
    def runner(self) -> Runner:
        """Private to this test; made when it is first asked for."""
        if self._runner is None:
            from runner.api import Runner

            self._runner = Runner()
        return self._runner

    def launch(self, words: Sequence[str], **wishes: Any) -> Job:
        """See `Runner.train`. What the wishes leave open, or say None of, the options of the pytest run say."""
        said = {name: value for name, value in wishes.items() if value is not None}
        said.setdefault("name", f"{self._test}-{secrets.token_hex(4)}")
        said.setdefault("grace", self.options.grace)
        said.setdefault("isolation", self.options.isolation)
        job = self.runner.train(words, **said)
        self._told[job] = None
        return job

    def tell(self, job: Job) -> Told:
        """What there is to tell of a job now. From now on it is one of this test, whoever has launched it."""
        told = self._told[job] = tell(job, self._told.get(job))
        return told

    def keep(self, told: Told) -> None:
        """Take over what a check has found out."""
        self._told[told.job] = told

    def told(self) -> list[Told]:
        """What there is to tell of all jobs: as they are now, or as they were when that was last known."""
        for job in list(self._told):
            with suppress(RunnerError):  # it was deleted, or its runner was closed
                self.tell(job)
        return [told for told in self._told.values() if told is not None]

    def close(self) -> None:
        """Kill what still runs. What there is to tell stays."""
        if self._runner is None:
            return
        try:
            self.told()
        finally:
            self._runner.close()
