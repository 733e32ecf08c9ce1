"""Names of jobs and what is made of them: ARNs.

Patterns and lengths: `CompilationJobName`, `TrainingJobName` (1 to 63) and `HyperParameterTuningJobName` (1 to 32)
of SageMaker's service model. The text of CreateHyperParameterTuningJob allows `: + = @ _ %`; its pattern does not,
and the pattern is what the service applies.
"""

from __future__ import annotations

import re

from runner.errors import InvalidRequest
from runner.jobs.base import Defaults, JobType

LONGEST = 63
LONGEST_TUNING = 32

_PATTERN = "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,%d}"
_SHOWN = 80


def check_name(member: str, name: str, longest: int = LONGEST) -> str:
    """`name`, if it may name a job; else InvalidRequest for `member`."""
    if not 1 <= len(name) <= longest:
        raise InvalidRequest(member, f"must have 1 to {longest} characters, not {len(name)}")
    pattern = _PATTERN % (longest - 1)
    # fullmatch, because `$` also matches before a final line feed.
    if not re.fullmatch(pattern, name):
        raise InvalidRequest(
            member, f"must be letters and digits, with hyphens only between them ({pattern}), not {shown(name)}"
        )
    return name


def check_region(field: str, region: object) -> str:
    """`region`, if it can be a part of an ARN and of a host name; else InvalidRequest for `field`."""
    if not isinstance(region, str) or not re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", region):
        raise InvalidRequest(field, f"must be a region such as 'us-east-1', not {shown(region)}")
    return region


def arn(job: JobType, name: str, defaults: Defaults, region: str | None = None) -> str:
    """The ARN of the job of this type and name; without a region that of the settings."""
    return f"arn:aws:sagemaker:{region or defaults.region}:{defaults.account}:{job.arn_type}/{name}"


def sibling(of: str, arn_type: str, name: str) -> str:
    """The ARN of another job in the region and account of the ARN `of`."""
    return f"{of.rpartition(':')[0]}:{arn_type}/{name}"


def region(of: str) -> str:
    """The region in an ARN."""
    return of.split(":")[3]


def shown(value: object) -> str:
    """`value` as an error message quotes it: never longer than a line."""
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
