"""`python -m tests.tools.members [--write]`: every operation and member of the endpoint, as docs/endpoint-members.md.

What becomes of a request's member is told by the rules of `jobs.unheeded`; which members answers have is seen: jobs of
each type, with the fullest request that the model allows, run on the fake backend to each of their ends.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from botocore.model import ListShape, Shape, StructureShape

from runner.jobs import unheeded
from runner.jobs.base import Defaults, Kind
from runner.supervisor.options import Options, Policy
from runner.wire import model, training
from runner.wire.app import OPERATIONS
from tests.clients import requests
from tests.supervisor.stage import Stage, play
from tests.wire.asking import Asking
from tests.wire.generated import fullest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "endpoint-members.md"
KINDS = {
    "CompilationJob": Kind.COMPILATION,
    "TrainingJob": Kind.TRAINING,
    "HyperParameterTuningJob": Kind.TUNING,
}
_PLATFORM = {"Os": "LINUX", "Arch": "X86_64", "Accelerator": "NVIDIA"}
_OPTIONS = Options(
    policy=Policy.SERVE,
    defaults=Defaults(compilers={"XGBOOST": ("quick",)}, images={"any": ("measured",), "bad": ("failing",)}),
)
_HEAD = """\
# Operations and members of the endpoint

Written by `python -m tests.tools.members --write` from the service models and from what jobs were seen to answer, and
compared with them by a test. **done**: as SageMaker's. **accepted**: it may be there, Describe shows it, and what
happens instead is said. **not there**: SageMaker has it, and no answer here does.

