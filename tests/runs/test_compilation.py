"""Compilation jobs: real models through a real compiler, by `Runner`."""

from __future__ import annotations

import importlib.util
import os
import shutil
import tarfile
from pathlib import Path

import pytest

from runner import Job, Runner
from runner.errors import InvalidRequest
from runner.lifecycle.facts import FactName
from runner.lifecycle.stops import Isolation
from tests.runs.seeing import PATIENCE, Trail, statuses
from workloads.compilation.train_models import MODELS

SMALL = "breast-cancer-xgboost"
LARGE = "digits-xgboost"
TOLERANCE = 1e-6

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
needs_trees = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("treelite", "tl2cgen")),
    reason="treelite and tl2cgen are not installed (the extra `trees`)",
)


def compiled(runner: Runner, isolation: Isolation, shipped: str, **options: object) -> Job:
    model = MODELS / f"{shipped}.tar.gz"
    return runner.compile(model, framework="xgboost", isolation=isolation, grace=10, **options)  # type: ignore[arg-type]  # whatever the test wants


def objects(runner: Runner) -> list[str]:
    """What is in the object store besides what was put there as input."""
    store = runner.data_dir / "objects"
    found = (str(path.relative_to(store)) for path in store.glob("**/*") if path.is_file())
    return sorted(path for path in found if not path.startswith("runner-inputs/"))


@needs_gcc
@needs_trees
def test_a_compiled_model_predicts_as_the_model(runner: Runner, isolation: Isolation, home: Path) -> None:
    job = compiled(runner, isolation, SMALL, name="trees")
    assert job.wait(60) == "COMPLETED", Trail(runner, job).log()
    described = job.describe()
    uri = described["ModelArtifacts"]["S3ModelArtifacts"]
    assert uri == f"s3://runner-outputs/trees/{SMALL}-ml_c5.tar.gz"
    assert objects(runner) == [uri.removeprefix("s3://")]
    assert (described["CompilationJobStatus"], described["FailureReason"]) == ("COMPLETED", "")
    assert described["CreationTime"] <= described["CompilationStartTime"] < described["CompilationEndTime"]
    assert statuses(job) == ["STARTING", "INPROGRESS", "COMPLETED"]
    with tarfile.open(runner.data_dir / "objects" / uri.removeprefix("s3://")) as archive:
        archive.extract("compiled.so", home)
    numpy = pytest.importorskip("numpy")
    tl2cgen = pytest.importorskip("tl2cgen")
    stored = numpy.load(MODELS / f"{SMALL}.npz")
    predictor = tl2cgen.Predictor(home / "compiled.so", nthread=1)
    rows = tl2cgen.DMatrix(stored["inputs"].astype(predictor.threshold_type))
    predicted = predictor.predict(rows).reshape(stored["predictions"].shape)
    assert numpy.abs(predicted - stored["predictions"]).max() < TOLERANCE


@needs_gcc
@needs_trees
def test_a_stop_in_mid_compile(runner: Runner, isolation: Isolation) -> None:
    job = compiled(runner, isolation, LARGE)
    job.wait_for_log("compiling", timeout=60)
    report = job.stop()
    assert (report.verdict.value, report.escalated) == ("graceful", False), Trail(runner, job).log()
    assert statuses(job) == ["STARTING", "INPROGRESS", "STOPPING", "STOPPED"]
    assert job.describe()["ModelArtifacts"] == {"S3ModelArtifacts": ""}
    assert objects(runner) == []


@needs_gcc
@needs_trees
def test_the_time_limit_is_a_failure_with_its_reason(runner: Runner, isolation: Isolation) -> None:
    job = compiled(runner, isolation, LARGE, max_runtime=1)
    assert job.wait(60) == "FAILED"
    reason = job.describe()["FailureReason"]
    assert (
        reason == "ClientError: TimeOut: Compilation job exceeded MaxRuntimeInSeconds (1 s) of its StoppingCondition."
    )
    assert Trail(runner, job).one(FactName.STOP)["cause"] == "timed-out"
    assert statuses(job) == ["STARTING", "INPROGRESS", "FAILED"]
    assert objects(runner) == []


@needs_trees
def test_a_missing_c_compiler_is_the_reason(
    runner: Runner, isolation: Isolation, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "empty").mkdir()
    monkeypatch.setenv("PATH", str(home / "empty"))
    monkeypatch.delenv("CC", raising=False)
    job = compiled(runner, isolation, SMALL)
    assert job.wait(60) == "FAILED"
    reason = job.describe()["FailureReason"]
    assert reason.startswith(("ClientError: ", "ServerError: "))
    assert "gcc" in reason
    assert objects(runner) == []


def test_a_framework_without_a_compiler_says_what_to_add(runner: Runner, isolation: Isolation) -> None:
    model = MODELS / f"{SMALL}.tar.gz"
    job = runner.compile(model, framework="onnx", isolation=isolation)
    assert job.wait(PATIENCE) == "FAILED"
    assert "[compilers.ONNX]" in job.describe()["FailureReason"]
    assert Trail(runner, job).facts() == []


def test_names_have_up_to_63_characters(runner: Runner, isolation: Isolation) -> None:
    job = compiled(runner, isolation, SMALL, name="n" * 63)
    job.stop(now=True)
    assert (job.name, job.status) == ("n" * 63, "STOPPED")
    with pytest.raises(InvalidRequest, match=r"^CompilationJobName: must have 1 to 63 characters, not 64$"):
        compiled(runner, isolation, SMALL, name="n" * 64)
    assert [job["name"] for job in runner.list()] == ["n" * 63]
    assert os.listdir(runner.data_dir / "jobs") in (["compilation"], [])
