"""Every fault of the job operations: code and text, by job type, and whether it was seen at AWS or is assumed.

Which codes the service uses does not follow from its model: a training job that is not there is a ValidationException,
which the waiters of all SDKs depend on. `[server.faults]` of `runner.toml` changes any of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from runner.jobs.base import Kind
from runner.settings import Settings
from runner.wire.calls import Fault

VALIDATION, NOT_FOUND, IN_USE = "ValidationException", "ResourceNotFound", "ResourceInUse"


class Text(NamedTuple):
    """One fault. What stands for what in its message: `settings.FAULTS`."""

    code: str
    message: str
    seen: bool
    """At AWS, with these words; else it is assumed."""


_REJECTED = "The request was rejected because the {job} is in status {{status}}."
_TUNING_JOB = "hyperparameter tuning job"

FAULTS: Mapping[str, Text] = MappingProxyType(
    {
        "training.not-found": Text(VALIDATION, "Requested resource not found.", True),
        "training.ended": Text(VALIDATION, _REJECTED.format(job="training job"), True),
        "training.name-in-use": Text(
            IN_USE,
            "Training job names must be unique within an AWS account and region, and a training job with this name "
            "already exists ({arn})",
            True,
        ),
        "training.not-ended": Text(IN_USE, _REJECTED.format(job="training job"), False),
        "tuning.not-found": Text(
            NOT_FOUND, "Amazon SageMaker can't find a tuning job called {name}. Type another name.", True
        ),
        "tuning.ended": Text(VALIDATION, _REJECTED.format(job=_TUNING_JOB), False),
        "tuning.name-in-use": Text(
            IN_USE,
            "A hyperparameter tuning job with the name, {name}, already exists. Choose a different name.",
            True,
        ),
        "tuning.not-ended": Text(VALIDATION, _REJECTED.format(job=_TUNING_JOB), False),
        "tuning.no-metric": Text(
            VALIDATION,
            "A metric is required for this hyperparameter tuning job objective. Provide a metric in the metric "
            "definitions.",
            True,
        ),
        "tuning.few-combinations": Text(
            VALIDATION,
            "You don't have enough combinations of hyperparameter ranges. The total number of hyperparameter "
            "combinations for the provided ranges [{found}] must be equal or greater than the value of "
            "MaxNumberOfJobs, [{most}]. Provide additional ranges.",
            True,
        ),
        "compilation.not-found": Text(NOT_FOUND, "Could not find compilation job '{name}'.", False),
        "compilation.ended": Text(VALIDATION, _REJECTED.format(job="compilation job"), False),
        "compilation.name-in-use": Text(
            IN_USE, "Compilation job with name {name} already exists. Choose a different name.", False
        ),
        "compilation.not-ended": Text(VALIDATION, _REJECTED.format(job="compilation job"), False),
        "compilation.no-package": Text(
            VALIDATION,
            "Could not find model package {arn}. None is looked up here: InputConfig has to say what is compiled.",
            False,
        ),
    }
)
"""`<job type>.<what>`: `not-found`; `ended`, of a stop; `name-in-use`; `not-ended`, of a deletion; `no-metric`, of an
objective without a definition; `few-combinations`, of ranges for fewer trainings than are wanted; `no-package`, of a
model package without an InputConfig."""

STOPPING = "stopping"
"""A stop of a job that is being stopped already: it changes nothing and is answered 200, unless `[server.faults]` has
a fault `<job type>.stopping`. What AWS does is not known."""


def fault(settings: Settings, kind: Kind, what: str, **job: str) -> Fault:
    """The fault as it is answered; `job` fills its message."""
    code, message = _text(settings, f"{kind.value}.{what}")
    for member, value in job.items():
        message = message.replace(f"{{{member}}}", value)
    return Fault(code, message)


def is_set(settings: Settings, kind: Kind, what: str) -> bool:
    """There is such a fault: in the settings, or here."""
    name = f"{kind.value}.{what}"
    return name in settings.faults or name in FAULTS


def _text(settings: Settings, name: str) -> tuple[str, str]:
    chosen = settings.faults.get(name, {})
    default = FAULTS.get(name, Text(VALIDATION, "", False))
    return chosen.get("code", default.code), chosen.get("message", default.message)