What is accepted at depth is in [unheeded.md](unheeded.md) with its reasons.
"""


def page() -> str:
    """The whole page."""
    seen = answers()
    parts = [_HEAD]
    for service, operations in OPERATIONS.items():
        known = len(model.service(service).operation_names)
        parts.append(f"## {service}: {len(operations)} of {known} operations\n")
        parts += [_operation(service, name, seen.get(name, set())) for name in operations]
        parts.append(f"Every other operation of {service} is answered `UnknownOperationException`.\n")
    return "\n".join(parts)


def _operation(service: str, name: str, seen: set[str]) -> str:
    described = model.operation(name, service)
    lines = [f"### {name}\n"]
    shape = described.input_shape
    if shape is not None and shape.members:
        lines += ["| member of the request | |", "|---|---|"]
        lines += [f"| `{member}` | {_becomes(name, member)} |" for member in shape.members]
        lines.append("")
    if described.output_shape is None:
        lines.append("Answer: 200 with an empty body.\n")
    elif name in _SEEN_OF:
        lines += ["| member of the answer | |", "|---|---|"]
        paths = _paths(described.output_shape)
        lines += [f"| `{path}` | {'done' if path in seen else 'not there'} |" for path in paths]
        lines.append("")
    return "\n".join(lines)


_SEEN_OF = {f"Describe{kind}" for kind in KINDS} | {
    *(f"List{kind}s" for kind in KINDS),
    "ListTrainingJobsForHyperParameterTuningJob",
}


def _becomes(operation: str, member: str) -> str:
    if operation == "ListTrainingJobs" and member in training.NEVER_TRUE:
        return "accepted: no job here has any, so the list is empty"
    kind = KINDS.get(operation.removeprefix("Create"))
    if not operation.startswith("Create") or kind is None:
        return "done"
    rules = {rule.path: rule.instead for rule in (*unheeded.RULES[kind], *unheeded.OF_EVERY_JOB)}
    if member in rules:
        return f"accepted: {rules[member]}"
    below = [path for path in rules if path.split(".")[0].removesuffix("[]") == member and path != member]
    return f"done; accepted at depth: {len(below)} members, see unheeded.md" if below else "done"


def _paths(shape: Shape) -> Iterator[str]:
    """Members of an answer: of lists of summaries those of a summary."""
    assert isinstance(shape, StructureShape)
    for name, member in shape.members.items():
        if isinstance(member, ListShape) and name.endswith("Summaries") and isinstance(member.member, StructureShape):
            yield from (f"{name}[].{below}" for below in member.member.members)
        else:
            yield name


def answers() -> Mapping[str, set[str]]:
    """Operation -> members that its answers were seen to have."""
    seen: dict[str, set[str]] = {name: set() for name in _SEEN_OF}

    async def scenario(stage: Stage) -> None:
        asking = Asking(stage)
        store = stage.data_dir / "objects" / "bucket"
        store.mkdir(parents=True)
        (store / "input").touch()
        for kind in KINDS:
            shape = model.operation(f"Create{kind}").input_shape
            assert shape is not None
            request = fullest(kind, shape)
            await asking(f"Create{kind}", **request)
            await _note(asking, seen, kind, request[f"{kind}Name"])
        for name, target in (("device", {"TargetDevice": "ml_c5"}), ("platform", {"TargetPlatform": _PLATFORM})):
            request = requests.compilation(name)
            request["InputConfig"]["S3Uri"] = "s3://bucket/input"
            request["OutputConfig"] = {"S3OutputLocation": "s3://bucket/out", **target}
            await asking("CreateCompilationJob", **request)
        await asking("CreateTrainingJob", **requests.training("measured", "measured"))
        await asking("CreateTrainingJob", **requests.training("failing", "failing"))
        search = requests.tuning("search", most=2)
        search["WarmStartConfig"] = {
            "WarmStartType": "IdenticalDataAndAlgorithm",
            "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "none"}],
        }
        await asking("CreateHyperParameterTuningJob", **search)
        await asking("CreateHyperParameterTuningJob", **_lost())
        await asyncio.sleep(600)  # of virtual time: all have ended
        for kind, names in (
            ("TrainingJob", ("measured", "failing")),
            ("HyperParameterTuningJob", ("search", "lost")),
            ("CompilationJob", ("device", "platform")),
        ):
            for name in names:
                await _note(asking, seen, kind, name)
        child = (await stage.service.children("search"))[0]["name"]
        await _note(asking, seen, "TrainingJob", child)

    with tempfile.TemporaryDirectory(prefix="members-") as name:
        play(Path(name) / "data", scenario, options=_OPTIONS)
    return seen


def _lost() -> dict[str, Any]:
    """A search by definitions, all of whose trainings fail."""
    request = requests.tuning("lost", most=9)
    config, definition = request["HyperParameterTuningJobConfig"], request.pop("TrainingJobDefinition")
    definition["AlgorithmSpecification"]["TrainingImage"] = "bad"
    definition |= {
        "DefinitionName": "first",
        "TuningObjective": config.pop("HyperParameterTuningJobObjective"),
        "HyperParameterRanges": config.pop("ParameterRanges"),
    }
    return {**request, "TrainingJobDefinitions": [definition]}


async def _note(asking: Asking, seen: dict[str, set[str]], kind: str, name: str) -> None:
    seen[f"Describe{kind}"] |= set(await asking(f"Describe{kind}", **{f"{kind}Name": name}))
    seen[f"List{kind}s"] |= _of_summaries(await asking(f"List{kind}s", MaxResults=1))
    seen[f"List{kind}s"] |= _of_summaries(await asking(f"List{kind}s", MaxResults=100))
    if kind == "HyperParameterTuningJob":
        listing = "ListTrainingJobsForHyperParameterTuningJob"
        for most in (1, 100):
            found = await asking(listing, HyperParameterTuningJobName=name, MaxResults=most)
            seen[listing] |= _of_summaries(found)


def _of_summaries(answer: Mapping[str, Any]) -> set[str]:
    found = set()
    for name, value in answer.items():
        if isinstance(value, list):
            found |= {f"{name}[].{member}" for summary in value for member in summary}
        else:
            found.add(name)
    return found


def main(arguments: Sequence[str]) -> int:
    text = page()
    if "--write" in arguments:
        PAGE.write_text(text)
    elif text != PAGE.read_text():
        print(f"{PAGE.name} is not what the endpoint does: python -m tests.tools.members --write")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
