"""One address for all: S3, STS and IAM beside SageMaker, and the jobs' objects in the S3, too."""

from __future__ import annotations

import gc
import json
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
EUROPE = {"LocationConstraint": "eu-west-1"}


@pytest.fixture
def served(home: Path) -> Iterator[Served]:
    served = Served(home / "data", home / "serve.log", "--services", "s3, sts,iam")
    yield served
    served.close()


@pytest.fixture
def clients(served: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    served.start()
    for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": served.url}.items():
        monkeypatch.setenv(name, value)
    session = boto3.session.Session()
    found = {name: session.client(name) for name in ("sagemaker", "s3", "sts", "iam", "logs")}
    yield found
    for client in found.values():
        client.close()
    gc.collect()


def trained(sagemaker: Any, name: str, command: str, **members: Any) -> None:
    """A training of this shell command has run with `s3://data/train/` as its input."""
    channel = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data/train/"}}
    inputs = [{"ChannelName": "train", "DataSource": channel}]
    sagemaker.create_training_job(**requests.training(name, "sh", "-c", command, InputDataConfig=inputs, **members))
    until(lambda: training_status(sagemaker, name), "Completed")


def keys(s3: Any, bucket: str) -> list[str]:
    return [found["Key"] for found in s3.list_objects_v2(Bucket=bucket).get("Contents", ())]


def test_every_service_answers_at_one_address(clients: dict[str, Any]) -> None:
    assert clients["sts"].get_caller_identity()["Account"] == "123456789012"
    assert clients["iam"].get_role(RoleName="any")["Role"]["Arn"] == requests.ROLE
    assert clients["s3"].list_buckets()["Buckets"] == []
    assert clients["sagemaker"].list_training_jobs()["TrainingJobSummaries"] == []
    assert clients["logs"].describe_log_groups()["logGroups"] == []


def test_what_is_in_s3_is_an_input_and_what_a_job_leaves_is_in_s3(clients: dict[str, Any], tmp_path: Path) -> None:
    s3, sagemaker = clients["s3"], clients["sagemaker"]
    s3.create_bucket(Bucket="data", CreateBucketConfiguration=EUROPE)
    for text in (b"old", b"new"):
        s3.put_object(Bucket="data", Key="train/part.csv", Body=text)
        name = f"copies-{text.decode()}"
        output = {"S3OutputPath": "s3://results/out", "CompressionType": "NONE"}
        trained(sagemaker, name, COPIES, OutputDataConfig=output)
        found = s3.get_object(Bucket="results", Key=f"out/{name}/output/model/part.csv")["Body"].read()
        assert found == text
        assert (tmp_path / "data/objects/results/out" / name / "output/model/part.csv").read_bytes() == text


def test_what_a_job_leaves_is_in_a_bucket_of_another_region_than_us_east_1(clients: dict[str, Any]) -> None:
    """Of which S3 says that it is there if one creates it once more, and does not do so of one in us-east-1."""
    clients["s3"].create_bucket(Bucket="there", CreateBucketConfiguration=EUROPE)
    output = {"S3OutputPath": "s3://there/out"}
    clients["sagemaker"].create_training_job(**requests.training("anywhere", "true", OutputDataConfig=output))
    until(lambda: training_status(clients["sagemaker"], "anywhere"), "Completed")
    assert keys(clients["s3"], "there") == ["out/anywhere/output/model.tar.gz"]


def test_what_the_s3_refuses_is_said_once_and_fails_no_job(clients: dict[str, Any], served: Served) -> None:
    clients["s3"].create_bucket(Bucket="closed", CreateBucketConfiguration=EUROPE)
    denied = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::closed/*"}
    clients["s3"].put_bucket_policy(Bucket="closed", Policy=json.dumps({"Statement": [denied]}))
    output = {"S3OutputPath": "s3://closed/out"}
    for name in ("first", "second"):
        clients["sagemaker"].create_training_job(**requests.training(name, "true", OutputDataConfig=output))
        until(lambda name=name: training_status(clients["sagemaker"], name), "Completed")  # type: ignore[misc]  # bound now
    (line,) = (line for line in served.output.splitlines() if "could not" in line)
    assert line.startswith("could not put 's3://closed/out/first/output/model.tar.gz' into the S3 at http://127.0.0.1:")
    assert "Forbidden" in line


def test_what_a_client_deletes_is_no_input_any_more(clients: dict[str, Any], served: Served) -> None:
    s3, sagemaker = clients["s3"], clients["sagemaker"]
    s3.create_bucket(Bucket="data", CreateBucketConfiguration=EUROPE)
    for name in ("a.txt", "b.txt"):
        s3.put_object(Bucket="data", Key=f"train/{name}", Body=b"text")
    by_hand = served.data_dir / "objects/data/train/by-hand"
    by_hand.parent.mkdir(parents=True)
    by_hand.write_text("as it was put there")
    output = {"OutputDataConfig": {"S3OutputPath": "s3://results", "CompressionType": "NONE"}}
    trained(sagemaker, "both", COPIES, **output)
    assert s3.get_object(Bucket="data", Key="train/by-hand")["Body"].read() == b"as it was put there"
    s3.delete_object(Bucket="data", Key="train/a.txt")
    trained(sagemaker, "one", COPIES, **output)
    s3.delete_object(Bucket="data", Key="train/by-hand")
    trained(sagemaker, "last", COPIES, **output)
    assert keys(s3, "results") == [
        *(f"both/output/model/{name}" for name in ("a.txt", "b.txt", "by-hand")),
        "last/output/model/b.txt",
        *(f"one/output/model/{name}" for name in ("b.txt", "by-hand")),
    ]
    assert [path.name for path in by_hand.parent.iterdir()] == ["b.txt"]


def test_what_a_client_deletes_is_no_checkpoint_any_more(clients: dict[str, Any]) -> None:
    s3, sagemaker = clients["s3"], clients["sagemaker"]
    s3.create_bucket(Bucket="data", CreateBucketConfiguration=EUROPE)
    s3.put_object(Bucket="data", Key="train/any", Body=b"")
    checkpoints = {"CheckpointConfig": {"S3Uri": "s3://data/checkpoints"}}
    trained(sagemaker, "saves", "cd /opt/ml/checkpoints && touch epoch-1 epoch-2", **checkpoints)
    assert keys(s3, "data") == ["checkpoints/epoch-1", "checkpoints/epoch-2", "train/any"]
    s3.delete_object(Bucket="data", Key="checkpoints/epoch-2")
    trained(sagemaker, "resumes", "test $(ls /opt/ml/checkpoints) = epoch-1", **checkpoints)
    assert keys(s3, "data") == ["checkpoints/epoch-1", "train/any"]


def test_an_input_that_is_nowhere(clients: dict[str, Any]) -> None:
    channel = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://nobody/has/this"}}
    clients["sagemaker"].create_training_job(
        **requests.training("starved", "true", InputDataConfig=[{"ChannelName": "train", "DataSource": channel}])
    )
    until(lambda: training_status(clients["sagemaker"], "starved"), "Failed")
    reason = clients["sagemaker"].describe_training_job(TrainingJobName="starved")["FailureReason"]
    assert 'No S3 objects found under S3 URL "s3://nobody/has/this"' in reason
