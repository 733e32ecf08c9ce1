"""Create requests as a user of boto3 writes them."""

from __future__ import annotations

from typing import Any

ROLE = "arn:aws:iam::123456789012:role/any"
BUILT_IN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"


def training(name: str, *command: str, grace: float = 20, **members: Any) -> dict[str, Any]:
    """Runs `command`, or else the image `any`."""
    algorithm: dict[str, Any] = {"TrainingInputMode": "File"}
    algorithm |= {"ContainerEntrypoint": list(command)} if command else {"TrainingImage": "any"}
    return {
        "TrainingJobName": name,
        "RoleArn": ROLE,
        "AlgorithmSpecification": algorithm,
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        "Tags": [{"Key": "runner:grace-seconds", "Value": str(grace)}],
        **members,
    }


def compilation(name: str, grace: float = 20) -> dict[str, Any]:
    """The model has to be in the store: `s3://bucket/model.tar.gz`."""
    return {
        "CompilationJobName": name,
        "RoleArn": ROLE,
        "InputConfig": {"S3Uri": "s3://bucket/model.tar.gz", "Framework": "XGBOOST", "DataInputConfig": "{}"},
        "OutputConfig": {"S3OutputLocation": "s3://bucket/compiled", "TargetDevice": "ml_c5"},
        "StoppingCondition": {"MaxRuntimeInSeconds": 900},
        "Tags": [{"Key": "runner:grace-seconds", "Value": str(grace)}],
    }


def tuning(name: str, parallel: int = 2, most: int = 4, grace: float = 20) -> dict[str, Any]:
    """Trainings of the image `any`."""
    definition = {
        "StaticHyperParameters": {"epochs": "3"},
        "AlgorithmSpecification": {
            "TrainingImage": "any",
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "accuracy", "Regex": "accuracy=([0-9.]+)"}],
        },
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
    }
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "accuracy"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": most, "MaxParallelTrainingJobs": parallel},
            "ParameterRanges": {
                "ContinuousParameterRanges": [{"Name": "rate", "MinValue": "0.001", "MaxValue": "0.1"}]
            },
        },
        "TrainingJobDefinition": definition,
        "Tags": [{"Key": "runner:grace-seconds", "Value": str(grace)}],
    }
