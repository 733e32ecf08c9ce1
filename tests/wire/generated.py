"""Requests made from the model: valid ones, and ones that break a rule somewhere."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape
from hypothesis import strategies as st

from runner.wire.validation import compiled

Chosen = Mapping[str, st.SearchStrategy[Any]]
"""Strategies for members whose rules the model does not tell, by the member's name."""

URI = st.from_regex(r"s3://[a-z0-9]{3,12}/[a-z0-9]{1,8}(/[a-z0-9]{1,8}){0,2}", fullmatch=True)
ROLE = st.just("arn:aws:iam::123456789012:role/any")
CHOSEN: Chosen = {
    "S3Uri": URI,
    "S3OutputPath": URI,
    "S3OutputLocation": URI,
    "RoleArn": ROLE,
    "LocalPath": st.sampled_from(["/opt/ml/checkpoints", "/opt/ml/checkpoints/deep", "/opt/ml/other"]),
    # No generated program is ever looked for: the backend is the fake one, and knows these.
    "ContainerEntrypoint": st.lists(st.sampled_from(["good", "busy", "quick", "missing"]), min_size=1, max_size=2),
    "Regex": st.sampled_from(["accuracy=([0-9.]+)", "loss: ([-+.0-9e]+)"]),
}
_LONGEST = 60
_MOST = 2
_EXAMPLES = (
    *("a", "A1", "a-b", "x_y", "0", "7", "1.5", "-3", "0.001", "a.b", "a/b", "name@x", "a" * 20, "a" * 32, "Z" * 63),
    *("ml.m5.large", "accuracy", "3.11", "{'data': [1, 3]}", "/opt/ml/x", "s3://bucket/key", "https://x.y/z"),
    *("sg-0123456789abcdef0", "subnet-0123456789abcdef0", "fs-0123456789abcdef0", "us-east-1a"),
    "123456789012.dkr.ecr.us-east-1.amazonaws.com/image:tag",
    "arn:aws:iam::123456789012:role/any",
    "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012",
    "arn:aws:lambda:us-east-1:123456789012:function:name",
    *(
        f"arn:aws:sagemaker:us-east-1:123456789012:{kind}/name"
        for kind in ("training-job", "algorithm", "model-package", "training-plan", "experiment", "hub-content", "hub")
    ),
    "arn:aws:sagemaker:us-east-1:aws:hub-content/hub/Model/name/1.0.0",
    "arn:aws:secretsmanager:us-east-1:123456789012:secret:name",
    "12345678-1234-1234-1234-123456789012",
)
"""Tried on each pattern first."""
_VISIBLE = st.characters(min_codepoint=33, max_codepoint=126)


def valid(shape: Shape, chosen: Chosen = CHOSEN) -> st.SearchStrategy[Any]:
    """Anything that the model allows."""
    return _valid(shape, chosen, frozenset())


def _valid(shape: Shape, chosen: Chosen, inside: frozenset[str]) -> st.SearchStrategy[Any]:
    if isinstance(shape, StructureShape):
        return _structure(shape, chosen, inside | {shape.name})
    if isinstance(shape, ListShape):
        least = shape.metadata.get("min", 0)
        return st.lists(
            _valid(shape.member, chosen, inside),
            min_size=least,
            max_size=min(shape.metadata.get("max", _MOST), max(_MOST, least)),
        )
    if isinstance(shape, MapShape):
        return st.dictionaries(
            _valid(shape.key, chosen, inside),
            _valid(shape.value, chosen, inside),
            min_size=shape.metadata.get("min", 0),
            max_size=_MOST,
        )
    return _scalar(shape)


def _structure(shape: StructureShape, chosen: Chosen, inside: frozenset[str]) -> st.SearchStrategy[Any]:
    members = {
        name: chosen[name] if name in chosen else _valid(member, chosen, inside)
        for name, member in shape.members.items()
        if member.name not in inside
    }
    if shape.is_tagged_union:
        return st.one_of([st.fixed_dictionaries({name: strategy}) for name, strategy in members.items()])
    needed = {name: members[name] for name in shape.required_members}
    return st.fixed_dictionaries(needed, optional={n: s for n, s in members.items() if n not in needed})


