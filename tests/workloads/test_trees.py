"""The compiler of tree ensembles as a user and a supervisor see it: real models, real C compilers, real signals."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.waiting import wait_until
from workloads.compilation.train_models import MODELS

REPOSITORY = Path(__file__).parents[2]
PATIENCE = 30.0
SMALL = "breast-cancer-xgboost"
FOREST = "wine-sklearn"
LARGE = "digits-xgboost"
TOLERANCE = 1e-6

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
needs_trees = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("treelite", "tl2cgen")),
    reason="treelite and tl2cgen are not installed (the extra `trees`)",
)


class Compilation:
    """One run of the program in a session of its own, with the folders of one job."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.model, self.config, self.result, self.output, self.tmp = (
            home / name for name in ("input/data/model", "input/config", "model", "output", "tmp")
        )
        for folder in (self.model, self.config, self.result, self.output, self.tmp):
            folder.mkdir(parents=True)
        self.log = home / "log"
        self.errors = home / "errors"
        self.process: subprocess.Popen[bytes] | None = None

    def put(self, *names: str) -> None:
        """Shipped models into the folder of the model."""
        for name in names:
            shutil.copy(MODELS / f"{name}.tar.gz", self.model)

    def configure(self, **sections: Mapping[str, Any]) -> None:
        (self.config / "compilationjobconfig.json").write_text(json.dumps(sections))

    def start(
        self, *options: str, wrapper: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        variables = {
            "SM_CHANNEL_MODEL": self.model,
            "SM_INPUT_CONFIG_DIR": self.config,
            "SM_MODEL_DIR": self.result,
            "SM_OUTPUT_DIR": self.output,
            "TMPDIR": self.tmp,
        }
        with self.log.open("wb") as log, self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [*wrapper, sys.executable, "-m", "workloads.compilation.trees", *options],
                cwd=REPOSITORY,
                env={**os.environ, **{name: str(path) for name, path in variables.items()}, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=errors,
                start_new_session=True,
            )
        return self.process

    def run(self, *options: str, within: float = PATIENCE, environment: Mapping[str, str] | None = None) -> int:
        return self.start(*options, environment=environment).wait(within)

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def text(self) -> str:
        return self.log.read_text() + self.errors.read_text()

    def wait_for(self, beginning: str) -> None:
        """A line of the log that begins so."""
        wait_until(lambda: f"\n{beginning}" in f"\n{self.log.read_text()}", within=PATIENCE, saying=self.describe)

    def wait_for_process(self, word: str) -> None:
        """A process of this run with the word in its command line."""
        wait_until(
            lambda: any(word in " ".join(_command(one)) for one in self.processes()), within=PATIENCE, saying=word
        )

    def processes(self) -> list[psutil.Process]:
        """All that live in the run's session."""
        assert self.process is not None
        return [one for one in psutil.process_iter() if _lives_in(self.process.pid, one)]

    def describe(self) -> str:
        return f"log:\n{self.text()}\nprocesses: {[_command(one) for one in self.processes()]}"

    def reason(self) -> str:
        return (self.output / "failure").read_text()

    def assert_nothing_left(self) -> None:
        wait_until(lambda: not self.processes(), within=2, saying=self.describe)
        assert list(self.tmp.iterdir()) == []
        assert list(self.result.iterdir()) == []

    def clean_up(self) -> None:
        if self.process:
            for one in self.processes():
                one.kill()
            self.process.wait(PATIENCE)
            wait_until(lambda: not self.processes(), within=PATIENCE, saying=self.describe)


def _lives_in(session: int, process: psutil.Process) -> bool:
    try:
        return os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, ProcessLookupError):
        return False


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Compilation]:
    compilation = Compilation(tmp_path)
    yield compilation
    compilation.clean_up()


def unpacked(job: Compilation) -> Path:
    assert [path.name for path in job.result.iterdir()] == ["model.tar.gz"]
    folder = job.home / "unpacked"
    with tarfile.open(job.result / "model.tar.gz", "r:gz") as archive:
        archive.extractall(folder)
    return folder


