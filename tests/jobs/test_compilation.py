"""Compilation jobs: compilers, config file, Describe."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from runner.jobs.base import Channel, Defaults, Kind, Place, Upload, View
from runner.jobs.compilation import COMPILATION
from runner.lifecycle.phases import Event, Phase
from runner.lifecycle.transitions import State
from tests.jobs.requests import compilation

ARN = "arn:aws:sagemaker:us-east-1:123456789012:compilation-job/trees-1"
START = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_what_a_request_asks_for() -> None:
    spec = COMPILATION.parse(compilation(), Defaults())
    assert (spec.name, spec.grace, spec.max_runtime) == ("trees-1", 120.0, 900.0)
    assert list(spec.command) == [sys.executable, "-m", "workloads.compilation.trees"]
    assert list(spec.channels) == [Channel("model", "s3://bucket/models/model.tar.gz")]
    uri = "s3://bucket/compiled/model-ml_c5.tar.gz"
    assert list(spec.uploads) == [Upload("model", uri, always=False, ready="model.tar.gz", completed_only=True)]


def test_a_platform_is_a_target_too() -> None:
    output = {
        "S3OutputLocation": "s3://bucket",
        "TargetPlatform": {"Os": "LINUX", "Arch": "X86_64", "Accelerator": "NVIDIA"},
    }
    spec = COMPILATION.parse(compilation(OutputConfig=output), Defaults())
    assert spec.uploads[0].uri == "s3://bucket/model-LINUX_X86_64_NVIDIA.tar.gz"


@pytest.mark.parametrize("framework", ["XGBOOST", "ONNX"])
def test_a_compiler_of_the_settings_comes_first(framework: str) -> None:
    source = {"S3Uri": "s3://bucket/m", "Framework": framework}
    spec = COMPILATION.parse(compilation(InputConfig=source), Defaults(compilers={framework: ["mine", "-O2"]}))
    assert list(spec.command) == ["mine", "-O2"]


def test_without_a_compiler_the_reason_says_what_to_add() -> None:
    source = {"S3Uri": "s3://bucket/m", "Framework": "ONNX"}
    spec = COMPILATION.parse(compilation(InputConfig=source), Defaults())
    assert list(spec.command) == []
    assert spec.no_command.startswith("ClientError: ")
    assert "[compilers.ONNX] command = [...]" in spec.no_command


def test_what_the_compiler_finds() -> None:
    spec, place = COMPILATION.parse(compilation(), Defaults()), Place("/ml")
    request = compilation()
    assert COMPILATION.config_files(spec, place) == {
        "input/config/compilationjobconfig.json": {
            "InputConfig": request["InputConfig"],
            "OutputConfig": request["OutputConfig"],
        }
    }
    expected = {
        "SM_CHANNEL_MODEL": "/ml/input/data/model",
        "SM_INPUT_CONFIG_DIR": "/ml/input/config",
        "SM_MODEL_DIR": "/ml/model",
        "SM_OUTPUT_DIR": "/ml/output",
        "SAGEMAKER_BASE_DIR": "/ml",
        "COMPILATION_JOB_ARN": ARN,
        "AWS_REGION": "us-east-1",
    }
    assert expected.items() <= COMPILATION.variables(spec, place, ARN).items()


@pytest.mark.parametrize(
    ("code", "signal", "file", "reason"),
    [
        (1, None, "ClientError: InputConfiguration: x", "ClientError: InputConfiguration: x"),
        (1, None, "", "ClientError: Compilation failed: exit code: 1"),
        (1, None, "no gcc", "ClientError: Compilation failed: no gcc, exit code: 1"),
        (None, "SIGKILL", "", "ClientError: Compilation failed: exit code: 137"),
    ],
)
def test_failure_reason(code: int | None, signal: str | None, file: str, reason: str) -> None:
    assert COMPILATION.failure_reason(code, signal, file) == reason


def test_the_time_limit_is_a_failure_that_says_so() -> None:
    assert COMPILATION.runtime_event is Event.TIMED_OUT
    reason = COMPILATION.timeout_reason(COMPILATION.parse(compilation(), Defaults()))
    assert reason.startswith("ClientError: TimeOut: Compilation job exceeded MaxRuntimeInSeconds (900 s)")


def test_the_log_stream_is_called_as_the_job_is() -> None:
    assert COMPILATION.log_stream("trees-1", START) == ("/aws/sagemaker/CompilationJobs", "trees-1")


def describe(phase: Phase, **members: Any) -> dict[str, Any]:
    view = View(Kind.COMPILATION, "trees-1", compilation(), State(phase), START, START, **members)
    return COMPILATION.describe(view, ARN)


@pytest.mark.parametrize(
    ("phase", "status"),
    [
        (Phase.PENDING, "STARTING"),
        (Phase.RUNNING, "INPROGRESS"),
        (Phase.STOPPING, "STOPPING"),
        (Phase.STOPPED, "STOPPED"),
    ],
)
def test_reason_and_artifacts_are_there_while_there_are_none(phase: Phase, status: str) -> None:
    answer = describe(phase)
    assert answer["CompilationJobStatus"] == status
    assert answer["FailureReason"] == ""
    assert answer["ModelArtifacts"] == {"S3ModelArtifacts": ""}
    assert {"InputConfig", "OutputConfig", "RoleArn", "StoppingCondition", "CreationTime"} <= set(answer)
    assert {"CompilationStartTime", "CompilationEndTime"} & set(answer) == set()


def test_describe_of_a_job_that_has_ended() -> None:
    done = describe(Phase.COMPLETED, started=START, ended=START, results={"artifacts": "s3://bucket/x.tar.gz"})
    assert done["ModelArtifacts"] == {"S3ModelArtifacts": "s3://bucket/x.tar.gz"}
    assert done["CompilationEndTime"] == START
    assert describe(Phase.FAILED, failure="ClientError: x")["FailureReason"] == "ClientError: x"