def _scalar(shape: Shape) -> st.SearchStrategy[Any]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    match shape.type_name:
        case "string":
            return _string(shape, int(least or 0), int(most if most is not None else _LONGEST))
        case "integer" | "long":
            return st.integers(least if least is not None else 0, most if most is not None else 2**31 - 1)
        case "float" | "double":
            # Of 32 bits by its bounds: told width=32, Hypothesis may find out too late that a number does not fit.
            lowest, highest = -1e30 if least is None else least, 1e30 if most is None else most
            return st.floats(lowest, highest, allow_nan=False, allow_infinity=False)
        case "boolean":
            return st.booleans()
        case "timestamp":
            return st.floats(0, 4e9, allow_nan=False)
    raise NotImplementedError(shape.type_name)


def _string(shape: Shape, least: int, most: int) -> st.SearchStrategy[str]:
    enum = getattr(shape, "enum", ())
    if enum:
        return st.sampled_from(list(enum))
    pattern = shape.metadata.get("pattern")
    if pattern in (None, ".*", r"[\S\s]*", r"^[\S\s]*$"):
        return st.text(string.ascii_letters + string.digits + " =._:/-äß", min_size=least, max_size=min(most, _LONGEST))
    known = [text for text in _EXAMPLES if least <= len(text) <= most and compiled(pattern).fullmatch(text)]
    return st.sampled_from(known) if known else _from(pattern, least, most)


def _from(pattern: str, least: int, most: int) -> st.SearchStrategy[str]:
    """Slow: hundreds of steps for one text, where a pattern counts."""
    expression = compiled(pattern)
    made = st.from_regex(_for_re(pattern), fullmatch=True, alphabet=_VISIBLE).map(lambda text: text[:most])
    return made.filter(lambda text: least <= len(text) <= most and expression.fullmatch(text) is not None)


def _for_re(pattern: str) -> re.Pattern[str]:
    readable = pattern.replace(r"\p{L}\p{Z}\p{N}", "a-zA-Z0-9 ").replace(r"\p{Alnum}", "a-zA-Z0-9")
    return re.compile(readable)


_WRONG: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=70),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.sampled_from(["", "a" * 5000, "../../etc/passwd", "s3://a", "\0", "<b>", "${x}", "{name}"]),
)


def broken(shape: Shape, chosen: Chosen = CHOSEN) -> st.SearchStrategy[Any]:
    """A valid request with something put in the place of one or two of its members, at any depth."""
    return _broken(valid(shape, chosen))


@st.composite
def _broken(draw: st.DrawFn, whole: st.SearchStrategy[Any]) -> Any:
    request = draw(whole)
    for _ in range(draw(st.integers(1, 2))):
        request = _spoiled(draw, request)
    return request


def _spoiled(draw: st.DrawFn, value: Any) -> Any:
    if draw(st.integers(0, 3)) and isinstance(value, dict) and value:
        name = draw(st.sampled_from(sorted(value)))
        return {**value, name: _spoiled(draw, value[name])}
    if draw(st.integers(0, 3)) and isinstance(value, list) and value:
        at = draw(st.integers(0, len(value) - 1))
        return [*value[:at], _spoiled(draw, value[at]), *value[at + 1 :]]
    return draw(_WRONG)


def creation(kind: str, shape: Shape) -> st.SearchStrategy[dict[str, Any]]:
    """A Create request that holds to what the model does not tell, too: see `_sensible`."""
    return valid(shape).map(lambda request: _sensible(kind, request))


def _sensible(kind: str, request: dict[str, Any]) -> dict[str, Any]:
    """No key twice, one target, an input, one kind of definition with the objective's metric, and some limit."""
    changed = {**request, "Tags": _unique(request.get("Tags", []), "Key")}
    if kind == "TrainingJob" and "InputDataConfig" in request:
        changed["InputDataConfig"] = _channels(request["InputDataConfig"])
    if kind == "CompilationJob":
        output = request["OutputConfig"]
        spare = "TargetPlatform" if "TargetDevice" in output else ""
        changed["OutputConfig"] = {"TargetDevice": "ml_c5", **_without(output, spare)}
        if "TargetPlatform" in changed["OutputConfig"]:
            del changed["OutputConfig"]["TargetDevice"]
        changed.setdefault("InputConfig", {"S3Uri": "s3://bucket/model.tar.gz", "Framework": "ONNX"})
    if kind == "HyperParameterTuningJob":
        return _sensible_tuning(changed)
    return changed


