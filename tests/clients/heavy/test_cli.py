"""The AWS CLI, from create to stopped, with tags, pages, logs, and what it says and returns when something is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.clients import requests
from tests.clients.heavy.installed import Installed, Ran
from tests.clients.test_boto3 import ARN, put_model
from tests.runs.serving import Served
from tests.waiting import wait_until

LINES = 25
GROUP = "/aws/sagemaker/TrainingJobs"
CLIENT_ERROR = 255
"""Exit code of version 1; it is 254 of version 2."""


@pytest.fixture
def sagemaker(clients: Installed) -> Callable[..., Any]:
    """`aws sagemaker …`: what it answers."""
    return lambda *arguments: clients.aws("sagemaker", *arguments).json


@pytest.fixture
def logs(clients: Installed) -> Callable[..., Any]:
    """`aws logs …`: what it answers."""
    return lambda *arguments: clients.aws("logs", *arguments).json


def create(clients: Installed, kind: str, request: dict[str, Any]) -> Any:
    """As people do whose request is longer than a line: from a file."""
    file = clients.home / f"{kind}.json"
    file.write_text(json.dumps(request))
    return clients.aws("sagemaker", f"create-{kind}", "--cli-input-json", f"file://{file}").json


def until(ask: Callable[[], Any], wanted: Any) -> None:
    wait_until(lambda: ask() == wanted, within=60, saying=lambda: f"it is {ask()}, not {wanted}")


def prints(clients: Installed, name: str, lines: int) -> None:
    """Create a training that prints so many lines, and wait for its end."""
    create(clients, "training-job", requests.training(name, "seq", "-f", "line %g", str(lines)))
    describe = ("sagemaker", "describe-training-job", "--training-job-name", name)
    until(lambda: clients.aws(*describe).json["TrainingJobStatus"], "Completed")


def test_a_training_from_create_to_stopped(clients: Installed, sagemaker: Callable[..., Any], served: Served) -> None:
    name = ("--training-job-name", "digits-1")
    created = create(clients, "training-job", requests.training("digits-1"))
    assert created == {"TrainingJobArn": f"{ARN}:training-job/digits-1"}
    search = ("filter-log-events", "--log-group-name", GROUP, "--filter-pattern", "ready")
    # Until it has said so it could not be stopped; until it has said anything there is no log.
    until(lambda: len(json.loads(clients.aws("logs", *search).out or '{"events": []}')["events"]), 1)
    assert sagemaker("describe-training-job", *name)["SecondaryStatus"] == "Training"
    stopped = clients.aws("sagemaker", "stop-training-job", *name)
    assert stopped == Ran(0, "", "")
    until(lambda: sagemaker("describe-training-job", *name)["TrainingJobStatus"], "Stopped")
    # Its first look is at once; it has 120 s between two.
    assert clients.aws("sagemaker", "wait", "training-job-completed-or-stopped", *name) == Ran(0, "", "")
    described = sagemaker("describe-training-job", *name)
    assert described["SecondaryStatusTransitions"][-1]["StatusMessage"]
    artifact = described["ModelArtifacts"]["S3ModelArtifacts"].removeprefix("s3://")
    assert (served.data_dir / "objects" / artifact).is_file()
    (job,) = sagemaker("list-training-jobs", "--status-equals", "Stopped")["TrainingJobSummaries"]
    assert (job["TrainingJobName"], job["TrainingJobStatus"]) == ("digits-1", "Stopped")


def test_a_compilation_from_create_to_stopped(
    clients: Installed, sagemaker: Callable[..., Any], served: Served, home: Path
) -> None:
    put_model(served, home)
    name = ("--compilation-job-name", "trees-1")
    created = create(clients, "compilation-job", requests.compilation("trees-1"))
    assert created == {"CompilationJobArn": f"{ARN}:compilation-job/trees-1"}
    until(lambda: sagemaker("describe-compilation-job", *name)["CompilationJobStatus"], "INPROGRESS")
    assert clients.aws("sagemaker", "stop-compilation-job", *name) == Ran(0, "", "")
    until(lambda: sagemaker("describe-compilation-job", *name)["CompilationJobStatus"], "STOPPED")
    (job,) = sagemaker("list-compilation-jobs")["CompilationJobSummaries"]
    assert (job["CompilationJobName"], job["CompilationTargetDevice"]) == ("trees-1", "ml_c5")
    again = clients.aws("sagemaker", "stop-compilation-job", *name)
    assert_client_error(
        again,
        "ValidationException",
        "StopCompilationJob",
        "The request was rejected because the compilation job is in status STOPPED.",
    )


def test_a_tuning_from_create_to_stopped(clients: Installed, sagemaker: Callable[..., Any]) -> None:
    name = ("--hyper-parameter-tuning-job-name", "search-1")
    created = create(clients, "hyper-parameter-tuning-job", requests.tuning("search-1"))
    assert created == {"HyperParameterTuningJobArn": f"{ARN}:hyper-parameter-tuning-job/search-1"}
    children = ("list-training-jobs-for-hyper-parameter-tuning-job", *name)
    until(lambda: len(sagemaker(*children)["TrainingJobSummaries"]), 2)
    assert clients.aws("sagemaker", "stop-hyper-parameter-tuning-job", *name) == Ran(0, "", "")
    until(lambda: sagemaker("describe-hyper-parameter-tuning-job", *name)["HyperParameterTuningJobStatus"], "Stopped")
    assert [job["TrainingJobStatus"] for job in sagemaker(*children)["TrainingJobSummaries"]] == ["Stopped"] * 2
    (job,) = sagemaker("list-hyper-parameter-tuning-jobs")["HyperParameterTuningJobSummaries"]
    assert (job["HyperParameterTuningJobName"], job["Strategy"]) == ("search-1", "Random")


def test_options_instead_of_a_file(clients: Installed, sagemaker: Callable[..., Any]) -> None:
    created = sagemaker(
        *("create-training-job", "--training-job-name", "by-hand", "--role-arn", requests.ROLE),
        *("--algorithm-specification", "TrainingInputMode=File,ContainerEntrypoint=sh,ContainerArguments=-c,true"),
        *("--output-data-config", "S3OutputPath=s3://bucket/out"),
        *("--resource-config", "InstanceType=ml.m5.large,InstanceCount=1,VolumeSizeInGB=1"),
        *("--stopping-condition", "MaxRuntimeInSeconds=600"),
        *("--tags", "Key=team,Value=a"),
    )
    assert created == {"TrainingJobArn": f"{ARN}:training-job/by-hand"}
    named = ("describe-training-job", "--training-job-name", "by-hand", "--query", "TrainingJobStatus")
    until(lambda: clients.aws("sagemaker", *named, "--output", "text").out, "Completed\n")


def test_tags(clients: Installed, sagemaker: Callable[..., Any]) -> None:
    arn = create(clients, "training-job", requests.training("tagged", "true", grace=3))["TrainingJobArn"]
    resource = ("--resource-arn", arn)
    added = sagemaker("add-tags", *resource, "--tags", "Key=team,Value=a", "Key=stage,Value=b")
    assert {"Key": "stage", "Value": "b"} in added["Tags"]
    assert clients.aws("sagemaker", "delete-tags", *resource, "--tag-keys", "stage").code == 0
    tags = [{"Key": "runner:grace-seconds", "Value": "3"}, {"Key": "team", "Value": "a"}]
    assert sagemaker("list-tags", *resource) == {"Tags": tags}


def test_pages(clients: Installed, sagemaker: Callable[..., Any]) -> None:
    for number in range(5):
        create(clients, "training-job", requests.training(f"job-{number}", "true"))
    by_name = ("list-training-jobs", "--sort-by", "Name", "--sort-order", "Ascending", "--page-size", "2")

    def names(*options: str) -> tuple[list[str], str | None]:
        page = sagemaker(*by_name, *options)
        return [job["TrainingJobName"] for job in page["TrainingJobSummaries"]], page.get("NextToken")

    everything = [f"job-{number}" for number in range(5)]
    assert names() == (everything, None)
    first, token = names("--max-items", "3")
    assert (first, bool(token)) == (everything[:3], True)
    assert names("--starting-token", str(token)) == (everything[3:], None)
    one_page = sagemaker("list-training-jobs", "--no-paginate", "--max-results", "2")
    assert (len(one_page["TrainingJobSummaries"]), bool(one_page["NextToken"])) == (2, True)


def test_logs(clients: Installed, logs: Callable[..., Any]) -> None:
    prints(clients, "prints", LINES)
    (group,) = logs("describe-log-groups", "--log-group-name-prefix", "/aws/sagemaker/")["logGroups"]
    assert group["logGroupName"] == GROUP
    of_group = ("--log-group-name", GROUP)
    streams = logs("describe-log-streams", *of_group, "--log-stream-name-prefix", "prints/")["logStreams"]
    (stream,) = [stream["logStreamName"] for stream in streams]
    assert stream.startswith("prints/algo-1-")
    of_stream = (*of_group, "--log-stream-name", stream)
    page = logs("get-log-events", *of_stream, "--start-from-head", "--limit", "20")
    lines = [f"line {number}" for number in range(1, LINES + 1)]
    assert [event["message"] for event in page["events"]] == lines[:20]
    rest = logs("get-log-events", *of_stream, "--next-token", page["nextForwardToken"])
    assert [event["message"] for event in rest["events"]] == lines[20:]
    end = logs("get-log-events", *of_stream, "--next-token", rest["nextForwardToken"])
    assert (end["events"], end["nextForwardToken"]) == ([], rest["nextForwardToken"])


def test_filtered_logs(clients: Installed, logs: Callable[..., Any]) -> None:
    prints(clients, "prints", LINES)
    search = ("filter-log-events", "--log-group-name", GROUP)
    # Ten at a time, until there is no token any more.
    everything = logs(*search, "--page-size", "10")["events"]
    assert [event["message"] for event in everything] == [f"line {number}" for number in range(1, LINES + 1)]
    assert len({event["eventId"] for event in everything}) == LINES
    found = logs(*search, "--filter-pattern", '"line 2" -"line 20"', "--log-stream-name-prefix", "prints/")["events"]
    assert [event["message"] for event in found] == ["line 2", *(f"line 2{number}" for number in range(1, 6))]
    text = clients.aws("logs", *search, "--query", "events[0].message", "--output", "text")
    assert text == Ran(0, "line 1\n", "")


def assert_client_error(ran: Ran, code: str, operation: str, message: str) -> None:
    said = f"An error occurred ({code}) when calling the {operation} operation: {message}"
    assert ran.err.strip().removeprefix("aws: [ERROR]: ") == said
    assert (ran.code, ran.out) == (CLIENT_ERROR, "")


def test_jobs_that_are_not_there(clients: Installed) -> None:
    for verb, operation in (("describe", "DescribeTrainingJob"), ("stop", "StopTrainingJob")):
        ran = clients.aws("sagemaker", f"{verb}-training-job", "--training-job-name", "nobody")
        assert_client_error(ran, "ValidationException", operation, "Requested resource not found.")
    named = ("--hyper-parameter-tuning-job-name", "nobody")
    assert_client_error(
        clients.aws("sagemaker", "stop-hyper-parameter-tuning-job", *named),
        "ResourceNotFound",
        "StopHyperParameterTuningJob",
        "Amazon SageMaker can't find a tuning job called nobody. Type another name.",
    )
    waited = clients.aws("sagemaker", "wait", "training-job-completed-or-stopped", "--training-job-name", "nobody")
    assert waited.code == CLIENT_ERROR
    assert "Waiter TrainingJobCompletedOrStopped failed" in waited.err
    missing = clients.aws("logs", "describe-log-streams", "--log-group-name", GROUP)
    assert_client_error(
        missing, "ResourceNotFoundException", "DescribeLogStreams", "The specified log group does not exist."
    )


def test_a_stop_of_a_stopped_training(clients: Installed, sagemaker: Callable[..., Any]) -> None:
    name = ("--training-job-name", "over")
    create(clients, "training-job", requests.training("over", "true"))
    until(lambda: sagemaker("describe-training-job", *name)["TrainingJobStatus"], "Completed")
    assert_client_error(
        clients.aws("sagemaker", "stop-training-job", *name),
        "ValidationException",
        "StopTrainingJob",
        "The request was rejected because the training job is in status Completed.",
    )


def test_a_bad_name(clients: Installed) -> None:
    ran = clients.aws("sagemaker", "stop-training-job", "--training-job-name", "not_a_name")
    assert_client_error(
        ran,
        "ValidationException",
        "StopTrainingJob",
        "1 validation error detected: Value 'not_a_name' at 'trainingJobName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
    )


def test_the_endpoint_as_an_option(without_url: Installed, served: Served) -> None:
    there = ("--endpoint-url", served.url)
    assert without_url.aws(*there, "sagemaker", "list-training-jobs").json == {"TrainingJobSummaries": []}
    assert without_url.aws(*there, "logs", "describe-log-groups").json == {"logGroups": []}
