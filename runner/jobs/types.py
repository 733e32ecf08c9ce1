"""The job types, by kind."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from runner.jobs.base import JobType, Kind
from runner.jobs.compilation import COMPILATION
from runner.jobs.training import TRAINING
from runner.jobs.tuning import TUNING

TYPES: Mapping[Kind, JobType] = MappingProxyType({job.kind: job for job in (COMPILATION, TRAINING, TUNING)})


def of(kind: Kind) -> JobType:
    """The facts of one job type."""
    return TYPES[kind]