def assert_predicts_as_trained(library: Path, name: str) -> None:
    numpy = pytest.importorskip("numpy")
    tl2cgen = pytest.importorskip("tl2cgen")
    stored = numpy.load(MODELS / f"{name}.npz")
    predictor = tl2cgen.Predictor(library, nthread=1)
    rows = tl2cgen.DMatrix(stored["inputs"].astype(predictor.threshold_type))
    predicted = predictor.predict(rows).reshape(stored["predictions"].shape)
    assert numpy.abs(predicted - stored["predictions"]).max() < TOLERANCE


# ---- compiling


@needs_gcc
@needs_trees
@pytest.mark.process
@pytest.mark.parametrize(
    ("name", "framework", "features", "classes"), [(SMALL, "XGBOOST", 30, 1), (FOREST, "SKLEARN", 13, 3)]
)
def test_compiled_library_predicts_as_the_model(
    job: Compilation, name: str, framework: str, features: int, classes: int
) -> None:
    job.put(name)
    job.configure(InputConfig={"Framework": framework, "DataInputConfig": "{'data': [1, 30]}"})
    assert job.run() == 0, job.text()
    folder = unpacked(job)
    metadata = json.loads((folder / "metadata.json").read_text())
    assert metadata["framework"] == framework
    assert (metadata["num_feature"], metadata["num_target"], metadata["num_class"]) == (features, 1, [classes])
    assert_predicts_as_trained(folder / metadata["library"], name)
    assert list(job.tmp.iterdir()) == []
    assert not (job.output / "failure").exists()


@needs_gcc
@needs_trees
@pytest.mark.process
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_larger_model_compiles_and_predicts_as_the_model(job: Compilation) -> None:
    job.put(LARGE)
    assert job.run(within=280) == 0, job.text()
    assert_predicts_as_trained(unpacked(job) / "compiled.so", LARGE)


@needs_gcc
@needs_trees
@pytest.mark.process
def test_log_tells_each_step(job: Compilation) -> None:
    job.put(SMALL)
    assert job.run("--jobs", "2", "--opt-level", "0") == 0
    words = [line.split()[0] for line in job.log.read_text().splitlines()]
    assert words == ["read", "generated", "compiling", *["compiled"] * 11, "linked", "packed"]
    assert "compiled 11/11 " in job.log.read_text()
    assert job.errors.read_text() == ""


@needs_gcc
@needs_trees
@pytest.mark.process
def test_takes_the_model_file_itself_and_the_same_input_makes_the_same_bytes(job: Compilation, tmp_path: Path) -> None:
    with tarfile.open(MODELS / f"{SMALL}.tar.gz") as archive:
        archive.extractall(job.model)
    assert job.run("--opt-level", "0") == 0, job.text()
    other = tmp_path / "other"
    assert job.run("--opt-level", "0", "--input", str(MODELS / f"{SMALL}.tar.gz"), "--output", str(other)) == 0
    assert (other / "model.tar.gz").read_bytes() == (job.result / "model.tar.gz").read_bytes()


@needs_gcc
@needs_trees
@pytest.mark.process
def test_other_targets_are_noted_and_compiled_for_this_machine(job: Compilation) -> None:
    job.put(SMALL)
    options = "{'jobs': 1, 'opt-level': 0, 'mattr': ['+neon']}"
    job.configure(OutputConfig={"TargetDevice": "jetson_nano", "CompilerOptions": options})
    assert job.run() == 0, job.text()
    assert f'target "jetson_nano" is noted; the library is compiled for this machine, linux-{os.uname().machine}' in (
        job.log.read_text()
    )
    assert "-O0, 1 at once" in job.log.read_text()
    assert "not used by this compiler: mattr" in job.log.read_text()
    metadata = json.loads((unpacked(job) / "metadata.json").read_text())
    assert metadata["target"] == {"TargetDevice": "jetson_nano"}
    assert metadata["compiled_for"] == f"linux-{os.uname().machine}"


