"""Training jobs: `CreateTrainingJob`, the container contract, `DescribeTrainingJob`.

Sources: the API reference, and "How Amazon SageMaker Runs Your Training Image" with the pages it belongs to.
`describe` shows `artifacts` and `metrics` of `View.results`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from runner.errors import InvalidRequest
from runner.jobs import endings, expressions, shared, toolkit, unheeded
from runner.jobs.base import Channel, Defaults, Kind, Place, Request, Saves, Spec, Transition, Upload, View
from runner.jobs.children import OBJECTIVE_PARAMETER
from runner.jobs.naming import check_name, shown, sibling
from runner.jobs.reading import Part, whole_request
from runner.lifecycle.phases import Event, Phase
from runner.lifecycle.statuses import secondary, training_status

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
CHECKPOINTS = f"{shared.CONTAINER_ML}/checkpoints"
"""Where checkpoints are if `CheckpointConfig.LocalPath` does not say otherwise."""
LOCAL_INSTANCE = "local"
"""The instance type of a job whose request names none; the toolkit's own word for it."""

_INPUT_MODES = ("File", "FastFile", "Pipe")
_S3_DATA_TYPES = ("S3Prefix", "ManifestFile", "AugmentedManifestFile", "Converse")
_OTHER_SOURCES = ("FileSystemDataSource", "DatasetSource")
_PLAIN = "NONE"
"""`OutputDataConfig.CompressionType` of a model that is uploaded as it lies in its folder."""
_CHANNEL = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ECHOED = (
    "HyperParameters",
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "VpcConfig",
    "StoppingCondition",
    "CheckpointConfig",
    "DebugHookConfig",
    "DebugRuleConfigurations",
    "TensorBoardOutputConfig",
    "ExperimentConfig",
    "ProfilerConfig",
    "ProfilerRuleConfigurations",
    "RetryStrategy",
    "RemoteDebugConfig",
    "InfraCheckConfig",
    "Environment",
    "ServerlessJobConfig",
    "MlflowConfig",
    "ModelPackageConfig",
)
_FLAGS = ("EnableNetworkIsolation", "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining")


class _Command(NamedTuple):
    argv: Sequence[str]
    reason: str = ""


