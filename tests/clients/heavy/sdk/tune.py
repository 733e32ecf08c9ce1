"""A tuner that is fitted without waiting, looked at, and stopped; and one that comes to its end."""

from __future__ import annotations

from sagemaker.estimator import Estimator
from sagemaker.session import Session
from sagemaker.tuner import ContinuousParameter, HyperparameterTuner

from tests.clients import requests
from tests.waiting import wait_until

session = Session()
logs = session.boto_session.client("logs")


def tuner(epochs: int, most: int) -> HyperparameterTuner:
    """Two trainings at a time."""
    estimator = Estimator(
        "digits",
        "arn:aws:iam::123456789012:role/any",
        instance_count=1,
        instance_type="ml.m5.large",
        output_path="s3://bucket/out",
        hyperparameters={"epochs": str(epochs)},
        sagemaker_session=session,
    )
    return HyperparameterTuner(
        estimator,
        "accuracy",
        {"learning-rate": ContinuousParameter(0.05, 1.0)},
        metric_definitions=[{"Name": "accuracy", "Regex": "accuracy=([0-9.]+)"}],
        max_jobs=most,
        max_parallel_jobs=2,
        strategy="Random",
    )


def measured(name: str) -> bool:
    """A training has told a value."""
    found = logs.filter_log_events(
        logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=f"{name}/", filterPattern="accuracy", limit=1
    )
    return bool(found["events"])


stopped = tuner(epochs=1000, most=6)
stopped.fit(wait=False, job_name="stopped")
assert stopped.describe()["HyperParameterTuningJobStatus"] == "InProgress"
analytics = stopped.analytics()
wait_until(lambda: len(analytics.dataframe(force_refresh=True)) == 2, within=60, saying="not two trainings")
names = list(analytics.dataframe().TrainingJobName)
wait_until(lambda: all(map(measured, names)), within=60, saying="they have told no value")
stopped.stop_tuning_job()
stopped.wait()
stopped.stop_tuning_job()  # refused, which the SDK takes for done
table = analytics.dataframe(force_refresh=True)
assert {"learning-rate", "FinalObjectiveValue", "TrainingElapsedTimeSeconds"} <= set(table), table
assert table["learning-rate"].between(0.05, 1.0).all(), table
session.logs_for_job(names[0])

ended = tuner(epochs=1, most=2)
ended.fit(job_name="ended")
best = ended.best_training_job()
values = ended.analytics().dataframe().set_index("TrainingJobName").FinalObjectiveValue
assert values.idxmax() == best, values

# One that another client made: the SDK's own requests have a member that its `attach` cannot read.
session.sagemaker_client.create_hyper_parameter_tuning_job(**requests.tuning("another", 1, 1))
attached = HyperparameterTuner.attach("another", sagemaker_session=session)
attached.stop_tuning_job()
attached.wait()
statuses = (one.describe()["HyperParameterTuningJobStatus"] for one in (stopped, ended, attached))
print("\nresult:", *table.TrainingJobStatus, *statuses)
