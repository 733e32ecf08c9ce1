"""Names of jobs and their ARNs."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import InvalidRequest
from runner.jobs import naming, types
from runner.jobs.base import Defaults, Kind
from runner.jobs.compilation import COMPILATION
from runner.jobs.tuning import TUNING
from tests.jobs import requests

NAMES = st.from_regex(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}", fullmatch=True).filter(lambda name: len(name) <= 32)


@given(NAMES)
def test_a_name_of_the_models_pattern_is_taken_by_every_job_type(name: str) -> None:
    assert naming.check_name("TrainingJobName", name) == name
    assert naming.check_name("HyperParameterTuningJobName", name, naming.LONGEST_TUNING) == name


@given(st.text(max_size=70))
def test_any_other_name_is_refused(name: str) -> None:
    valid = len(name) in range(1, 64) and re.fullmatch(r"[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?", name)
    if valid:
        assert naming.check_name("TrainingJobName", name) == name
    else:
        with pytest.raises(InvalidRequest, match="TrainingJobName: must"):
            naming.check_name("TrainingJobName", name)


@pytest.mark.parametrize("name", ["", "-a", "a-", "a_b", "a b", "ä", "a\n", "a/b", "..", "a" * 64, "\uff11"])
def test_bad_names_are_refused_by_the_request_that_has_them(name: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        COMPILATION.parse(requests.compilation(CompilationJobName=name), Defaults())
    assert refused.value.field == "CompilationJobName"


@pytest.mark.parametrize(("length", "taken"), [(1, True), (32, True), (33, False), (63, False)])
def test_a_tuning_job_has_at_most_32_characters(length: int, taken: bool) -> None:
    request = requests.tuning(HyperParameterTuningJobName="a" * length)
    if taken:
        assert TUNING.parse(request, Defaults()).name == "a" * length
    else:
        with pytest.raises(InvalidRequest, match=f"1 to 32 characters, not {length}"):
            TUNING.parse(request, Defaults())


@pytest.mark.parametrize(
    ("kind", "arn"),
    [
        (Kind.COMPILATION, "arn:aws:sagemaker:eu-west-1:210987654321:compilation-job/x"),
        (Kind.TRAINING, "arn:aws:sagemaker:eu-west-1:210987654321:training-job/x"),
        (Kind.TUNING, "arn:aws:sagemaker:eu-west-1:210987654321:hyper-parameter-tuning-job/x"),
    ],
)
def test_arns(kind: Kind, arn: str) -> None:
    defaults = Defaults(region="eu-west-1", account="210987654321")
    assert naming.arn(types.of(kind), "x", defaults) == arn
    assert naming.region(arn) == "eu-west-1"
    assert naming.sibling(arn, "training-job", "y") == "arn:aws:sagemaker:eu-west-1:210987654321:training-job/y"


def test_there_is_a_type_for_every_kind() -> None:
    assert {kind: job.kind for kind, job in types.TYPES.items()} == {kind: kind for kind in Kind}