class TrainingJob:
    """`jobs.base.JobType` of training jobs."""

    kind = Kind.TRAINING
    name_member = "TrainingJobName"
    arn_type = "training-job"
    runtime_event = Event.RUNTIME_EXCEEDED

    def parse(self, request: Request, defaults: Defaults) -> Spec:
        """The job that the request asks for; InvalidRequest names the member and the rule.

        What cannot be run as SageMaker does is accepted and said, see `Spec.unheeded`.
        """
        body = whole_request(request)
        name = check_name(self.name_member, body.text(self.name_member))
        body.text("RoleArn")
        wishes = shared.wishes(body, self.kind, defaults)
        of_search = OBJECTIVE_PARAMETER in body.strings("HyperParameters")
        command = _command(body.optional_part("AlgorithmSpecification"), defaults, of_search)
        _check_instances(body.optional_part("ResourceConfig"))
        uploads = [*_uploads(body.part("OutputDataConfig"), name), *_checkpoints(body)]
        return Spec(
            kind=self.kind,
            name=name,
            request=request,
            grace=wishes.grace,
            isolation=wishes.isolation,
            max_runtime=shared.max_runtime(body.optional_part("StoppingCondition")),
            command=command.argv,
            no_command=command.reason,
            environment=shared.environment(body),
            channels=_channels(body),
            uploads=uploads,
            saves=[
                Saves("model", f"{shared.CONTAINER_ML}/model"),
                Saves("checkpoints", f"{shared.CONTAINER_ML}/{_checkpoint_folder(uploads)}"),
                Saves("output", f"{shared.CONTAINER_ML}/output"),
            ],
            tags=wishes.tags,
            unheeded=unheeded.told(self.kind, request),
        )

    def config_files(self, spec: Spec, place: Place) -> Mapping[str, Any]:
        """`/opt/ml/input/config`: how SageMaker tells a container about its job."""
        files: dict[str, Any] = {
            "input/config/hyperparameters.json": dict(spec.request.get("HyperParameters") or {}),
            "input/config/resourceconfig.json": _resources(spec, place),
            "input/config/inputdataconfig.json": _inputs(spec),
        }
        checkpoints = spec.request.get("CheckpointConfig")
        if checkpoints:
            files["input/config/checkpointconfig.json"] = {"LocalPath": CHECKPOINTS} | dict(checkpoints)
        return files

    def variables(self, spec: Spec, place: Place, arn: str) -> Mapping[str, str]:
        """What a container of this job has, what the toolkit adds, and the request's own, which win."""
        facts = _facts(spec, place)
        hyperparameters = {f"hp_{name}": value for name, value in facts["hps"].items()}
        channels = {f"channel_{name}": folder for name, folder in facts["channel_input_dirs"].items()}
        return {
            **shared.base_variables(place, arn),
            "TRAINING_JOB_NAME": spec.name,
            "TRAINING_JOB_ARN": arn,
            **toolkit.variables({**hyperparameters, **channels, **facts, "training_env": facts}),
            **spec.environment,
        }

    def status(self, phase: Phase) -> str:
        """`TrainingJobStatus`."""
        return training_status(phase).value

    def log_stream(self, name: str, started: datetime) -> tuple[str, str] | None:
        """`<job>/algo-1-<epoch>`: another attempt starts at another time and so has another stream."""
        return LOG_GROUP, f"{name}/algo-1-{int(started.timestamp())}"

    def failure_reason(self, exit_code: int | None, exit_signal: str | None, failure_file: str) -> str:
        """`AlgorithmError: …, exit code: N`."""
        return endings.algorithm_error(exit_code, exit_signal, failure_file)

    def timeout_reason(self, spec: Spec) -> str:
        """Not shown by SageMaker: a training job is Stopped at its time limit, and has no FailureReason then."""
        return ""

    def describe(self, view: View, arn: str) -> dict[str, Any]:
        """`DescribeTrainingJob`."""
        request = view.request
        artifacts = view.results.get("artifacts") or _model_uri(Part(request["OutputDataConfig"]), view.name)
        # The model has no training of less than a second.
        seconds = max(1, int((view.ended - view.started).total_seconds())) if view.ended and view.started else None
        history = [_transition(entry) for entry in view.transitions]
        answer = shared.present(
            TrainingJobName=view.name,
            TrainingJobArn=arn,
            TuningJobArn=sibling(arn, "hyper-parameter-tuning-job", view.parent) if view.parent else None,
            ModelArtifacts={"S3ModelArtifacts": artifacts},
            TrainingJobStatus=self.status(view.state.phase),
            SecondaryStatus=history[-1]["Status"] if history else secondary(view.state).status.value,
            SecondaryStatusTransitions=history,
            FailureReason=view.failure if view.state.phase is Phase.FAILED else None,
            StoppingCondition={"MaxRuntimeInSeconds": shared.DEFAULT_MAX_RUNTIME},
            # The SageMaker Python SDK reads the count of every job whose logs it shows.
            ResourceConfig={"InstanceCount": 1},
            CreationTime=view.created,
            LastModifiedTime=view.modified,
            TrainingStartTime=view.started,
            TrainingEndTime=view.ended,
            TrainingTimeInSeconds=seconds,
            BillableTimeInSeconds=seconds,
            FinalMetricDataList=[_metric(metric) for metric in view.results.get("metrics", ())] or None,
        )
        flags = {flag: bool(request.get(flag)) for flag in _FLAGS}
        return answer | flags | shared.echo(request, _ECHOED)


