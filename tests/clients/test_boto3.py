"""boto3 as users have it: nothing is set but AWS_ENDPOINT_URL, a region, and any credentials."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError, WaiterError

from runner.wire.app import OPERATIONS
from tests.cli.commanding import run
from tests.clients import requests
from tests.runs.serving import Served
from tests.waiting import wait_until

ARN = "arn:aws:sagemaker:eu-west-1:123456789012"


def training_status(client: Any, name: str) -> str:
    return str(client.describe_training_job(TrainingJobName=name)["TrainingJobStatus"])


def compilation_status(client: Any, name: str) -> str:
    return str(client.describe_compilation_job(CompilationJobName=name)["CompilationJobStatus"])


def tuning_status(client: Any, name: str) -> str:
    described = client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    return str(described["HyperParameterTuningJobStatus"])


def until(status: Callable[[], str], *wanted: str) -> None:
    wait_until(lambda: status() in wanted, within=30, saying=lambda: f"it is {status()}")


def fault(call: Callable[..., Any], **members: Any) -> ClientError:
    with pytest.raises(ClientError) as caught:
        call(**members)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert caught.value.response["ResponseMetadata"]["RequestId"]
    return caught.value


def said(error: ClientError) -> tuple[str, str]:
    return error.response["Error"]["Code"], error.response["Error"]["Message"]


def put_model(served: Served, home: Path) -> None:
    archive = home / "model.tar.gz"
    with tarfile.open(archive, "w:gz"):
        pass
    (served.data_dir / "objects" / "bucket").mkdir(parents=True, exist_ok=True)
    archive.rename(served.data_dir / "objects" / "bucket" / "model.tar.gz")


def started(client: Any, name: str) -> None:
    """The training's program runs."""
    until(lambda: client.describe_training_job(TrainingJobName=name)["SecondaryStatus"], "Training")


