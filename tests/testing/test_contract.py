"""The published contract, passed by the fake backend on virtual time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from runner.backends.base import Backend
from runner.testing import clock
from runner.testing.contract import BackendContract, Behaviour, Runs
from runner.testing.fake import FakeBackend
from runner.testing.programs import Output, Program, Reaction

_READY = [Output(0.01, "ready")]
PROGRAMS = {
    Behaviour.EXITS_WITH_3.value: Program(lasts=0.05, code=3),
    Behaviour.LEAVES.value: Program(output=_READY, on_term=Reaction(0.02, code=5)),
    Behaviour.IGNORES.value: Program(output=_READY, on_term=None),
}


class TestFake(BackendContract):
    def backend(self, folder: Path) -> Backend:
        return FakeBackend(PROGRAMS)

    def argv(self, behaviour: Behaviour) -> Sequence[str]:
        return [behaviour.value]

    def run(self) -> Runs:
        return clock.run
