"""Tags: a job is meant by its whole ARN."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.clients import requests
from tests.supervisor.stage import Stage, play
from tests.wire.asking import Asking

OWN = "arn:aws:sagemaker:us-east-1:123456789012:training-job/job"
REST: dict[str, dict[str, Any]] = {
    "AddTags": {"Tags": [{"Key": "a", "Value": "b"}]},
    "ListTags": {},
    "DeleteTags": {"TagKeys": ["a"]},
}


@pytest.mark.parametrize(
    ("arn", "said"),
    [
        (OWN.replace("us-east-1", "eu-west-1"), "Requested resource not found."),
        (OWN.replace("123456789012", "999999999999"), "Requested resource not found."),
        (OWN.replace("arn:aws:", "arn:aws-cn:"), "Requested resource not found."),
        (OWN + "/more", "Requested resource not found."),
        (OWN + "x", "Requested resource not found."),
        (OWN.replace("training-job", "hyper-parameter-tuning-job"), "can't find a tuning job called job."),
        (OWN.replace("training-job", "compilation-job"), "Could not find compilation job 'job'."),
        (OWN.replace("training-job", "model"), "must be the ARN of a job"),
        (OWN.replace("training-job", "x:training-job"), "must be the ARN of a job"),
        (OWN.removesuffix("job"), "must be the ARN of a job"),
        ("job", "Member must satisfy regular expression pattern"),
    ],
)
def test_an_arn_of_no_job(tmp_path: Path, arn: str, said: str) -> None:
    async def scenario(stage: Stage) -> None:
        asking = Asking(stage)
        await asking("CreateTrainingJob", **requests.training("job", "good"))
        for operation, members in REST.items():
            answer = await asking.answer(operation, {"ResourceArn": arn, **members})
            assert said in answer.message

    play(tmp_path, scenario)


def test_there_is_no_second_page(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        asking = Asking(stage)
        await asking("CreateTrainingJob", **requests.training("job", "good"))
        assert "NextToken" not in await asking("ListTags", ResourceArn=OWN)
        assert "'nextToken'" in (await asking.answer("ListTags", {"ResourceArn": OWN, "NextToken": "x"})).message

    play(tmp_path, scenario)
