"""CheckpointConfig: what a training saves is there again when the next one starts, however the first one ended."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from runner import Job, Runner
from runner.lifecycle.stops import Isolation
from tests.jobs.requests import tag, training
from tests.runs.seeing import PATIENCE

URI = "s3://bucket/run/checkpoints"
LOOP = "echo ready; while :; do sleep 0.02; done"


def start(runner: Runner, isolation: Isolation, name: str, script: str, **config: str) -> Job:
    """A shell script with `$c`, its checkpoint folder."""
    command = ["sh", "-c", f'c="$SM_CHECKPOINT_DIR"; {script}']
    wishes = [*tag("runner:isolation", isolation.value), *tag("runner:grace-seconds", "0.3")]
    request = training(
        TrainingJobName=name,
        AlgorithmSpecification={"ContainerEntrypoint": command},
        CheckpointConfig={"S3Uri": URI, **config},
        Tags=wishes,
    )
    return runner.submit("training", request)


def kept(runner: Runner) -> dict[str, str]:
    root = runner.data_dir / "objects" / URI.removeprefix("s3://")
    return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}


def put(runner: Runner, name: str, text: str) -> None:
    path = runner.data_dir / "objects" / URI.removeprefix("s3://") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def listing(job: Job) -> str:
    return job.wait_for_log("^found", timeout=PATIENCE).text


@pytest.mark.parametrize(
    "config", [{}, {"LocalPath": "/opt/ml/deep/er"}, {"LocalPath": "/opt/ml/checkpoints/"}], ids=str
)
def test_the_next_one_finds_what_was_saved(runner: Runner, isolation: Isolation, config: dict[str, str]) -> None:
    save = 'mkdir "$c/step-7"; echo seven > "$c/step-7/w"; echo half > "$c/w.tmp"'
    first = start(runner, isolation, "first", f"{save}; {LOOP}", **config)
    first.wait_for_log("^ready", timeout=PATIENCE)
    first.stop()
    assert first.status == "Stopped"
    assert kept(runner) == {"step-7/w": "seven\n", "w.tmp": "half\n"}
    second = start(runner, isolation, "second", 'cd "$c"; echo found $(cat step-7/w w.tmp)', **config)
    assert listing(second) == "found seven half"
    assert second.wait(PATIENCE) == "Completed"


def test_it_is_where_sagemaker_has_it(runner: Runner, isolation: Isolation) -> None:
    put(runner, "w", "weights\n")
    show = 'echo found $(cat "$ml/checkpoints/w"); cat "$ml/input/config/checkpointconfig.json"'
    script = "ml=${SAGEMAKER_BASE_DIR:-/opt/ml}; " + show
    job = start(runner, isolation, "job", script)
    assert listing(job) == "found weights"
    config: Any = json.loads(job.wait_for_log("LocalPath", timeout=PATIENCE).text)
    assert config == {"LocalPath": "/opt/ml/checkpoints", "S3Uri": URI}
    assert job.describe()["CheckpointConfig"] == {"S3Uri": URI}


def test_kept_after_a_sigkill(runner: Runner, isolation: Isolation) -> None:
    job = start(runner, isolation, "job", f"trap '' TERM; printf unfini > \"$c/half\"; {LOOP}")
    job.wait_for_log("^ready", timeout=PATIENCE)
    assert job.stop().exit.signal == "SIGKILL"
    assert kept(runner) == {"half": "unfini"}


@pytest.mark.parametrize("end", ["exit 0", "exit 3"])
def test_kept_after_any_end(runner: Runner, isolation: Isolation, end: str) -> None:
    job = start(runner, isolation, "job", f'echo w > "$c/w"; {end}')
    job.wait(PATIENCE)
    assert kept(runner) == {"w": "w\n"}
    (told,) = (upload for upload in job.detail()["results"]["uploads"] if upload["uri"] == URI)
    assert told["sent"] is True
    assert job.describe()["ModelArtifacts"]["S3ModelArtifacts"] == "s3://bucket/out/job/output/model.tar.gz"


def test_deletions_are_kept_too(runner: Runner, isolation: Isolation) -> None:
    put(runner, "step-1", "1")
    put(runner, "step-2", "2")
    start(runner, isolation, "job", 'rm "$c/step-1"; echo 3 > "$c/step-3"').wait(PATIENCE)
    assert kept(runner) == {"step-2": "2", "step-3": "3\n"}


def test_a_link_is_not_followed_out_of_the_job(runner: Runner, isolation: Isolation, home: Path) -> None:
    (home / "private").mkdir()
    (home / "private" / "key").write_text("secret")
    script = f'rm -r "$c"; ln -s "{home}/private" "$c"; mkdir -p "$c-2"'
    job = start(runner, isolation, "job", script)
    job.wait(PATIENCE)
    assert kept(runner) == {}
    (told,) = (upload for upload in job.detail()["results"]["uploads"] if upload["uri"] == URI)
    assert told["skipped"][0]["name"] == "checkpoints"


def test_a_program_that_removes_its_folder(runner: Runner, isolation: Isolation) -> None:
    put(runner, "w", "weights")
    job = start(runner, isolation, "job", 'rm -r "$c"')
    assert job.wait(PATIENCE) == "Completed"
    assert kept(runner) == {}


def test_what_cannot_be_kept_is_moved_and_named(runner: Runner, isolation: Isolation) -> None:
    (runner.data_dir / "objects").write_text("a file where the store should be")
    job = start(runner, isolation, "job", 'echo w > "$c/w"')
    assert job.wait(PATIENCE) == "Completed"
    told = next(upload for upload in job.detail()["results"]["uploads"] if upload["uri"] == URI)
    assert (told["sent"], (Path(told["kept"]) / "w").read_text()) == (False, "w\n")
    shutil.rmtree(runner.data_dir / "unsent")
