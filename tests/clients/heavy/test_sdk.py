"""The SageMaker Python SDK v2: the programs of the folder `sdk` assert, and print what they have come to.

It looks every 5 s, and while it shows a log every 10 s, so that even the shortest training takes 45 s.
"""

from __future__ import annotations

import re
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.clients.heavy.installed import Installed
from tests.runs.serving import Served

MODELS = Path(__file__).parents[3] / "workloads" / "compilation" / "models"


class Told(NamedTuple):
    """What a program has printed."""

    text: str
    results: list[str]
    """Behind `result:`, as the programs print it among all that the SDK prints."""


Run = Callable[[str], Told]


@pytest.fixture
def run(clients: Installed) -> Run:
    """Run a program that ends well."""

    def run(program: str) -> Told:
        ran = clients.script(program)
        text = f"{ran.out}\n{ran.err}"
        assert ran.code == 0, text
        assert not re.search(r"Traceback|ERROR", text), text
        return Told(text, re.findall("^result: (.*)$", ran.out, re.MULTILINE))

    return run


def test_a_tuner_that_is_stopped(run: Run) -> None:
    told = run("tune.py")
    assert told.results == ["Stopped Stopped Stopped Completed Stopped"]
    assert "accuracy=" in told.text  # logs_for_job of one of its trainings


def test_an_estimator_to_its_end(run: Run, served: Served) -> None:
    told = run("train.py")
    assert told.results == ["Completed s3://bucket/out/short/output/model.tar.gz"]
    lines = re.findall(r"line \d+", told.text)
    assert lines == [f"line {number}" for number in range(1, 41)]  # each once, and in order
    assert "Training seconds:" in told.text
    with tarfile.open(served.data_dir / "objects/bucket/out/short/output/model.tar.gz") as archive:
        assert archive.getnames() == ["weights"]


def test_a_training_that_is_stopped(run: Run) -> None:
    told = run("stop.py")
    assert told.results == ["Stopped Stopped"]
    assert "The request was rejected because the training job is in status Stopped." in told.text
    assert "\nStopping\n" in told.text  # what `wait(logs="None")` fails with
    assert len(re.findall(r"ready \d+", told.text)) == 1


def test_compilations(run: Run, served: Served) -> None:
    store = served.data_dir / "objects" / "bucket"
    store.mkdir(parents=True)
    shutil.copy(MODELS / "wine-sklearn.tar.gz", store / "model.tar.gz")
    told = run("compile.py")
    assert told.results == ["COMPLETED s3://bucket/compiled/model-ml_c5.tar.gz", "STOPPED"]