def test_a_training_from_create_to_stopped(sagemaker: Any, served: Served) -> None:
    created = sagemaker.create_training_job(**requests.training("digits-1"))
    assert created["TrainingJobArn"] == f"{ARN}:training-job/digits-1"
    assert created["ResponseMetadata"]["RequestId"]
    started(sagemaker, "digits-1")
    stopped = sagemaker.stop_training_job(TrainingJobName="digits-1")
    assert stopped["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert set(stopped) == {"ResponseMetadata"}
    waiter = sagemaker.get_waiter("training_job_completed_or_stopped")
    waiter.wait(TrainingJobName="digits-1", WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    described = sagemaker.describe_training_job(TrainingJobName="digits-1")
    assert (described["TrainingJobStatus"], described["SecondaryStatus"]) == ("Stopped", "Stopped")
    path = [entry["Status"] for entry in described["SecondaryStatusTransitions"]]
    assert path[-3:] == ["Stopping", "Uploading", "Stopped"]
    assert described["TrainingEndTime"] >= described["TrainingStartTime"]
    assert described["ModelArtifacts"]["S3ModelArtifacts"] == "s3://bucket/out/digits-1/output/model.tar.gz"
    assert (served.data_dir / "objects" / "bucket/out/digits-1/output/model.tar.gz").is_file()
    code, message = said(fault(sagemaker.stop_training_job, TrainingJobName="digits-1"))
    assert (code, message) == (
        "ValidationException",
        "The request was rejected because the training job is in status Stopped.",
    )


def test_what_is_not_honoured_is_a_short_line_and_described_in_full(sagemaker: Any, served: Served, home: Path) -> None:
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/in"}}
    channels = [
        {"ChannelName": f"c{number}", "DataSource": source, "CompressionType": "Gzip", "RecordWrapperType": "RecordIO"}
        for number in range(20)
    ]
    members: dict[str, Any] = {
        "InputDataConfig": channels,
        "VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]},
    }
    sagemaker.create_training_job(**requests.training("much", **members))
    (logged,) = (line for line in served.output.splitlines() if "accepted" in line)
    assert logged == (
        "training/much: accepted, and not honoured: InputDataConfig[0].CompressionType, "
        "InputDataConfig[1].CompressionType, InputDataConfig[2].CompressionType and 38 more; "
        "`runner describe` and Job.detail() tell what happens instead"
    )
    described = run(home, "describe", "much", "--data-dir", served.data_dir).out
    told = described.partition("\nAccepted, and not honoured:\n")[2].splitlines()
    assert len(told) == 41
    assert told[0] == "  - InputDataConfig[0].CompressionType: objects stay compressed"
    assert told[-1] == "  - VpcConfig: the job has the network of this machine"


def test_a_compilation_from_create_to_stopped(sagemaker: Any, served: Served, home: Path) -> None:
    put_model(served, home)
    created = sagemaker.create_compilation_job(**requests.compilation("trees-1"))
    assert created["CompilationJobArn"] == f"{ARN}:compilation-job/trees-1"
    until(lambda: compilation_status(sagemaker, "trees-1"), "INPROGRESS")
    assert set(sagemaker.stop_compilation_job(CompilationJobName="trees-1")) == {"ResponseMetadata"}
    until(lambda: compilation_status(sagemaker, "trees-1"), "STOPPED")
    described = sagemaker.describe_compilation_job(CompilationJobName="trees-1")
    assert (described["FailureReason"], described["ModelArtifacts"]) == ("", {"S3ModelArtifacts": ""})
    code, message = said(fault(sagemaker.stop_compilation_job, CompilationJobName="trees-1"))
    assert (code, message) == (
        "ValidationException",
        "The request was rejected because the compilation job is in status STOPPED.",
    )
    sagemaker.delete_compilation_job(CompilationJobName="trees-1")
    gone = fault(sagemaker.describe_compilation_job, CompilationJobName="trees-1")
    assert isinstance(gone, sagemaker.exceptions.ResourceNotFound)


def test_objects_by_their_https_addresses(sagemaker: Any, served: Served, home: Path) -> None:
    """The input is found, the output is where s3:// has it, and Describe shows both as they were given."""
    put_model(served, home)
    source = {"S3DataType": "S3Prefix", "S3Uri": "https://s3.eu-west-1.amazonaws.com/bucket/model.tar.gz"}
    output = {"S3OutputPath": "https://bucket.s3.amazonaws.com/a%20b"}
    request = requests.training("by-https", "sh", "-c", 'cp "$SM_CHANNEL_TRAIN/model.tar.gz" "$SM_MODEL_DIR/found"')
    request["InputDataConfig"] = [{"ChannelName": "train", "DataSource": {"S3DataSource": source}}]
    sagemaker.create_training_job(**request | {"OutputDataConfig": output})
    until(lambda: training_status(sagemaker, "by-https"), "Completed", "Failed")
    described = sagemaker.describe_training_job(TrainingJobName="by-https")
    assert described["TrainingJobStatus"] == "Completed", described.get("FailureReason")
    assert described["OutputDataConfig"]["S3OutputPath"] == output["S3OutputPath"]
    assert described["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] == source["S3Uri"]
    assert described["ModelArtifacts"]["S3ModelArtifacts"] == "s3://bucket/a b/by-https/output/model.tar.gz"
    with tarfile.open(served.data_dir / "objects/bucket/a b/by-https/output/model.tar.gz") as archive:
        assert archive.getnames() == ["found"]
    elsewhere = request | {"OutputDataConfig": {"S3OutputPath": "https://example.com/bucket/out"}}
    code, message = said(fault(sagemaker.create_training_job, **elsewhere))
    assert code == "ValidationException"
    assert "at 'outputDataConfig.s3OutputPath'" in message
    assert "s3://BUCKET/KEY or an address of S3" in message


def test_a_model_package_is_not_there(sagemaker: Any, served: Served, home: Path) -> None:
    """So that every compilation has the InputConfig that Describe must show."""
    put_model(served, home)
    package = {"ModelPackageVersionArn": f"{ARN}:model-package/trees/1"}
    request = requests.compilation("packed", grace=0)
    alone = {name: value for name, value in request.items() if name != "InputConfig"}
    code, message = said(fault(sagemaker.create_compilation_job, **alone, **package))
    assert code == "ValidationException"
    assert message.startswith(f"Could not find model package {ARN}:model-package/trees/1.")
    assert sagemaker.list_compilation_jobs()["CompilationJobSummaries"] == []
    sagemaker.create_compilation_job(**request, **package)
    described = sagemaker.describe_compilation_job(CompilationJobName="packed")
    assert described["InputConfig"] == request["InputConfig"]
    assert described["ModelPackageVersionArn"] == package["ModelPackageVersionArn"]
    sagemaker.stop_compilation_job(CompilationJobName="packed")
    until(lambda: compilation_status(sagemaker, "packed"), "STOPPED")


def test_a_tuning_from_create_to_stopped(sagemaker: Any) -> None:
    created = sagemaker.create_hyper_parameter_tuning_job(**requests.tuning("search-1", parallel=3))
    assert created["HyperParameterTuningJobArn"] == f"{ARN}:hyper-parameter-tuning-job/search-1"

    def running() -> list[dict[str, Any]]:
        pages = sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job")
        found = [
            job
            for page in pages.paginate(HyperParameterTuningJobName="search-1", PaginationConfig={"PageSize": 1})
            for job in page["TrainingJobSummaries"]
        ]
        return found if len(found) == 3 else []

    launched = [job["TrainingJobName"] for job in wait_until(running, within=30, saying="not three trainings")]
    for name in launched:
        started(sagemaker, name)
    sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="search-1")
    until(lambda: tuning_status(sagemaker, "search-1"), "Stopped")
    assert [training_status(sagemaker, name) for name in launched] == ["Stopped"] * 3
    described = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="search-1")
    assert described["TrainingJobStatusCounters"]["Stopped"] == 3
    child = sagemaker.describe_training_job(TrainingJobName=launched[0])
    assert child["TuningJobArn"] == created["HyperParameterTuningJobArn"]
    assert child["ResourceConfig"]["InstanceCount"] == 1
    code, message = said(fault(sagemaker.stop_hyper_parameter_tuning_job, HyperParameterTuningJobName="search-1"))
    assert code == "ValidationException"
    assert message == "The request was rejected because the hyperparameter tuning job is in status Stopped."


def test_a_search_by_a_built_in_algorithm(sagemaker: Any) -> None:
    """It has no definitions, and finds its objective in what the algorithm prints; any other image needs them."""
    request = requests.tuning("boost", most=2)
    request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["MetricName"] = "validation:rmse"
    algorithm = request["TrainingJobDefinition"]["AlgorithmSpecification"]
    del algorithm["MetricDefinitions"]
    code, message = said(fault(sagemaker.create_hyper_parameter_tuning_job, **request))
    assert (code, message.partition(".")[0]) == (
        "ValidationException",
        "A metric is required for this hyperparameter tuning job objective",
    )
    algorithm["TrainingImage"] = requests.BUILT_IN
    sagemaker.create_hyper_parameter_tuning_job(**request)
    until(lambda: tuning_status(sagemaker, "boost"), "Completed", "Failed")
    best = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="boost")["BestTrainingJob"]
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == 7.5


