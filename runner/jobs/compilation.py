"""Compilation jobs (SageMaker Neo): `CreateCompilationJob`, the compilers that stand in, `DescribeCompilationJob`.

SageMaker runs its own compiler here and lets nobody choose it, so what a local compiler finds is our own contract,
made in the image of training's: the model in `/opt/ml/input/data/model`, the request in
`/opt/ml/input/config/compilationjobconfig.json`, the result in `/opt/ml/model` (usually one `model.tar.gz`), what
went wrong in `/opt/ml/output/failure`. `describe` shows `artifacts` of `View.results`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from runner.errors import InvalidRequest
from runner.jobs import endings, shared, toolkit, unheeded
from runner.jobs.base import Channel, Defaults, Kind, Place, Request, Spec, Upload, View
from runner.jobs.naming import check_name
from runner.jobs.reading import KnownFault, Part, whole_request
from runner.lifecycle.phases import Event, Phase
from runner.lifecycle.statuses import compilation_status

LOG_GROUP = "/aws/sagemaker/CompilationJobs"
CONFIG_FILE = "input/config/compilationjobconfig.json"
ARCHIVE = "model.tar.gz"

FRAMEWORKS = ("TENSORFLOW", "KERAS", "MXNET", "ONNX", "PYTORCH", "XGBOOST", "TFLITE", "DARKNET", "SKLEARN")
_TREES = (sys.executable, "-m", "workloads.compilation.trees")
_BUILT_IN: Mapping[str, Sequence[str]] = {"XGBOOST": _TREES, "SKLEARN": _TREES}

_SYSTEMS = ("ANDROID", "LINUX")
_REASONS = ("ClientError:", "ServerError:", "InternalServerError:")
_PACKAGE = "ModelPackageVersionArn"
_ECHOED = ("RoleArn", "InputConfig", "OutputConfig", "StoppingCondition", "VpcConfig", _PACKAGE)


class _Command(NamedTuple):
    argv: Sequence[str]
    reason: str = ""


class _Compiled(NamedTuple):
    """What is compiled, by what, and where it goes."""

    command: _Command
    channels: Sequence[Channel]
    uploads: Sequence[Upload]


class CompilationJob:
    """`jobs.base.JobType` of compilation jobs."""

    kind = Kind.COMPILATION
    name_member = "CompilationJobName"
    arn_type = "compilation-job"
    runtime_event = Event.TIMED_OUT

    def parse(self, request: Request, defaults: Defaults) -> Spec:
        """The job that the request asks for; InvalidRequest names the member and the rule."""
        body = whole_request(request)
        name = check_name(self.name_member, body.text(self.name_member))
        body.text("RoleArn")
        wishes = shared.wishes(body, self.kind, defaults)
        compiled = _compiled(body, defaults)
        return Spec(
            kind=self.kind,
            name=name,
            request=request,
            grace=wishes.grace,
            isolation=wishes.isolation,
            max_runtime=shared.max_runtime(body.part("StoppingCondition")),
            command=compiled.command.argv,
            no_command=compiled.command.reason,
            channels=compiled.channels,
            uploads=compiled.uploads,
            tags=wishes.tags,
            unheeded=unheeded.told(self.kind, request),
        )

    def config_files(self, spec: Spec, place: Place) -> Mapping[str, Any]:
        """What to compile and for what, as the request says it."""
        return {CONFIG_FILE: shared.echo(spec.request, ("InputConfig", "OutputConfig"))}

    def variables(self, spec: Spec, place: Place, arn: str) -> Mapping[str, str]:
        """Where things are, by the names that a training would find them under."""
        channels = toolkit.channels(place.ml, [channel.name for channel in spec.channels])
        facts = {
            **toolkit.folders(place.ml),
            **toolkit.machine(),
            "channels": sorted(channels),
            **{f"channel_{name}": folder for name, folder in channels.items()},
        }
        return {
            **shared.base_variables(place, arn),
            "COMPILATION_JOB_NAME": spec.name,
            "COMPILATION_JOB_ARN": arn,
            **toolkit.variables(facts),
        }

    def status(self, phase: Phase) -> str:
        """`CompilationJobStatus`, in upper case."""
        return compilation_status(phase).value

    def log_stream(self, name: str, started: datetime) -> tuple[str, str] | None:
        """One stream, called as the job is."""
        return LOG_GROUP, name

    def failure_reason(self, exit_code: int | None, exit_signal: str | None, failure_file: str) -> str:
        """What the compiler says went wrong; `ClientError:` is put before it where it does not name a class itself."""
        status = endings.exit_status(exit_code, exit_signal)
        if status is None:
            return endings.LOST
        if failure_file.startswith(_REASONS):
            return failure_file[: endings.LONGEST]
        said = f"{failure_file[: endings.LONGEST]}, " if failure_file else ""
        return f"ClientError: Compilation failed: {said}exit code: {status}"

    def timeout_reason(self, spec: Spec) -> str:
        """Assumed: CompilationJobs "generate a TimeOut error" at the limit, and its text was not found."""
        limit = f"MaxRuntimeInSeconds ({spec.max_runtime:g} s)"
        return f"ClientError: TimeOut: Compilation job exceeded {limit} of its StoppingCondition."

    def describe(self, view: View, arn: str) -> dict[str, Any]:
        """`DescribeCompilationJob`, in which FailureReason and ModelArtifacts are required even while the job runs."""
        failed = view.state.phase is Phase.FAILED
        answer = shared.present(
            CompilationJobName=view.name,
            CompilationJobArn=arn,
            CompilationJobStatus=self.status(view.state.phase),
            FailureReason=(view.failure or "") if failed else "",
            ModelArtifacts={"S3ModelArtifacts": view.results.get("artifacts") or ""},
            CreationTime=view.created,
            LastModifiedTime=view.modified,
            CompilationStartTime=view.started,
            CompilationEndTime=view.ended,
        )
        return answer | shared.echo(view.request, _ECHOED)


def _compiled(body: Part, defaults: Defaults) -> _Compiled:
    """A model package needs no InputConfig; but there is none here, and Describe could not show what is in it."""
    output = body.part("OutputConfig")
    location, target = output.uri("S3OutputLocation"), _target(output)
    if body.has(_PACKAGE) and not body.has("InputConfig"):
        package = body.text(_PACKAGE)
        rule = "must stand beside an InputConfig, with S3Uri and Framework of the model: packages are not looked up"
        raise KnownFault(body.field(_PACKAGE), rule, "no-package", arn=package)
    source = body.part("InputConfig")
    model = source.uri("S3Uri", key_required=True)
    upload = Upload("model", _uri(location, model, target), always=False, ready=ARCHIVE, completed_only=True)
    return _Compiled(_command(source.choice("Framework", FRAMEWORKS), defaults), [Channel("model", model)], [upload])


def _command(framework: str, defaults: Defaults) -> _Command:
    command = defaults.compilers.get(framework) or _BUILT_IN.get(framework)
    if command:
        return _Command(tuple(command))
    add = f"[compilers.{framework}] command = [...] to runner.toml"
    return _Command((), f"ClientError: InputConfiguration: No local compiler for the framework {framework}: add {add}.")


def _uri(location: str, model: str, target: str) -> str:
    """`<model>-<target>.tar.gz` at the output location (the convention seen in AWS's examples)."""
    name = model.rstrip("/").rpartition("/")[2].removesuffix(".tar.gz")
    return shared.below(location, f"{name}-{target}.tar.gz")


def _target(output: Part) -> str:
    if output.has("TargetDevice") == output.has("TargetPlatform"):
        raise InvalidRequest(output.path, "must have TargetDevice or TargetPlatform, and not both")
    if output.has("TargetDevice"):
        return _plain(output.field("TargetDevice"), output.text("TargetDevice"))
    platform = output.part("TargetPlatform")
    words = [platform.choice("Os", _SYSTEMS), platform.text("Arch"), platform.optional_text("Accelerator")]
    return _plain(platform.path, "_".join(word for word in words if word))


def _plain(path: str, target: str) -> str:
    if not target.replace("_", "").isalnum() or not target.isascii():
        raise InvalidRequest(path, f"must be letters, digits and '_', not {target!r}")
    return target


COMPILATION = CompilationJob()
