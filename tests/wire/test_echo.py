"""What a Create request said is what Describe shows: every member that both have, whatever the model allows."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest
from botocore.model import StructureShape
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from runner.wire import model
from tests.supervisor.stage import Stage, play
from tests.wire.asking import Asking
from tests.wire.generated import creation, fullest

KINDS = ("CompilationJob", "TrainingJob", "HyperParameterTuningJob")


def create_shape(kind: str) -> StructureShape:
    shape = model.operation(f"Create{kind}").input_shape
    assert shape is not None
    return shape


@functools.cache  # making it takes longer than drawing from it
def creations(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    return creation(kind, create_shape(kind))


@pytest.mark.parametrize("kind", KINDS)
@settings(
    max_examples=40,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_every_member_comes_back(tmp_path_factory: pytest.TempPathFactory, kind: str, data: st.DataObject) -> None:
    request = data.draw(creations(kind))
    shown = model.operation(f"Describe{kind}").output_shape
    assert shown is not None
    expected = with_additions(request)

    async def scenario(stage: Stage) -> None:
        asking = Asking(stage)
        await asking(f"Create{kind}", **request)
        described = await asking(f"Describe{kind}", **{f"{kind}Name": request[f"{kind}Name"]})
        for member in set(request) & set(shown.members):
            assert described[member] == expected[member], member

    play(tmp_path_factory.mktemp("data") / "data", scenario)


LISTS = ("IntegerParameterRanges", "ContinuousParameterRanges", "CategoricalParameterRanges")
CONFIG = "HyperParameterTuningJobConfig"


def with_additions(request: dict[str, Any]) -> dict[str, Any]:
    """AWS adds the objective's name, a default, and empty lists to what it was told of a tuning job, and so do we."""
    if CONFIG not in request:
        return request
    config = with_lists({"TrainingJobEarlyStoppingType": "Off", **request[CONFIG]}, "ParameterRanges")
    told = {**request, CONFIG: config}
    if "TrainingJobDefinition" in request:
        told["TrainingJobDefinition"] = with_objective(request["TrainingJobDefinition"])
    if "TrainingJobDefinitions" in request:
        told["TrainingJobDefinitions"] = [
            with_objective(with_lists(one, "HyperParameterRanges")) for one in request["TrainingJobDefinitions"]
        ]
    return told


def with_lists(of: dict[str, Any], ranges: str) -> dict[str, Any]:
    return {**of, ranges: {**{name: [] for name in LISTS}, **of[ranges]}} if ranges in of else of


def with_objective(definition: dict[str, Any]) -> dict[str, Any]:
    """The metric is the one that `generated` gives them all."""
    static = {**definition.get("StaticHyperParameters", {}), "_tuning_objective_metric": "accuracy"}
    return {**definition, "StaticHyperParameters": static}


@pytest.mark.parametrize("kind", KINDS)
def test_the_fullest_request(tmp_path: Path, kind: str) -> None:
    request = fullest(kind, create_shape(kind))
    left_out = set(create_shape(kind).members) - set(request)
    assert left_out <= {"TrainingJobDefinition"}  # not beside TrainingJobDefinitions
    shown = model.operation(f"Describe{kind}").output_shape
    assert shown is not None
    expected = with_additions(request)

    async def scenario(stage: Stage) -> None:
        asking = Asking(stage)
        await asking(f"Create{kind}", **request)
        described = await asking(f"Describe{kind}", **{f"{kind}Name": request[f"{kind}Name"]})
        both = set(request) & set(shown.members)
        assert {name: described[name] for name in both} == {name: expected[name] for name in both}

    play(tmp_path / "data", scenario)
