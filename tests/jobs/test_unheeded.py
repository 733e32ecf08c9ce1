"""What is accepted and not honoured is said: by its path, with what happens instead."""

from __future__ import annotations

from typing import Any

import pytest

from runner.jobs.base import Channel, Defaults, Kind, Place, Upload
from runner.jobs.training import TRAINING
from runner.jobs.tuning import TUNING
from runner.jobs.types import TYPES
from runner.jobs.unheeded import OF_EVERY_JOB, RULES, Rule, brief, told
from tests.jobs.generated import created, has, whole
from tests.jobs.requests import Request, compilation, training, tuning


def paths(**members: Any) -> list[str]:
    """Of a training with these members."""
    return [line.partition(": ")[0] for line in TRAINING.parse(training(**members), Defaults()).unheeded]


@pytest.mark.parametrize(
    ("kind", "rule"), [(kind, rule) for kind, rules in RULES.items() for rule in rules], ids=lambda x: str(x)[:80]
)
def test_a_rule_is_about_a_member_of_the_model(kind: Kind, rule: Rule) -> None:
    assert has(created(kind), rule.path)


def test_what_is_said_of_every_job_is_about_members_too() -> None:
    assert all(any(has(created(kind), rule.path) for kind in Kind) for rule in OF_EVERY_JOB)


@pytest.mark.parametrize(
    ("kind", "request_"),
    [(Kind.COMPILATION, compilation()), (Kind.TRAINING, training()), (Kind.TUNING, tuning())],
)
def test_of_a_request_that_can_be_honoured_nothing_is_said(kind: Kind, request_: Request) -> None:
    assert list(TYPES[kind].parse(request_, Defaults()).unheeded) == []


SOURCE = "InputDataConfig[0].DataSource"


def channel(**source: Any) -> list[Request]:
    return [{"ChannelName": "train", "DataSource": {"S3DataSource": {"S3Uri": "s3://bucket/in"} | source}}]


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"ResourceConfig": {"InstanceCount": 2}}, "ResourceConfig.InstanceCount"),
        (
            {"ResourceConfig": {"InstanceGroups": [{"InstanceCount": 1}, {"InstanceCount": 1}]}},
            "ResourceConfig.InstanceGroups",
        ),
        ({"InputDataConfig": [channel()[0] | {"InputMode": "Pipe"}]}, "InputDataConfig[0].InputMode"),
        ({"AlgorithmSpecification": {"TrainingInputMode": "Pipe"}}, "AlgorithmSpecification.TrainingInputMode"),
        ({"InputDataConfig": channel(S3DataType="ManifestFile")}, f"{SOURCE}.S3DataSource.S3DataType"),
        ({"InputDataConfig": channel(S3DataType="AugmentedManifestFile")}, f"{SOURCE}.S3DataSource.S3DataType"),
        (
            {"InputDataConfig": [{"ChannelName": "a", "DataSource": {"FileSystemDataSource": {"FileSystemId": "x"}}}]},
            f"{SOURCE}.FileSystemDataSource",
        ),
        ({"CheckpointConfig": {"S3Uri": "s3://bucket/c", "LocalPath": "/tmp/c"}}, "CheckpointConfig.LocalPath"),
        ({"CheckpointConfig": {"S3Uri": "s3://bucket/c", "LocalPath": "/opt/mlx"}}, "CheckpointConfig.LocalPath"),
        ({"CheckpointConfig": {"S3Uri": "s3://bucket/c", "LocalPath": "/opt"}}, "CheckpointConfig.LocalPath"),
        ({"RetryStrategy": {"MaximumRetryAttempts": 3}}, "RetryStrategy"),
        ({"EnableNetworkIsolation": True}, "EnableNetworkIsolation"),
        ({"ProfilerConfig": {"S3OutputPath": "s3://bucket/p"}}, "ProfilerConfig"),
        ({"StoppingCondition": {"MaxWaitTimeInSeconds": 9}}, "StoppingCondition.MaxWaitTimeInSeconds"),
    ],
)
def test_a_training(members: Request, path: str) -> None:
    assert paths(**members) == [path]