def test_jobs_that_are_not_there(sagemaker: Any) -> None:
    for call in (sagemaker.describe_training_job, sagemaker.stop_training_job, sagemaker.delete_training_job):
        assert said(fault(call, TrainingJobName="nobody")) == ("ValidationException", "Requested resource not found.")
    text = "Amazon SageMaker can't find a tuning job called nobody. Type another name."
    for call in (sagemaker.describe_hyper_parameter_tuning_job, sagemaker.stop_hyper_parameter_tuning_job):
        error = fault(call, HyperParameterTuningJobName="nobody")
        assert said(error) == ("ResourceNotFound", text)
        assert isinstance(error, sagemaker.exceptions.ResourceNotFound)
        assert error.response["Message"] == text  # the modelled member
    for call in (sagemaker.describe_compilation_job, sagemaker.stop_compilation_job, sagemaker.delete_compilation_job):
        assert isinstance(fault(call, CompilationJobName="nobody"), sagemaker.exceptions.ResourceNotFound)
    children = sagemaker.list_training_jobs_for_hyper_parameter_tuning_job
    assert said(fault(children, HyperParameterTuningJobName="nobody")) == ("ResourceNotFound", text)


def test_the_waiter_fails_for_a_training_that_is_not_there(sagemaker: Any) -> None:
    waiter = sagemaker.get_waiter("training_job_completed_or_stopped")
    with pytest.raises(WaiterError, match="ValidationException"):
        waiter.wait(TrainingJobName="nobody", WaiterConfig={"Delay": 1, "MaxAttempts": 2})


