"""The service models of botocore, which are the contract: read at run time, nothing of them is copied."""

from __future__ import annotations

import functools

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel

SERVICES = ("sagemaker", "logs")
"""As signatures name them, and botocore."""


@functools.cache
def service(name: str) -> ServiceModel:
    """The model of one of `SERVICES`. The first call reads it, which takes a tenth of a second."""
    return ServiceModel(Loader().load_service_model(name, "service-2"), name)


@functools.cache
def operation(name: str, of: str = "sagemaker") -> OperationModel:
    """The model of one operation."""
    return service(of).operation_model(name)


@functools.cache
def prefixes() -> dict[str, str]:
    """What stands before the dot of `X-Amz-Target` -> the service."""
    return {str(service(name).metadata["targetPrefix"]): name for name in SERVICES}


def wire_name(member: str) -> str:
    """A member as AWS's errors spell it: `trainingJobName` for `TrainingJobName`."""
    return member[:1].lower() + member[1:]
