"""A hundred stops in a row: as soon as the 200 has been read, another connection sees the job Stopping, or later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.clients import requests
from tests.clients.test_boto3 import put_model
from tests.runs.serving import Served

TIMES = 100
AT_ONCE = 20
"""Jobs that run at the same time."""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_trainings(sagemaker: Any, another_client: Any) -> None:
    for batch in range(0, TIMES, AT_ONCE):
        names = [f"job-{number}" for number in range(batch, batch + AT_ONCE)]
        for name in names:
            sagemaker.create_training_job(**requests.training(name, "sleep", "1000", grace=0.5))
        for name in names:
            sagemaker.stop_training_job(TrainingJobName=name)
            seen = another_client.describe_training_job(TrainingJobName=name)
            assert seen["TrainingJobStatus"] in ("Stopping", "Stopped")
            assert seen["SecondaryStatus"] in ("Stopping", "Uploading", "Stopped")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_compilations(sagemaker: Any, another_client: Any, served: Served, home: Path) -> None:
    put_model(served, home)
    for batch in range(0, TIMES, AT_ONCE):
        names = [f"job-{number}" for number in range(batch, batch + AT_ONCE)]
        for name in names:
            sagemaker.create_compilation_job(**requests.compilation(name))
        for name in names:
            sagemaker.stop_compilation_job(CompilationJobName=name)
            seen = another_client.describe_compilation_job(CompilationJobName=name)
            assert seen["CompilationJobStatus"] in ("STOPPING", "STOPPED")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_tunings(sagemaker: Any, another_client: Any) -> None:
    for batch in range(0, TIMES, AT_ONCE):
        names = [f"job-{number}" for number in range(batch, batch + AT_ONCE)]
        for name in names:
            sagemaker.create_hyper_parameter_tuning_job(**requests.tuning(name, parallel=1, most=2))
        for name in names:
            sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
            seen = another_client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
            assert seen["HyperParameterTuningJobStatus"] in ("Stopping", "Stopped")
