"""An estimator that is fitted to its end, with the log as it comes."""

from __future__ import annotations

from sagemaker.estimator import Estimator
from sagemaker.session import Session

session = Session()
estimator = Estimator(
    "none-of-ours",
    "arn:aws:iam::123456789012:role/any",
    instance_count=1,
    instance_type="ml.m5.large",
    output_path="s3://bucket/out",
    container_entry_point=["sh", "-c", "seq -f 'line %g' 40; echo weights > /opt/ml/model/weights; echo end"],
    sagemaker_session=session,
)
estimator.fit(logs="All", job_name="short")
assert estimator.latest_training_job is not None
described = estimator.latest_training_job.describe()
print("\nresult:", described["TrainingJobStatus"], estimator.model_data)