def test_names_in_use(sagemaker: Any, served: Served, home: Path) -> None:
    put_model(served, home)
    sagemaker.create_training_job(**requests.training("taken", "true"))
    sagemaker.create_compilation_job(**requests.compilation("taken"))
    sagemaker.create_hyper_parameter_tuning_job(**requests.tuning("taken", 1, 1))
    in_use = sagemaker.exceptions.ResourceInUse
    training = fault(sagemaker.create_training_job, **requests.training("taken"))
    assert isinstance(training, in_use)
    assert said(training)[1] == (
        "Training job names must be unique within an AWS account and region, and a training job with this name "
        f"already exists ({ARN}:training-job/taken)"
    )
    tuning = fault(sagemaker.create_hyper_parameter_tuning_job, **requests.tuning("taken"))
    assert isinstance(tuning, in_use)
    assert said(tuning)[1] == (
        "A hyperparameter tuning job with the name, taken, already exists. Choose a different name."
    )
    assert isinstance(fault(sagemaker.create_compilation_job, **requests.compilation("taken")), in_use)
    sagemaker.stop_compilation_job(CompilationJobName="taken")
    sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="taken")
    until(lambda: training_status(sagemaker, "taken"), "Completed")
    # A name stays taken after the end, until the job is deleted.
    assert isinstance(fault(sagemaker.create_training_job, **requests.training("taken")), in_use)
    sagemaker.delete_training_job(TrainingJobName="taken")
    sagemaker.create_training_job(**requests.training("taken"))


def test_what_botocore_does_not_check(sagemaker: Any) -> None:
    code, message = said(fault(sagemaker.stop_hyper_parameter_tuning_job, HyperParameterTuningJobName="a" * 33))
    assert code == "ValidationException"
    assert message.startswith(f"2 validation errors detected: Value '{'a' * 33}' at 'hyperParameterTuningJobName'")
    assert "Member must have length less than or equal to 32" in message


def test_lists_and_pages(sagemaker: Any) -> None:
    for number in range(7):
        sagemaker.create_training_job(**requests.training(f"job-{number}", "true"))
    pages = sagemaker.get_paginator("list_training_jobs").paginate(
        SortBy="Name", SortOrder="Descending", NameContains="job-", PaginationConfig={"PageSize": 3}
    )
    found = [[job["TrainingJobName"] for job in page["TrainingJobSummaries"]] for page in pages]
    assert found == [["job-6", "job-5", "job-4"], ["job-3", "job-2", "job-1"], ["job-0"]]
    until(lambda: training_status(sagemaker, "job-6"), "Completed")
    for number in range(7):
        until(lambda number=number: training_status(sagemaker, f"job-{number}"), "Completed")  # type: ignore[misc]  # bound now
    completed = sagemaker.list_training_jobs(StatusEquals="Completed")["TrainingJobSummaries"]
    assert [job["TrainingJobName"] for job in completed] == [f"job-{number}" for number in range(7)]
    assert sagemaker.list_training_jobs(StatusEquals="Failed")["TrainingJobSummaries"] == []
    first = completed[0]["CreationTime"]
    assert sagemaker.list_training_jobs(CreationTimeBefore=first)["TrainingJobSummaries"] == []
    bad = fault(sagemaker.list_training_jobs, NextToken="nonsense")
    assert "at 'nextToken'" in said(bad)[1]