# ---- stopping


@needs_gcc
@needs_trees
@pytest.mark.process
def test_sigterm_in_mid_compile_leaves_nothing(job: Compilation) -> None:
    job.put(LARGE)
    job.start("--jobs", "2")
    job.wait_for("compiled 1/33")
    job.wait_for_process("cc1")
    assert job.stop() == 143
    assert job.log.read_text().splitlines()[-1].startswith("SIGTERM: ended ")
    job.assert_nothing_left()


@needs_gcc
@needs_trees
@pytest.mark.process
def test_sigterm_as_pid_1_leaves_nothing(job: Compilation) -> None:
    wrapper = ["unshare", "--fork", "--pid", "--mount-proc"]
    if os.getuid():
        wrapper += ["--user", "--map-root-user"]
    if shutil.which("unshare") is None or subprocess.run([*wrapper, "true"], capture_output=True).returncode:
        pytest.skip("this machine does not allow a PID namespace by unshare")
    job.put(LARGE)
    job.start("--jobs", "2", wrapper=wrapper)
    job.wait_for("compiled 1/33")
    (main,) = psutil.Process(job.process.pid if job.process else 0).children()
    assert Path(f"/proc/{main.pid}/status").read_text().split("NSpid:")[1].splitlines()[0].split()[-1] == "1"
    main.send_signal(signal.SIGTERM)
    assert job.process is not None
    assert job.process.wait(PATIENCE) == 143
    job.assert_nothing_left()


@needs_gcc
@needs_trees
@pytest.mark.process
def test_sigterm_while_the_code_is_generated(job: Compilation) -> None:
    job.put(LARGE)
    job.start()
    job.wait_for_process("generate.py")
    assert job.stop() == 143
    job.assert_nothing_left()


def hanging_linker(folder: Path) -> Path:
    """gcc, but it starts a process that lasts when it is to link."""
    wrapper = folder / "gcc-that-hangs"
    wrapper.write_text('#!/bin/sh\ncase "$*" in *-shared*) sleep 1000 ;; esac\nexec gcc "$@"\n')
    wrapper.chmod(0o755)
    return wrapper


@needs_gcc
@needs_trees
@pytest.mark.process
def test_sigterm_while_linking_ends_what_the_compiler_started_too(job: Compilation, tmp_path: Path) -> None:
    job.put(FOREST)
    job.start("--opt-level", "0", environment={"CC": str(hanging_linker(tmp_path))})
    job.wait_for_process("sleep 1000")
    assert job.stop() == 143
    job.assert_nothing_left()


@pytest.mark.process
def test_sigterm_during_the_imports_is_not_lost(job: Compilation, tmp_path: Path) -> None:
    reached = tmp_path / "reached"
    (tmp_path / "tarfile.py").write_text(
        f"import select\nopen({str(reached)!r}, 'x').close()\nwhile True:\n    select.select([], [], [], 0.05)\n"
    )
    job.start(environment={"PYTHONPATH": str(tmp_path)})
    wait_until(reached.exists, within=PATIENCE, saying=job.describe)
    assert job.stop() == 143
    job.assert_nothing_left()


PACKING = """
import sys
from pathlib import Path
from workloads.compilation.packing import pack
from workloads.compilation.stopping import Belongings
belongings = Belongings()
belongings.install()
pack({"metadata.json": b"{}", "compiled.so": Path(sys.argv[1])}, Path(sys.argv[2]), belongings)
"""


