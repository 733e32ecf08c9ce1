"""A training that is stopped while it runs, and asked for its log; one that is waited for while it stops."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError
from sagemaker.estimator import Estimator
from sagemaker.exceptions import UnexpectedStatusException
from sagemaker.session import Session

from tests.waiting import wait_until

session = Session()
logs = session.boto_session.client("logs")


def estimator(*command: str, grace: int) -> Estimator:
    """Runs this command, or else the image."""
    return Estimator(
        "any",
        "arn:aws:iam::123456789012:role/any",
        instance_count=1,
        instance_type="ml.m5.large",
        output_path="s3://bucket/out",
        tags=[{"Key": "runner:grace-seconds", "Value": str(grace)}],
        container_entry_point=list(command) or None,
        sagemaker_session=session,
    )


def described(name: str) -> Any:
    return session.describe_training_job(name)


def is_ready(name: str) -> bool:
    """It has said so, and can be stopped."""
    try:
        found = logs.filter_log_events(
            logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=f"{name}/", filterPattern="ready"
        )
    except logs.exceptions.ResourceNotFoundException:
        return False
    return bool(found["events"])


polite = estimator(grace=20)
polite.fit(wait=False, job_name="polite")
wait_until(lambda: is_ready("polite"), within=60, saying=lambda: str(described("polite")))
job = polite.latest_training_job
assert job is not None
job.stop()
wait_until(
    lambda: described("polite")["TrainingJobStatus"] == "Stopped", within=60, saying=lambda: str(described("polite"))
)
try:
    job.stop()
except ClientError as error:
    print(error.response["Error"]["Message"])
session.logs_for_job("polite")

deaf = estimator("sleep", "1000", grace=10)
deaf.fit(wait=False, job_name="deaf")
assert deaf.latest_training_job is not None
deaf.latest_training_job.stop()
try:
    # It takes Stopping for an end that it does not expect.
    deaf.latest_training_job.wait(logs="None")
except UnexpectedStatusException as error:
    print(error.actual_status)
deaf.latest_training_job.wait(logs="All")
print("\nresult:", described("polite")["TrainingJobStatus"], described("deaf")["TrainingJobStatus"])