@pytest.mark.parametrize(
    "members",
    [
        {"ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30}},
        {"ResourceConfig": {"InstanceGroups": [{"InstanceCount": 1}, {"InstanceCount": 0}]}},
        {"InputDataConfig": channel(S3DataType="S3Prefix", S3DataDistributionType="ShardedByS3Key")},
        {"CheckpointConfig": {"S3Uri": "s3://bucket/c"}},
        {"CheckpointConfig": {"S3Uri": "s3://bucket/c", "LocalPath": "/opt/ml/c"}},
        {"OutputDataConfig": {"S3OutputPath": "s3://bucket/out", "CompressionType": "NONE"}},
        {"EnableNetworkIsolation": False, "EnableManagedSpotTraining": False},
        {"ProfilerConfig": {"DisableProfiler": True}},
        {"RemoteDebugConfig": {"EnableRemoteDebug": False}},
        {"DebugHookConfig": None, "VpcConfig": None},
    ],
)
def test_what_is_honoured(members: Request) -> None:
    assert paths(**members) == []


def test_it_says_what_happens_instead() -> None:
    (line,) = TRAINING.parse(training(ResourceConfig={"InstanceCount": 8}), Defaults()).unheeded
    assert line == "ResourceConfig.InstanceCount: one host runs, algo-1"


@pytest.mark.parametrize(
    ("number", "expected"), [(1, "A0"), (3, "A0, A1, A2"), (4, "A0, A1, A2 and 1 more"), (99, "A0, A1, A2 and 96 more")]
)
def test_in_brief_it_is_three_members(number: int, expected: str) -> None:
    assert brief([f"A{each}: nothing happens: never" for each in range(number)]) == expected


def test_every_element_of_a_list_has_a_line() -> None:
    three = [channel(S3DataType=word)[0] | {"ChannelName": word} for word in ("Converse", "S3Prefix", "ManifestFile")]
    expected = [f"InputDataConfig[{number}].DataSource.S3DataSource.S3DataType" for number in (0, 2)]
    assert paths(InputDataConfig=three) == expected


@pytest.mark.parametrize("members", [{"ProfilerConfig": 7}, {"RemoteDebugConfig": []}, {"SessionChainingConfig": "x"}])
def test_members_that_nobody_reads_may_be_anything(members: Request) -> None:
    assert isinstance(paths(**members), list)


def test_a_tuning_job_and_each_of_its_definitions() -> None:
    request = whole(Kind.TUNING, "TrainingJobDefinition", "TuningObjective", "HyperParameterRanges")
    one = request["TrainingJobDefinitions"][0]
    request["TrainingJobDefinitions"] = [one | {"DefinitionName": name, "Environment": {}} for name in ("a", "b")]
    found = {line.partition(": ")[0] for line in TUNING.parse(request, Defaults()).unheeded}
    assert {
        "WarmStartConfig",
        "Autotune",
        "HyperParameterTuningJobConfig.StrategyConfig",
        "HyperParameterTuningJobConfig.TuningJobCompletionCriteria.BestObjectiveNotImproving",
        "HyperParameterTuningJobConfig.ParameterRanges.AutoParameters",
        "TrainingJobDefinitions[0].RetryStrategy",
        "TrainingJobDefinitions[1].RetryStrategy",
        "TrainingJobDefinitions[1].InputDataConfig[0].InputMode",
    } <= found


def test_a_target_of_zero_is_a_target() -> None:
    criteria = {"TargetObjectiveMetricValue": 0.0}
    config = tuning()["HyperParameterTuningJobConfig"] | {"TuningJobCompletionCriteria": criteria}
    (line,) = told(Kind.TUNING, tuning(HyperParameterTuningJobConfig=config))
    assert line.startswith("HyperParameterTuningJobConfig.TuningJobCompletionCriteria.TargetObjectiveMetricValue: ")


def test_a_channel_without_an_s3_source_has_nothing_to_bring() -> None:
    source = {"FileSystemDataSource": {"FileSystemId": "x"}}
    request = training(InputDataConfig=[{"ChannelName": "disk", "InputMode": "Pipe", "DataSource": source}])
    spec = TRAINING.parse(request, Defaults())
    assert list(spec.channels) == [Channel("disk", None)]
    files = TRAINING.config_files(spec, Place("/opt/ml"))
    assert files["input/config/inputdataconfig.json"]["disk"]["TrainingInputMode"] == "File"
    assert TRAINING.variables(spec, Place("/opt/ml"), "a:b:c:d:e:f")["SM_CHANNEL_DISK"] == "/opt/ml/input/data/disk"


@pytest.mark.parametrize(
    "resources", [{"InstanceCount": 0}, {"InstanceGroups": [{"InstanceCount": 0}]}, {"InstanceCount": 9}]
)
def test_there_is_one_host_whatever_the_count_is(resources: Request) -> None:
    files = TRAINING.config_files(TRAINING.parse(training(ResourceConfig=resources), Defaults()), Place("/opt/ml"))
    assert files["input/config/resourceconfig.json"]["hosts"] == ["algo-1"]


def test_a_model_that_is_not_packed() -> None:
    output = {"S3OutputPath": "s3://bucket/out/", "CompressionType": "NONE"}
    spec = TRAINING.parse(training(OutputDataConfig=output), Defaults())
    assert list(spec.uploads) == [
        Upload("model", "s3://bucket/out/digits-1/output/model/", always=False, plain=True),
        Upload("output/data", "s3://bucket/out/digits-1/output/output.tar.gz", always=False),
    ]
    assert TRAINING.variables(spec, Place("/ml"), "a:b:c:d:e:f")["SM_CHECKPOINT_DIR"] == "/ml/checkpoints"


def test_checkpoints_elsewhere_are_left_alone() -> None:
    config = {"S3Uri": "s3://bucket/c", "LocalPath": "/tmp/c"}
    spec = TRAINING.parse(training(CheckpointConfig=config), Defaults())
    assert [upload.folder for upload in spec.uploads] == ["model", "output/data"]
    files = TRAINING.config_files(spec, Place("/opt/ml"))
    assert files["input/config/checkpointconfig.json"]["LocalPath"] == "/tmp/c"