@pytest.mark.process
def test_sigterm_while_packing_leaves_no_partial_output(tmp_path: Path) -> None:
    library, result = tmp_path / "library", tmp_path / "result"
    os.mkfifo(library)  # nobody writes it, so the packing does not get on
    with subprocess.Popen([sys.executable, "-c", PACKING, str(library), str(result)], cwd=REPOSITORY) as process:
        try:
            wait_until(lambda: result.exists() and list(result.iterdir()), within=PATIENCE, saying="nothing is packed")
            assert not (result / "model.tar.gz").exists()
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 143
        finally:
            process.kill()
    assert list(result.iterdir()) == []


@needs_gcc
@needs_trees
@pytest.mark.process
def test_an_earlier_result_survives_a_stop(job: Compilation) -> None:
    (job.result / "model.tar.gz").write_bytes(b"earlier")
    job.put(LARGE)
    job.start()
    job.wait_for("compiled 1/33")
    assert job.stop() == 143
    assert {path.name: path.read_bytes() for path in job.result.iterdir()} == {"model.tar.gz": b"earlier"}


@needs_gcc
@needs_trees
@pytest.mark.process
def test_no_handler_dies_of_sigterm_and_leaves_its_folder(job: Compilation) -> None:
    job.put(LARGE)
    job.start("--no-handler", "--jobs", "1")
    job.wait_for("compiled 1/33")
    assert job.stop() == -signal.SIGTERM
    assert list(job.tmp.iterdir())
    assert list(job.result.iterdir()) == []


WRITING = """
import sys, signal
from pathlib import Path
from workloads.compilation.stopping import Belongings, say
belongings, partial = Belongings(), Path(sys.argv[1])
belongings.install()
with belongings.folder("trees-") as work, belongings.file(partial):
    (work / "model").write_bytes(b"half")
    partial.write_bytes(b"half")
    with belongings.shield():
        signal.raise_signal(signal.SIGTERM)
        say("shielded")
    say("not reached")
"""


@pytest.mark.process
def test_a_half_written_result_is_removed_and_a_shield_puts_the_signal_off(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    ended = subprocess.run(
        [sys.executable, "-c", WRITING, str(tmp_path / "partial")],
        cwd=REPOSITORY,
        env={**os.environ, "TMPDIR": str(tmp_path / "tmp")},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert ended.returncode == 143, ended.stderr
    assert ended.stdout == "shielded\nSIGTERM: ended 0 running children, removed all temporary files\n"
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == ["tmp"]


# ---- bad input


def assert_fails(job: Compilation, reason: str, *options: str, **environment: str) -> None:
    assert job.run(*options, environment=environment) == 1, job.text()
    assert reason in job.reason()
    assert job.errors.read_text().endswith(f"{job.reason()}\n")
    job.assert_nothing_left()


@pytest.mark.process
def test_missing_compiler(job: Compilation) -> None:
    job.put(SMALL)
    assert_fails(job, "ServerError: there is no C compiler: none of gcc, cc, clang is on PATH", PATH=str(job.tmp))
    assert job.errors.read_text().count("\n") == 1


@needs_gcc
@needs_trees
@pytest.mark.process
def test_failing_compiler(job: Compilation) -> None:
    job.put(SMALL)
    assert_fails(job, "ServerError: main.c was not built: ", "--jobs", "1", CC="false")


@needs_gcc
@pytest.mark.process
def test_missing_library(job: Compilation, tmp_path: Path) -> None:
    (tmp_path / "treelite.py").write_text("raise ModuleNotFoundError('', name='treelite')\n")
    job.put(SMALL)
    assert_fails(
        job,
        "ServerError: the library treelite is not installed: pip install 'grace-runner[trees]'",
        PYTHONPATH=str(tmp_path),
    )


def archive_of(**members: bytes) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return written.getvalue()


@needs_gcc
@needs_trees
@pytest.mark.process
@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("m.json", b"{}", "m.json is not a XGBOOST model: "),
        ("m.json", b'{"learner": ', "m.json is not a XGBOOST model: "),
        ("xgboost-model", b"no model", "xgboost-model is not a XGBOOST model: "),
        ("m.tl", b"no checkpoint", "m.tl is not a SKLEARN model: "),
        ("m.tl", b"", "m.tl is not a SKLEARN model: "),
    ],
    ids=["other-json", "cut-json", "not-json", "not-treelite", "empty"],
)
def test_broken_model(job: Compilation, name: str, content: bytes, reason: str) -> None:
    (job.model / name).write_bytes(content)
    assert_fails(job, f"ClientError: InputConfiguration: {reason}")