def _command(algorithm: Part, defaults: Defaults, of_search: bool) -> _Command:
    """What `docker run` would run: `ContainerEntrypoint` with its arguments, else what stands for the image.

    The model of a search's trainings (HyperParameterAlgorithmSpecification) has no `ContainerEntrypoint`.
    """
    entrypoint, arguments = algorithm.texts("ContainerEntrypoint"), algorithm.texts("ContainerArguments")
    image = algorithm.optional_text("TrainingImage")
    algorithm.choice("TrainingInputMode", _INPUT_MODES, default="File")
    _check_metrics(algorithm)
    if entrypoint:
        return _Command((*entrypoint, *arguments))
    if image is not None and image in defaults.images:
        return _Command((*defaults.images[image], *arguments))
    missing = "No command to run" if image is None else f"No local command for the image {image}"
    return _Command((), f"ClientError: {missing}: add {_addition(algorithm, image, of_search)}.")


def _addition(algorithm: Part, image: str | None, of_search: bool) -> str:
    """What would say which command it is."""
    entry = f"{algorithm.field('ContainerEntrypoint')} to the request"
    setting = f'[images."{image or "NAME"}"] command = [...] to runner.toml'
    if of_search:
        return setting if image else f"{algorithm.field('TrainingImage')} NAME to the request, and {setting}"
    return f"{entry}, or {setting}" if image else entry


def _check_metrics(algorithm: Part) -> None:
    for metric in algorithm.parts("MetricDefinitions"):
        metric.text("Name")
        check_expression(metric.field("Regex"), metric.text("Regex"))


def check_expression(path: str, expression: str) -> None:
    """A metric's regular expression must compile, and its first group is the number."""
    if expressions.compiled(path, expression).pattern.groups < 1:
        raise InvalidRequest(path, "must have a group, '(...)', for the number")


def _check_instances(resources: Part) -> None:
    for group in resources.parts("InstanceGroups"):
        group.whole("InstanceCount", 0)
    resources.optional_whole("InstanceCount", 0)


def _checkpoints(body: Part) -> list[Upload]:
    """What `CheckpointConfig` asks for. A folder elsewhere than in `/opt/ml` is not the job's own, and left alone."""
    if not body.has("CheckpointConfig"):
        return []
    checkpoints = body.part("CheckpointConfig")
    path = checkpoints.optional_text("LocalPath") or CHECKPOINTS
    if not path.startswith("/") or ".." in path.split("/"):
        rule = f"must be an absolute path without '..', not {shown(path)}"
        raise InvalidRequest(checkpoints.field("LocalPath"), rule)
    if path.strip("/") == shared.CONTAINER_ML.strip("/"):
        raise InvalidRequest(checkpoints.field("LocalPath"), f"must be below {shared.CONTAINER_ML}, not all of it")
    uri, folder = checkpoints.uri("S3Uri"), shared.own_folder(path)
    return [] if folder is None else [Upload(folder, uri, always=False, plain=True, restored=True)]


def _channels(body: Part) -> list[Channel]:
    channels: dict[str, Channel] = {}
    for channel in body.parts("InputDataConfig"):
        name, field = channel.text("ChannelName"), channel.field("ChannelName")
        if not _CHANNEL.fullmatch(name) or name in {".", ".."}:
            raise InvalidRequest(field, f"must be 1 to 64 letters, digits, '.', '_' or '-', not {shown(name)}")
        if name in channels:
            raise InvalidRequest(field, f"must not be there twice: {shown(name)}")
        channel.choice("InputMode", _INPUT_MODES, default="File")
        channels[name] = Channel(name, _source(channel.part("DataSource")))
    return list(channels.values())


def _source(source: Part) -> str | None:
    """The S3 URI that a channel is brought from; None for a source that there is not here."""
    if not source.has("S3DataSource"):
        if not any(source.has(other) for other in _OTHER_SOURCES):
            raise InvalidRequest(source.path, f"must have S3DataSource, {' or '.join(_OTHER_SOURCES)}")
        return None
    s3 = source.part("S3DataSource")
    s3.choice("S3DataType", _S3_DATA_TYPES, default="S3Prefix")
    return s3.uri("S3Uri")


