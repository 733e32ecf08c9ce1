"""Members of Create requests that are accepted, shown by Describe, and not honoured: each with what happens instead.

A request that SageMaker takes is taken here too, so that a client can go on unchanged; what is not done as SageMaker
does it is said instead of being refused. Here is the list of it, once: `told` finds what a request has of it, for the
job's results and the log of its supervisor, and the documentation has it as a table. Of a tuning job's `Strategy` the
job itself tells when it starts, because it depends on what is installed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from runner.jobs.base import Kind
from runner.jobs.children import HANDED_ON, OTHER_RESOURCES
from runner.jobs.shared import own_folder


def _given(value: Any) -> bool:
    """Neither absent nor empty, and not a flag that is off."""
    return bool(value)


def _other_than(*honoured: object) -> Callable[[Any], bool]:
    return lambda value: value is not None and value not in honoured


def _several(groups: Any) -> bool:
    """Instance groups that have more than one instance in all."""
    return isinstance(groups, Sequence) and sum(_member(group, "InstanceCount") or 0 for group in groups) > 1


def _more_than_one(value: Any) -> bool:
    return isinstance(value, Sequence) and len(value) > 1


class Rule(NamedTuple):
    """A member, and what happens instead of what SageMaker does."""

    path: str
    """`InputDataConfig[].InputMode`: `[]` stands for each element of a list."""
    instead: str
    applies: Callable[[Any], bool] = _given
    """To which values of the member; it is not called for an absent one."""


_NAMED = 3
"""How many members are in a line of a log."""
_HOST = "one host runs, algo-1"
_DOWNLOADED = "the channel is downloaded before the program starts, as in File mode"
_EMPTY = "nothing is mounted: without an S3DataSource the channel's folder stays empty"
_KEY = "nothing is encrypted"
_NETWORK = "the job has the network of this machine"
_ENDLESS = "the search goes on to its ResourceLimits"
_SOURCE = "InputDataConfig[].DataSource"

_TRAINING = (
    Rule("AlgorithmSpecification.AlgorithmName", "algorithms are not looked up"),
    Rule("AlgorithmSpecification.TrainingInputMode", _DOWNLOADED, _other_than("File", "FastFile")),
    Rule("AlgorithmSpecification.EnableSageMakerMetricsTimeSeries", "the last value of each metric is kept, no series"),
    Rule("AlgorithmSpecification.TrainingImageConfig", "no image is pulled"),
    Rule("InputDataConfig[].InputMode", _DOWNLOADED, _other_than("File", "FastFile")),
    Rule("InputDataConfig[].CompressionType", "objects stay compressed", _other_than("None")),
    Rule("InputDataConfig[].RecordWrapperType", "objects are not wrapped", _other_than("None")),
    Rule("InputDataConfig[].ShuffleConfig", "nothing is shuffled"),
    Rule(
        f"{_SOURCE}.S3DataSource.S3DataType",
        "as S3Prefix: what lies at S3Uri is brought, and not what it lists",
        _other_than("S3Prefix"),
    ),
    Rule(f"{_SOURCE}.S3DataSource.AttributeNames", "objects are brought whole"),
    Rule(f"{_SOURCE}.S3DataSource.InstanceGroupNames", "the one host gets the channel"),
    Rule(f"{_SOURCE}.S3DataSource.ModelAccessConfig", "nobody is asked for a licence"),
    Rule(f"{_SOURCE}.S3DataSource.HubAccessConfig", "hubs are not looked up"),
    Rule(f"{_SOURCE}.FileSystemDataSource", _EMPTY),
    Rule(f"{_SOURCE}.DatasetSource", _EMPTY),
    Rule("OutputDataConfig.KmsKeyId", _KEY),
    Rule("ResourceConfig.InstanceCount", _HOST, _other_than(0, 1)),
    Rule("ResourceConfig.InstanceGroups", _HOST, _several),
    Rule("ResourceConfig.VolumeKmsKeyId", _KEY),
    Rule("ResourceConfig.KeepAlivePeriodInSeconds", "no instance is kept warm"),
    Rule("ResourceConfig.TrainingPlanArn", "the job runs on this machine"),
    Rule("ResourceConfig.InstancePlacementConfig", "the job runs on this machine"),
    Rule("ResourceConfig.InstancePreferences", "the job runs on this machine"),
    Rule("VpcConfig", _NETWORK),
    Rule("EnableNetworkIsolation", _NETWORK),
    Rule("EnableManagedSpotTraining", "no interruption comes by itself"),
    Rule("StoppingCondition.MaxWaitTimeInSeconds", "not counted"),
    Rule("StoppingCondition.MaxPendingTimeInSeconds", "not counted"),
    Rule("RetryStrategy", "a job that has failed is not tried again"),
    Rule(
        "CheckpointConfig.LocalPath",
        "nothing is brought there or kept from there: a local job has only /opt/ml of its own",
        lambda path: own_folder(str(path)) is None,
    ),
    Rule("DebugHookConfig", "nothing is debugged or uploaded"),
    Rule("DebugRuleConfigurations", "no rule is evaluated"),
    Rule("TensorBoardOutputConfig", "nothing is uploaded for TensorBoard"),
    Rule("ExperimentConfig", "no experiment is kept"),
    Rule("ProfilerConfig", "nothing is profiled", lambda config: not _member(config, "DisableProfiler")),
    Rule("ProfilerRuleConfigurations", "no rule is evaluated"),
    Rule("RemoteDebugConfig.EnableRemoteDebug", "there is no session to connect to"),
    Rule("InfraCheckConfig.EnableInfraCheck", "nothing is checked before the start"),
    Rule("SessionChainingConfig.EnableSessionTagChaining", "no session is made"),
    Rule("ServerlessJobConfig", "the command of the request runs, no job of AWS's own"),
    Rule("MlflowConfig", "nothing is reported to MLflow"),
    Rule("ModelPackageConfig", "no model package is made"),
)

_COMPILATION = (
    Rule("ModelPackageVersionArn", "model packages are not looked up: what InputConfig names is compiled"),
    Rule("OutputConfig.KmsKeyId", _KEY),
    Rule("VpcConfig", _NETWORK),
    Rule("StoppingCondition.MaxWaitTimeInSeconds", "not counted"),
    Rule("StoppingCondition.MaxPendingTimeInSeconds", "not counted"),
)


def _is_handed_on(path: str) -> bool:
    """Definitions have this member too, where most are called as those of a training."""
    member = path.partition(".")[0].removesuffix("[]")
    return member in HANDED_ON and path not in _OF_TRAININGS_ONLY


_OF_TRAININGS_ONLY = (
    "AlgorithmSpecification.EnableSageMakerMetricsTimeSeries",
    "AlgorithmSpecification.TrainingImageConfig",
)
_CRITERIA = "HyperParameterTuningJobConfig.TuningJobCompletionCriteria"
_HINTS = "each keeps its ValueHint"
_SEARCH = (
    Rule("HyperParameterTuningJobConfig.StrategyConfig", "trainings get the whole of their resource"),
    Rule(
        "HyperParameterTuningJobConfig.TrainingJobEarlyStoppingType",
        "no training is stopped early",
        _other_than("Off"),
    ),
    Rule(f"{_CRITERIA}.TargetObjectiveMetricValue", _ENDLESS, _other_than()),
    Rule(f"{_CRITERIA}.BestObjectiveNotImproving", _ENDLESS),
    Rule(f"{_CRITERIA}.ConvergenceDetected.CompleteOnConvergence", _ENDLESS, _other_than("Disabled")),
    Rule("HyperParameterTuningJobConfig.ParameterRanges.AutoParameters", _HINTS),
    Rule("WarmStartConfig", "the search knows nothing of its parents"),
    Rule("Autotune", "strategy, ranges and limits are taken as they are"),
)
_OF_DEFINITIONS = (
    Rule("HyperParameterRanges.AutoParameters", _HINTS),
    *(rule for rule in _TRAINING if _is_handed_on(rule.path)),
    Rule(f"{OTHER_RESOURCES}.InstanceCount", _HOST, _other_than(0, 1)),
    Rule(f"{OTHER_RESOURCES}.InstanceConfigs", "the first is shown, and one host runs, algo-1", _more_than_one),
    Rule(f"{OTHER_RESOURCES}.InstanceConfigs[].InstanceCount", _HOST, _other_than(0, 1)),
    Rule(f"{OTHER_RESOURCES}.VolumeKmsKeyId", _KEY),
)

RULES: Mapping[Kind, Sequence[Rule]] = MappingProxyType(
    {
        Kind.COMPILATION: _COMPILATION,
        Kind.TRAINING: _TRAINING,
        Kind.TUNING: (
            *_SEARCH,
            *(rule._replace(path=f"TrainingJobDefinition.{rule.path}") for rule in _OF_DEFINITIONS),
            *(rule._replace(path=f"TrainingJobDefinitions[].{rule.path}") for rule in _OF_DEFINITIONS),
        ),
    }
)
"""By job type: what is said of a job that has it in its request."""

OF_EVERY_JOB: Sequence[Rule] = (
    Rule("RoleArn", "nobody assumes it"),
    Rule("ResourceConfig.InstanceType", "the job runs on this machine"),
    Rule("ResourceConfig.VolumeSizeInGB", "the job has the disk of this machine"),
    Rule("OutputConfig.TargetDevice", "handed to the local compiler; ours compile for this machine's processor"),
    Rule("OutputConfig.TargetPlatform", "handed to the local compiler; ours compile for this machine's processor"),
)
"""What nearly every request has and no local job can have. It is in the documentation, and not said of each job."""


def told(kind: Kind, request: Mapping[str, Any]) -> list[str]:
    """What is not honoured of this request, a line each: `Member.Path: what happens instead`."""
    return [
        f"{path}: {rule.instead}"
        for rule in RULES[kind]
        for path, value in _members(request, rule.path.split("."))
        if rule.applies(value)
    ]


def brief(lines: Sequence[str]) -> str:
    """What was `told`, short enough for a line of a log: the first members, and how many there are besides."""
    named = ", ".join(line.partition(": ")[0] for line in lines[:_NAMED])
    return f"{named} and {len(lines) - _NAMED} more" if len(lines) > _NAMED else named


def _members(value: Any, path: Sequence[str], before: str = "") -> Iterator[tuple[str, Any]]:
    """What lies at a path in a request, with the path of each as errors name it: `InputDataConfig[0].InputMode`."""
    if not path:
        yield before, value
        return
    name, rest = path[0].removesuffix("[]"), path[1:]
    found = _member(value, name)
    here = f"{before}.{name}" if before else name
    if found is None:
        return
    if name == path[0]:
        yield from _members(found, rest, here)
    elif isinstance(found, list | tuple):
        for number, item in enumerate(found):
            yield from _members(item, rest, f"{here}[{number}]")


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else None