@needs_gcc
@pytest.mark.process
@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "no model (.json .ubj .model .bst .tl) among the files: none"),
        ({"readme.txt": b""}, "no model (.json .ubj .model .bst .tl) among the files: readme.txt"),
        ({"a.json": b"", "b.tl": b""}, "one model is expected, not a.json, b.tl"),
        ({"a.tar.gz": b"", "b.tar.gz": b""}, "one .tar.gz is expected, not a.tar.gz, b.tar.gz"),
        ({"m.pkl": pickle.dumps(print)}, "m.pkl is a pickle, which could run any code and is not opened"),
        ({"m.tar.gz": archive_of(**{"m.joblib": b""})}, "m.joblib is a pickle"),
        ({"m.tar.gz": b"not compressed"}, "m.tar.gz is not a whole .tar.gz: "),
        ({"m.tar.gz": archive_of(a=os.urandom(9999))[:5000]}, "m.tar.gz is not a whole .tar.gz: "),
    ],
    ids=["none", "other", "two", "two-archives", "pickle", "pickle-in-archive", "not-gzip", "cut"],
)
def test_no_single_model(job: Compilation, files: Mapping[str, bytes], reason: str) -> None:
    for name, content in files.items():
        (job.model / name).write_bytes(content)
    assert_fails(job, f"ClientError: InputConfiguration: {reason}")


def outside(info: tarfile.TarInfo) -> None:
    info.name = "../../../outside"


def absolute(info: tarfile.TarInfo) -> None:
    info.name = "/outside"


def link(info: tarfile.TarInfo) -> None:
    info.type, info.linkname = tarfile.SYMTYPE, "../../outside"


def pipe(info: tarfile.TarInfo) -> None:
    info.type = tarfile.FIFOTYPE


@needs_gcc
@pytest.mark.process
@pytest.mark.parametrize("spoil", [outside, absolute, link, pipe])
def test_unsafe_archive(job: Compilation, spoil: Callable[[tarfile.TarInfo], None]) -> None:
    info = tarfile.TarInfo("m.json")
    spoil(info)
    with tarfile.open(job.model / "m.tar.gz", "w:gz") as archive:
        archive.addfile(info)
    assert_fails(job, "ClientError: InputConfiguration: m.tar.gz is unsafe: ")
    assert list(job.home.rglob("outside")) == []


@needs_gcc
@pytest.mark.process
@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"InputConfig": {"Framework": "TENSORFLOW"}}, "Framework TENSORFLOW is not compiled here"),
        ({"InputConfig": {"Framework": "SKLEARN"}}, "no SKLEARN model (.tl) among the files: breast-cancer.json"),
        ({"InputConfig": "x"}, "InputConfig is not a JSON object"),
        ({"OutputConfig": {"CompilerOptions": "{'jobs': 0}"}}, "CompilerOptions: jobs is a whole number of 1 or more"),
        ({"OutputConfig": {"CompilerOptions": '{"opt-level": 9}'}}, "CompilerOptions: opt-level is one of 0, 1, 2, 3"),
    ],
)
def test_bad_configuration(job: Compilation, config: Mapping[str, Any], reason: str) -> None:
    job.put(SMALL)
    job.configure(**config)
    assert_fails(job, f"ClientError: InputConfiguration: {reason}")


@pytest.mark.process
def test_wrong_usage(job: Compilation) -> None:
    assert job.run("--jobs", "0") == 2
    assert "must be 1 or more" in job.errors.read_text()
