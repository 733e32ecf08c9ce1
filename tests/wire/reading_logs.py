"""CloudWatch Logs as a client has it, over jobs of the fake backend whose output a test writes."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.parsers import create_parser
from botocore.validate import ParamValidator

from runner.backends import base
from runner.jobs.base import Defaults
from runner.jobs.training import LOG_GROUP as TRAININGS
from runner.settings import Settings
from runner.supervisor.options import Options, Policy
from runner.wire.calls import Call, Fault
from runner.wire.cloudwatch import OPERATIONS
from tests.supervisor.stage import COMPILATION, TRAINING, Stage, compiling, play

MODEL = ServiceModel(Loader().load_service_model("logs", "service-2"))
MS = 1_000_000
Answer = dict[str, Any]


class Logs:
    """The operations, as a client has them: requests and answers are held to the model."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    async def call(self, operation: str, **request: Any) -> Answer:
        model = MODEL.operation_model(operation)
        _hold(request, model.input_shape)
        answer = await OPERATIONS[operation](Call(self.stage.service, Settings(), "us-east-1"), request)
        assert answer is not None
        _hold(answer, model.output_shape)
        body = {"body": json.dumps(answer).encode(), "headers": {}, "status_code": 200}
        assert model.output_shape is not None
        parsed: Answer = create_parser("json").parse(body, model.output_shape)
        del parsed["ResponseMetadata"]
        assert parsed == answer
        return parsed

    async def groups(self, **request: Any) -> Answer:
        return await self.call("DescribeLogGroups", **request)

    async def streams(self, **request: Any) -> Answer:
        group = {} if "logGroupIdentifier" in request else {"logGroupName": TRAININGS}
        return await self.call("DescribeLogStreams", **group | request)

    async def names(self, **request: Any) -> list[str]:
        return [stream["logStreamName"] for stream in (await self.streams(**request))["logStreams"]]

    async def get(self, stream: str, **request: Any) -> Answer:
        return await self.call("GetLogEvents", **{"logGroupName": TRAININGS, "logStreamName": stream} | request)

    async def filter(self, **request: Any) -> Answer:
        return await self.call("FilterLogEvents", **{"logGroupName": TRAININGS} | request)

    async def filtered(self, **request: Any) -> list[Answer]:
        """All pages."""
        found: list[Answer] = []
        token: dict[str, Any] = {}
        while True:
            page = await self.filter(**request, **token)
            found += page["events"]
            if "nextToken" not in page:
                return found
            token = {"nextToken": page["nextToken"]}

    async def fault(self, operation: str, **request: Any) -> tuple[str, str]:
        with pytest.raises(Fault) as refused:
            await self.call(operation, **request)
        return refused.value.code, refused.value.message

    def folder(self, name: str = "job", kind: str = "training") -> Path:
        return self.stage.data_dir / "jobs" / kind / name

    def write(self, *lines: tuple[int, bytes], name: str = "job", kind: str = "training") -> None:
        """Add lines to a job's log, each with its newline and a mark at a time in ms after the job's start."""
        folder = self.folder(name, kind)
        with base.log(folder).open("ab") as log, base.marks(folder).open("ab") as marks:
            for ms, text in lines:
                log.write(text)
                marks.write(struct.pack("<qq", (START + ms) * MS, log.tell()))


START = 1_800_000_000_000
"""The virtual clock's, ms since 1970."""
MISSING_GROUP = ("ResourceNotFoundException", "The specified log group does not exist.")
MISSING_STREAM = ("ResourceNotFoundException", "The specified log stream does not exist.")
INVALID_TOKEN = ("InvalidParameterException", "The specified nextToken is invalid.")


def _hold(value: Any, shape: Any) -> None:
    report = ParamValidator().validate(value, shape)
    assert not report.has_errors(), report.generate_report()


def perform(data_dir: Path, scenario: Callable[[Logs], Awaitable[None]]) -> None:
    defaults = Defaults(compilers={"XGBOOST": ["good"]})
    play(data_dir, lambda stage: scenario(Logs(stage)), options=Options(policy=Policy.SERVE, defaults=defaults))


async def running(logs: Logs, name: str) -> None:
    """Until the training runs; no time passes."""
    for _ in range(10_000):
        if (await logs.stage.service.summary(TRAINING, name))["phase"] == "running":
            return
        await asyncio.sleep(0)
    raise AssertionError(await logs.stage.service.summary(TRAINING, name))


async def compiled(logs: Logs) -> None:
    """A running compilation job with the name `trees`."""
    model = logs.stage.data_dir / "objects" / "bucket" / "models" / "model.tar.gz"
    model.parent.mkdir(parents=True)
    model.touch()
    await logs.stage.service.create(COMPILATION, compiling("trees"))
    await logs.stage.phase("trees", "running", kind=COMPILATION)


async def trained(logs: Logs, *lines: tuple[int, bytes], name: str = "job") -> str:
    """A running training job with this output; its stream's name."""
    await logs.stage.train("good", name)
    await running(logs, name)
    logs.write(*lines, name=name)
    started = (await logs.stage.service.summary(TRAINING, name))["started"]
    return f"{name}/algo-1-{int(started)}"


def texts(page: Answer) -> list[str]:
    return [event["message"] for event in page["events"]]


def numbered(count: int, ms: int = 0) -> list[tuple[int, bytes]]:
    return [(ms, b"%d\n" % number) for number in range(count)]
