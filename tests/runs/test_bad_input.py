"""Bad input: an error that names the field and the rule, nothing started and nothing stored."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from runner import Objective, Runner
from runner.errors import DataDirectoryUnusable, InvalidRequest, NameInUse
from runner.lifecycle.facts import FactName
from runner.lifecycle.stops import Isolation
from tests.jobs import requests
from tests.probing import probe
from tests.runs.seeing import PATIENCE, Trail, trainer
from tests.runs.serving import REPOSITORY, Served, keepers

SEARCH: dict[str, Any] = {"ranges": {"x": (0.0, 1.0)}, "objective": Objective("a", "a=(.)"), "max_jobs": 2}


@pytest.fixture
def runner(home: Path) -> Iterator[Runner]:
    """Isolation makes no difference here."""
    with Runner() as runner:
        yield runner


@contextmanager
def refused(runner: Runner, field: str, rule: str) -> Iterator[None]:
    """The block is refused for this field and rule, and leaves records, folders and processes as they were."""
    before = everything(runner)
    with pytest.raises(InvalidRequest) as caught:
        yield
    assert caught.value.field == field
    assert rule in caught.value.rule
    assert str(caught.value) == f"{caught.value.field}: {caught.value.rule}"
    assert everything(runner) == before


def everything(runner: Runner) -> tuple[list[Any], list[str], list[list[int]]]:
    """Records, files of jobs and of the store, and processes below the keeper."""
    files = [
        str(path)
        for folder in ("jobs", "objects", "unsent")
        for path in sorted((runner.data_dir / folder).glob("**/*"))
    ]
    below = [[child.pid for child in psutil.Process(keeper).children()] for keeper in keepers(runner.data_dir)]
    return runner.list(), files, below


BAD_NAMES = {
    "empty": "",
    "hyphen first": "-a",
    "hyphen last": "a-",
    "underscore": "a_b",
    "blank": "a b",
    "line feed": "name\n",
    "not ASCII": "jöb",
    "path": "../../etc",
}


@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=BAD_NAMES.keys())
def test_bad_names(runner: Runner, name: str) -> None:
    kinds = {"training": ("TrainingJobName", 63), "compilation": ("CompilationJobName", 63)}
    kinds["tuning"] = ("HyperParameterTuningJobName", 32)
    for kind, (member, longest) in kinds.items():
        rule = "letters and digits" if name else f"1 to {longest} characters"
        with refused(runner, member, rule):
            runner.submit(kind, {**getattr(requests, kind)(), member: name})
    if name:  # where one has to be given
        with refused(runner, "TrainingJobName", "letters and digits"):
            runner.train(["true"], name=name)


def test_names_that_are_too_long(runner: Runner) -> None:
    with refused(runner, "TrainingJobName", "1 to 63 characters, not 64"):
        runner.train(["true"], name="n" * 64)
    with refused(runner, "HyperParameterTuningJobName", "1 to 32 characters, not 33"):
        runner.tune(["true"], name="n" * 33, **SEARCH)
    with refused(runner, "CompilationJobName", "1 to 63 characters, not 64"):
        runner.compile("s3://bucket/model.tar.gz", framework="xgboost", name="n" * 64)


def test_inputs_are_not_stored_for_a_job_that_is_refused(runner: Runner, home: Path) -> None:
    (home / "data").write_text("x")
    with refused(runner, "TrainingJobName", "letters and digits"):
        runner.train(["true"], name="bad_name", inputs={"train": home / "data"})
    with refused(runner, "TrainingJobName", "letters and digits"):
        runner.train(["true"], name="../up", inputs={"train": home / "data"})
    with refused(runner, "HyperParameterTuningJobName", "1 to 32 characters"):
        runner.tune(["true"], name="n" * 33, inputs={"train": home / "data"}, **SEARCH)
    with refused(runner, "InputConfig.Framework", "must be one of"):
        runner.compile(home / "data", framework="cobol")
    with refused(runner, "StoppingCondition.MaxRuntimeInSeconds", "1"):
        runner.train(["true"], inputs={"train": home / "data"}, max_runtime=0)
    with refused(runner, "InputDataConfig[0].ChannelName", "must be 1 to 64"):
        runner.train(["true"], inputs={"no/such": home / "data"})
    with refused(runner, "inputs.second", "must be"):
        runner.train(["true"], inputs={"first": home / "data", "second": home / "nothing-here"})


def test_a_name_in_use_leaves_the_inputs_of_the_first(runner: Runner, home: Path) -> None:
    (home / "data").write_text("of the first")
    runner.train(["true"], name="taken", inputs={"train": home / "data"}).wait(PATIENCE)
    before = everything(runner)
    (home / "data").write_text("of the second")
    with pytest.raises(NameInUse, match="taken"):
        runner.train(["true"], name="taken", inputs={"train": home / "data"})
    assert everything(runner) == before
    stored = runner.data_dir / "objects/runner-inputs/taken/train/data"
    assert stored.read_text() == "of the first"


MISSING = {
    "training": ["TrainingJobName", "RoleArn", "OutputDataConfig"],
    "compilation": ["CompilationJobName", "RoleArn", "InputConfig", "OutputConfig", "StoppingCondition"],
    "tuning": ["HyperParameterTuningJobName", "HyperParameterTuningJobConfig", "TrainingJobDefinition"],
}


@pytest.mark.parametrize(("kind", "member"), [(kind, member) for kind in MISSING for member in MISSING[kind]])
def test_missing_members(runner: Runner, kind: str, member: str) -> None:
    request = getattr(requests, kind)(**{member: None})
    with refused(runner, member, "required"):
        runner.submit(kind, request)


def test_requests_that_are_none(runner: Runner) -> None:
    with refused(runner, "kind", "must be one of compilation, training, tuning, not 'transform'"):
        runner.submit("transform", requests.training())
    nothing: list[Any] = [[], "text", None]
    for request in nothing:
        with refused(runner, "request", "must be"):
            runner.submit("training", request)
    with refused(runner, "command", "must be a list of words"):
        runner.train("python train.py")
    with refused(runner, "command", "must be a list of words"):
        runner.train([])
    with refused(runner, "isolation", "must be one of pid1, plain, docker, not 'chroot'"):
        runner.train(["true"], isolation="chroot")
    with refused(runner, "cwd", "must be a folder that exists"):
        runner.train(["true"], cwd="/no/such/folder")
    with refused(runner, "ranges.x", "must be (lowest, highest) or a list of values"):
        runner.tune(["true"], **(SEARCH | {"ranges": {"x": (1, 2, 3)}}))


BAD_GRACES = {
    "negative": -0.001,
    "nan": math.nan,
    "inf": math.inf,
    "minus inf": -math.inf,
    "over a day": 86_400.001,
    "text": "5",
    "true": True,
    "list": [5],
}
RULES = ("must be from 0 to 86,400 seconds, not ", "must be a number of seconds, not ")


@pytest.mark.parametrize("grace", BAD_GRACES.values(), ids=BAD_GRACES.keys())
def test_graces_that_cannot_be_kept(runner: Runner, grace: Any) -> None:
    rule = RULES[not isinstance(grace, float)]
    with refused(runner, "grace", rule):
        runner.train(["true"], grace=grace)
    with refused(runner, "grace", rule):
        runner.tune(["true"], grace=grace, **SEARCH)
    with refused(runner, "grace", rule):
        runner.compile("s3://bucket/model.tar.gz", framework="xgboost", grace=grace)


@pytest.mark.parametrize("grace", ["-1", "nan", "inf", "86401", "soon", ""])
def test_graces_in_tags(runner: Runner, grace: str) -> None:
    with refused(runner, "Tags.runner:grace-seconds", "must be"):
        runner.submit("training", requests.training(Tags=requests.tag("runner:grace-seconds", grace)))


@pytest.mark.parametrize("grace", [0, 0.0, 1e-9, 86_400])
def test_graces_that_can_be_kept(runner: Runner, grace: float) -> None:
    job = runner.train(["true"], grace=grace)
    job.wait(PATIENCE)
    assert job.summary()["grace"] == grace


@pytest.mark.parametrize("grace", BAD_GRACES.values(), ids=BAD_GRACES.keys())
def test_a_stop_with_a_bad_grace_stops_nothing(runner: Runner, grace: Any) -> None:
    job = trainer(runner, Isolation.PLAIN)(probe("polite"), grace=5)
    with refused(runner, "grace", RULES[not isinstance(grace, float)]):
        job.stop(grace=grace)
    assert job.status == "InProgress"
    assert Trail(runner, job).facts(FactName.STOP) == []


def test_a_client_is_told_the_same(served: Served) -> None:
    runner = served.start()
    with refused(runner, "TrainingJobName", "letters and digits"):
        runner.train(["true"], name="bad_name")
    with refused(runner, "RoleArn", "required"):
        runner.submit("training", requests.training(RoleArn=None))
    job = trainer(runner, Isolation.PLAIN)(probe("polite"), grace=5)
    with refused(runner, "grace", RULES[0]):
        runner.call(runner.verbs.stop(requests_kind(job.kind), job.name, -1.0))


def requests_kind(kind: str) -> Any:
    from runner.jobs.base import Kind

    return Kind(kind)


# Data directories


def a_file(home: Path) -> Path:
    (home / "file").write_text("x")
    return home / "file"


def below_a_file(home: Path) -> Path:
    return a_file(home) / "data"


def a_broken_database(home: Path) -> Path:
    (home / "data").mkdir()
    (home / "data" / "records.sqlite").write_text("no database at all, but longer than its header")
    return home / "data"


@pytest.mark.parametrize("place", [a_file, below_a_file, a_broken_database])
def test_a_data_directory_that_cannot_be_used(home: Path, place: Callable[[Path], Path]) -> None:
    data_dir = place(home)
    before = sorted(home.glob("**/*"))
    with pytest.raises(DataDirectoryUnusable, match=str(data_dir)):
        Runner(data_dir)
    assert [path for path in sorted(home.glob("**/*")) if path.name != "lock"] == before
    ended = serve(data_dir)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"runner: {data_dir}")
    assert not list(keepers(data_dir))


def serve(data_dir: Path, program: str = "") -> subprocess.CompletedProcess[str]:
    start = ["-c", program] if program else ["-m", "runner"]
    command = [sys.executable, *start, "serve", "--data-dir", str(data_dir)]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=PATIENCE)


def test_a_data_directory_that_is_not_writable(home: Path) -> None:
    with Runner() as runner:  # imports all that a process without rights might not be allowed to read
        runner.list()
    closed = home / "closed"
    closed.mkdir(mode=0o500)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        said = "it was not refused"
        try:
            if os.geteuid() == 0:
                os.seteuid(65_534)
            Runner(closed)
        except DataDirectoryUnusable as error:
            said = str(error)
        finally:
            os.write(write, said.encode())
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        said = answer.read()
    os.waitpid(child, 0)
    assert said.startswith(f"{closed} cannot be used as a data directory: ")
    assert "Permission denied" in said
    assert os.listdir(closed) == []


# Other machines

_ELSEWHERE = """
import sys, sysconfig
sysconfig.get_config_vars()  # kept from now on: it looks for what only a Mac's Python has
sys.platform = "darwin"
from runner.cli.main import main
main()
"""
_EMBEDDED_ELSEWHERE = """
import sys
sys.platform = "darwin"
from runner import Runner, RunnerError
try:
    Runner(*sys.argv[1:])
except RunnerError as error:
    print(type(error).__name__, error)
"""


def test_a_machine_that_is_not_linux(home: Path) -> None:
    data_dir = home / "data"
    ended = serve(data_dir, _ELSEWHERE)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("runner: this machine is darwin: jobs need the Linux kernel.")
    for arguments in ([], [str(data_dir)]):
        embedded = subprocess.run(
            [sys.executable, "-c", _EMBEDDED_ELSEWHERE, *arguments],
            cwd=REPOSITORY,
            env=os.environ | {"TMPDIR": str(home / "tmp")},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert embedded.stdout.startswith("UnsupportedPlatform this machine is darwin: jobs need the Linux kernel.")
        assert embedded.stderr == ""
    assert not data_dir.exists()
    assert os.listdir(home / "tmp") == []


def test_a_kernel_that_is_too_old(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.uname()
    monkeypatch.setattr(os, "uname", lambda: os.uname_result((real[0], real[1], "4.18.0-553.el8", *real[3:])))
    from runner.errors import UnsupportedPlatform

    with pytest.raises(UnsupportedPlatform, match=r"Linux 4\.18\.0-553\.el8: jobs need 5\.4"):
        Runner(home / "data")
    assert not (home / "data").exists()