def _sensible_tuning(request: dict[str, Any]) -> dict[str, Any]:
    objective = {"Type": "Maximize", "MetricName": "accuracy"}
    ranges = {"ContinuousParameterRanges": [{"Name": "rate", "MinValue": "0.001", "MaxValue": "0.1"}]}
    config = request["HyperParameterTuningJobConfig"]
    limits = {**config["ResourceLimits"], "MaxNumberOfTrainingJobs": 3, "MaxParallelTrainingJobs": 2}
    strategy = "Random" if config["Strategy"] == "Grid" else config["Strategy"]
    fixed = {"HyperParameterTuningJobObjective": objective, "ParameterRanges": ranges}
    several = _unique(request.get("TrainingJobDefinitions", []), "DefinitionName")
    several = [_sensible_definition({"DefinitionName": "a", **one, "TuningObjective": objective}) for one in several]
    several = [{**one, "HyperParameterRanges": ranges} for one in several]
    changed = {**request, "HyperParameterTuningJobConfig": {**config, "Strategy": strategy, "ResourceLimits": limits}}
    if several:
        changed = _without(changed, "TrainingJobDefinition")
        config = _without(_without(changed["HyperParameterTuningJobConfig"], *list(fixed)[:1]), "ParameterRanges")
        return {**changed, "HyperParameterTuningJobConfig": config, "TrainingJobDefinitions": several}
    changed["HyperParameterTuningJobConfig"] |= fixed
    given = request.get("TrainingJobDefinition") or _DEFINITION
    if "TuningObjective" in given:  # it is the one that counts
        given = {**given, "TuningObjective": objective}
    return {**changed, "TrainingJobDefinition": _sensible_definition(given)}


_DEFINITION = {
    "RoleArn": "arn:aws:iam::123456789012:role/any",
    "AlgorithmSpecification": {"TrainingInputMode": "File"},
    "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
}


def _sensible_definition(definition: dict[str, Any]) -> dict[str, Any]:
    algorithm = {
        **definition["AlgorithmSpecification"],
        "MetricDefinitions": [{"Name": "accuracy", "Regex": "accuracy=([0-9.]+)"}],
    }
    changed = {**definition, "AlgorithmSpecification": algorithm}
    if "InputDataConfig" in definition:
        changed["InputDataConfig"] = _channels(definition["InputDataConfig"])
    if "StaticHyperParameters" in definition:
        changed["StaticHyperParameters"] = _without(definition["StaticHyperParameters"], "rate")
    return _without(changed, "HyperParameterRanges")


def _channels(channels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A channel has some source."""
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/data"}}
    filled = [{**channel, "DataSource": channel["DataSource"] or source} for channel in channels]
    return _unique(filled, "ChannelName")


def _unique(items: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    return list({item.get(key, "a"): item for item in items}.values())


def _without(members: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in members.items() if name not in names}


def fullest(kind: str, shape: Shape) -> dict[str, Any]:
    """A Create request with every member of the model that can stand beside the others, each list with one element."""
    return _sensible(kind, _full(shape, frozenset()))


def _full(shape: Shape, inside: frozenset[str]) -> Any:
    if isinstance(shape, StructureShape):
        return {
            name: _fixed(name) or _full(member, inside | {shape.name})
            for name, member in shape.members.items()
            if member.name not in inside
        }
    if isinstance(shape, ListShape):
        return [_full(shape.member, inside)] * int(max(shape.metadata.get("min", 1), 1))
    if isinstance(shape, MapShape):
        return {_full(shape.key, inside): _full(shape.value, inside)}
    made: dict[str, Any] = {"boolean": True, "timestamp": 1.7e9}
    if shape.type_name == "string":
        return _full_string(shape)
    return made.get(shape.type_name, int(max(shape.metadata.get("min", 1), 1)))


def _fixed(name: str) -> Any:
    return {
        "S3Uri": "s3://bucket/input",
        "S3OutputPath": "s3://bucket/out",
        "S3OutputLocation": "s3://bucket/out",
        "LocalPath": "/opt/ml/checkpoints",
        "ContainerEntrypoint": ["good"],
        "Regex": "accuracy=([0-9.]+)",
    }.get(name)


def _full_string(shape: Shape) -> str:
    enum = getattr(shape, "enum", ())
    if enum:
        return str(enum[0])
    pattern, least, most = shape.metadata.get("pattern"), shape.metadata.get("min", 1), shape.metadata.get("max", 99)
    fitting = (text for text in (*_EXAMPLES, *_RARE) if least <= len(text) <= most and _fits(pattern, text))
    return next(fitting)


def _fits(pattern: str | None, text: str) -> bool:
    return pattern is None or compiled(pattern).fullmatch(text) is not None


_RARE = (
    "arn:aws:sagemaker:us-east-1:123456789012:hub-content/hub/DataSet/name/1.0.0",
    "arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/name",
    "arn:aws:sagemaker:us-east-1:123456789012:model-package-group/name",
    "1K",
)
