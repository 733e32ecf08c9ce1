"""One address for all: S3, STS and IAM beside SageMaker, and the jobs' objects in the S3, too."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.clients import requests
from tests.clients.conftest import CREDENTIALS
from tests.clients.test_boto3 import training_status, until
from tests.runs.serving import Served

COPIES = "cp -r /opt/ml/input/data/train/. /opt/ml/model/"


@pytest.fixture
def clients(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    served = Served(home / "data", home / "serve.log", "--services", "s3, sts,iam")
    try:
        served.start()
        for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": served.url}.items():
            monkeypatch.setenv(name, value)
        session = boto3.session.Session()
        found = {name: session.client(name) for name in ("sagemaker", "s3", "sts", "iam", "logs")}
        yield found
        for client in found.values():
            client.close()
        gc.collect()
    finally:
        served.close()


def test_every_service_answers_at_one_address(clients: dict[str, Any]) -> None:
    assert clients["sts"].get_caller_identity()["Account"] == "123456789012"
    assert clients["iam"].get_role(RoleName="any")["Role"]["Arn"] == requests.ROLE
    assert clients["s3"].list_buckets()["Buckets"] == []
    assert clients["sagemaker"].list_training_jobs()["TrainingJobSummaries"] == []
    assert clients["logs"].describe_log_groups()["logGroups"] == []


def test_what_is_in_s3_is_an_input_and_what_a_job_leaves_is_in_s3(clients: dict[str, Any], tmp_path: Path) -> None:
    s3, sagemaker = clients["s3"], clients["sagemaker"]
    s3.create_bucket(Bucket="data", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    for text in (b"old", b"new"):
        s3.put_object(Bucket="data", Key="train/part.csv", Body=text)
        name = f"copies-{text.decode()}"
        channel = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data/train/"}}
        sagemaker.create_training_job(
            **requests.training(
                name,
                *("sh", "-c", COPIES),
                InputDataConfig=[{"ChannelName": "train", "DataSource": channel}],
                OutputDataConfig={"S3OutputPath": "s3://results/out", "CompressionType": "NONE"},
            )
        )
        until(lambda name=name: training_status(sagemaker, name), "Completed")  # type: ignore[misc]  # bound now
        found = s3.get_object(Bucket="results", Key=f"out/{name}/output/model/part.csv")["Body"].read()
        assert found == text
        assert (tmp_path / "data/objects/results/out" / name / "output/model/part.csv").read_bytes() == text


def test_an_input_that_is_nowhere(clients: dict[str, Any]) -> None:
    channel = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://nobody/has/this"}}
    clients["sagemaker"].create_training_job(
        **requests.training("starved", "true", InputDataConfig=[{"ChannelName": "train", "DataSource": channel}])
    )
    until(lambda: training_status(clients["sagemaker"], "starved"), "Failed")
    reason = clients["sagemaker"].describe_training_job(TrainingJobName="starved")["FailureReason"]
    assert 'No S3 objects found under S3 URL "s3://nobody/has/this"' in reason