def test_tags(sagemaker: Any) -> None:
    arn = sagemaker.create_training_job(**requests.training("tagged", "true", grace=3))["TrainingJobArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "a"}, {"Key": "stage", "Value": "b"}])
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["stage", "absent"])
    found = [tag for page in sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn) for tag in page["Tags"]]
    assert found == [{"Key": "runner:grace-seconds", "Value": "3"}, {"Key": "team", "Value": "a"}]


def test_every_operation_is_called_by_boto3(
    sagemaker: Any, served: Served, home: Path, variables: dict[str, str]
) -> None:
    """Those that the tests above do not call; the rest of what is offered is counted at the end."""
    put_model(served, home)
    sagemaker.create_training_job(**requests.training("one", "sh", "-c", "echo hello; sleep 600", grace=0))
    sagemaker.create_compilation_job(**requests.compilation("one", grace=0))
    sagemaker.create_hyper_parameter_tuning_job(**requests.tuning("one", 1, 1, grace=0))
    assert names_of(sagemaker, "list_compilation_jobs", "Compilation") == ["one"]
    assert names_of(sagemaker, "list_hyper_parameter_tuning_jobs", "HyperParameterTuning") == ["one"]
    assert "one" in names_of(sagemaker, "list_training_jobs", "Training")
    logs = boto3.session.Session().client("logs")
    group = {"logGroupName": "/aws/sagemaker/TrainingJobs"}
    streams = wait_until(
        lambda: [s for s in pages(logs, "describe_log_streams", "logStreams", **group) if is_of_one(s)],
        within=30,
        saying="there is no log stream",
    )
    assert group["logGroupName"] in [g["logGroupName"] for g in pages(logs, "describe_log_groups", "logGroups")]
    stream = streams[0]["logStreamName"]
    events = logs.get_log_events(**group, logStreamName=stream, startFromHead=True)["events"]
    assert [event["message"] for event in events] == ["hello"]
    found = pages(logs, "filter_log_events", "events", **group, logStreamNamePrefix="one/", filterPattern="hello")
    assert [event["logStreamName"] for event in found] == [stream]
    logs.close()
    sagemaker.stop_training_job(TrainingJobName="one")
    sagemaker.stop_compilation_job(CompilationJobName="one")
    sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="one")
    until(lambda: tuning_status(sagemaker, "one"), "Stopped")
    until(lambda: training_status(sagemaker, "one"), "Stopped")
    sagemaker.delete_hyper_parameter_tuning_job(HyperParameterTuningJobName="one")
    assert names_of(sagemaker, "list_hyper_parameter_tuning_jobs", "HyperParameterTuning") == []
    sagemaker.delete_training_job(TrainingJobName="one")
    called = set(re.findall(r"\.((?:create|describe|list|stop|delete|add|get|filter)_\w+)", Path(__file__).read_text()))
    called |= set(re.findall(r'"((?:describe|list|filter)_\w+)"', Path(__file__).read_text()))
    offered = {xform_name(name) for operations in OPERATIONS.values() for name in operations}
    assert offered <= called, offered - called


def is_of_one(stream: dict[str, Any]) -> bool:
    return bool(stream["logStreamName"].startswith("one/"))


def pages(client: Any, operation: str, member: str, **members: Any) -> list[dict[str, Any]]:
    """All that a paginator gives; none of a log group that is not there yet, as before a first line."""
    try:
        return [one for page in client.get_paginator(operation).paginate(**members) for one in page[member]]
    except client.exceptions.ResourceNotFoundException:
        return []


def names_of(client: Any, operation: str, kind: str) -> list[str]:
    found = [job for page in client.get_paginator(operation).paginate() for job in page[f"{kind}JobSummaries"]]
    return [str(job[f"{kind}JobName"]) for job in found]
