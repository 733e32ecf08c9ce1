"""Start a job from the API's own CreateTrainingJob request, with the grace as a tag, and describe it."""

import json
import sys

from runner import Runner

REQUEST = {
    "TrainingJobName": "digits-1",
    "RoleArn": "arn:aws:iam::123456789012:role/training",
    "AlgorithmSpecification": {
        "TrainingInputMode": "File",
        "ContainerEntrypoint": [sys.executable, "-m", "workloads.training.digits"],
    },
    "HyperParameters": {"learning-rate": "0.2"},
    "OutputDataConfig": {"S3OutputPath": "s3://my-bucket/models"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    "Tags": [{"Key": "runner:grace-seconds", "Value": "10"}],
}

with Runner() as runner:
    job = runner.submit("training", REQUEST)
    job.wait_for_log("epoch 1 ")
    job.stop()
    described = job.describe()
    print(json.dumps({name: described[name] for name in ("TrainingJobStatus", "ModelArtifacts")}, indent=2))
    for entry in described["SecondaryStatusTransitions"]:
        print(f"{entry['Status']}: {entry['StatusMessage']}")