def _uploads(output: Part, name: str) -> list[Upload]:
    packed = output.choice("CompressionType", ("GZIP", _PLAIN), default="GZIP") != _PLAIN
    model = _model_uri(output, name)
    return [
        Upload("model", model) if packed else Upload("model", model, always=False, plain=True),
        Upload("output/data", shared.below(output.uri("S3OutputPath"), name, "output", "output.tar.gz"), always=False),
    ]


def _model_uri(output: Part, name: str) -> str:
    """An archive, or, if the request wants none, what the objects are below."""
    leaf = "model/" if output.value.get("CompressionType") == _PLAIN else "model.tar.gz"
    return shared.below(output.uri("S3OutputPath"), name, "output", leaf)


def _group(spec: Spec) -> Mapping[str, Any]:
    """The instance group of the one host: the first that has any. Without groups it is called `homogeneousCluster`."""
    resources = spec.request.get("ResourceConfig") or {}
    groups = resources.get("InstanceGroups") or [
        {"InstanceGroupName": "homogeneousCluster", "InstanceCount": 1, **shared.echo(resources, ("InstanceType",))}
    ]
    found: Mapping[str, Any] = next((group for group in groups if group["InstanceCount"]), groups[0])
    return found


def _resources(spec: Spec, place: Place) -> dict[str, Any]:
    group, hosts = _group(spec), [place.host]
    name, instance = group.get("InstanceGroupName"), group.get("InstanceType") or LOCAL_INSTANCE
    return {
        "current_host": place.host,
        "current_instance_type": instance,
        "current_group_name": name,
        "hosts": hosts,
        "instance_groups": [{"instance_group_name": name, "instance_type": instance, "hosts": hosts}],
        "network_interface_name": "lo",
    }


def _inputs(spec: Spec) -> dict[str, Any]:
    algorithm = spec.request.get("AlgorithmSpecification") or {}
    inputs = {}
    for channel in spec.request.get("InputDataConfig") or ():
        source = channel["DataSource"].get("S3DataSource") or {}
        mode = channel.get("InputMode") or algorithm.get("TrainingInputMode") or "File"
        inputs[channel["ChannelName"]] = shared.present(
            ContentType=channel.get("ContentType"),
            # What the program finds, which are files also where the request says Pipe.
            TrainingInputMode="File" if mode == "Pipe" else mode,
            S3DistributionType=source.get("S3DataDistributionType") or "FullyReplicated",
            RecordWrapperType=channel.get("RecordWrapperType") or "None",
        )
    return inputs


def _facts(spec: Spec, place: Place) -> dict[str, Any]:
    """What the toolkit's `Environment` knows, by the names that become `SM_…`."""
    hyperparameters = toolkit.user_hyperparameters(spec.request.get("HyperParameters") or {})
    resources, names = _resources(spec, place), [channel.name for channel in spec.channels]
    return {
        **toolkit.folders(place.ml),
        **toolkit.machine(),
        "channels": sorted(names),
        "channel_input_dirs": toolkit.channels(place.ml, names),
        "checkpoint_dir": f"{place.ml}/{_checkpoint_folder(spec.uploads)}",
        "current_host": place.host,
        "current_instance_type": resources["current_instance_type"],
        "current_instance_group": resources["current_group_name"],
        "hosts": resources["hosts"],
        "hps": hyperparameters,
        "input_data_config": _inputs(spec),
        "job_name": spec.name,
        "log_level": 20,
        "network_interface_name": resources["network_interface_name"],
        "resource_config": resources,
        "user_args": toolkit.arguments(hyperparameters),
    }


def _checkpoint_folder(uploads: Sequence[Upload]) -> str:
    """Where the program finds its checkpoints, in `/opt/ml`."""
    return next((upload.folder for upload in uploads if upload.restored), "checkpoints")


def _transition(entry: Transition) -> dict[str, Any]:
    return shared.present(Status=entry.status, StartTime=entry.start, EndTime=entry.end, StatusMessage=entry.message)


def _metric(metric: Mapping[str, Any]) -> dict[str, Any]:
    return {"MetricName": metric["name"], "Value": metric["value"], "Timestamp": metric["time"]}


TRAINING = TrainingJob()
