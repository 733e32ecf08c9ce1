"""A job that has not ended, as the supervisor holds it in memory."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from runner.jobs.base import JobType, Kind, Spec, key
from runner.lifecycle.phases import Phase
from runner.records.jobs import Record
from runner.supervisor.journals import Reading

LAUNCHED = frozenset({Phase.LAUNCHING, Phase.RUNNING, Phase.INTERRUPTED, Phase.TIMING_OUT, Phase.STOPPING})
"""Phases in which a program of the job may exist."""


@dataclass(eq=False)
class Live:
    """One job with what belongs to it. `record` and `reading` are replaced only after their commit."""

    record: Record
    type: JobType
    spec: Spec
    folder: Path
    reading: Reading = field(default_factory=Reading)
    followers: int = 0
    """How many wait for lines of its log."""
    known: bool = False
    """The backend was told to launch it."""
    timer: asyncio.TimerHandle | None = None
    """Of its MaxRuntimeInSeconds."""

    @property
    def kind(self) -> Kind:
        return self.spec.kind

    @property
    def key(self) -> str:
        return key(self.spec.kind, self.spec.name)

    @property
    def phase(self) -> Phase:
        return self.record.state.phase
