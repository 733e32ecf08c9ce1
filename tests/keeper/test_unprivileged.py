"""The same without root: `pid1` by a user namespace, `plain`, and a machine that refuses `pid1`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests import leftovers

NOBODY = 65534
ROOT = Path(__file__).parent.parent.parent
COPIED = ("runner", "workloads/probes", "workloads/__init__.py", "tests/__init__.py", "tests/waiting.py")
COPIED_KEEPER = ("tests/keeper/bench.py", "tests/keeper/unprivileged.py")
MASKED = 'mount --make-rprivate / && mount --bind /dev/null /proc/version && exec "$@"'
"""As container engines do it: the kernel then refuses everybody without privileges a /proc of their own."""


def become_nobody() -> list[str]:
    """A prefix for commands."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("no setpriv on this machine")
    # With `env` after it: setpriv itself still has the privileges to execute what nobody else may.
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "env"]


class Stranger:
    """A user without privileges, with a copy of the package and an interpreter that both may be used by all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source = folder / "source"
        for name in (*COPIED, *COPIED_KEEPER):
            target = self.source / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, target)
        self.data = folder / "data"
        self.data.mkdir()
        if os.geteuid() == 0:
            os.chown(self.data, NOBODY, NOBODY)
        self.python = self._python()

    def _python(self) -> str:
        for python in (sys.executable, shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin")):
            if python is None:
                continue
            check = "import sys; sys.exit(sys.version_info < (3, 11))"
            command = [*become_nobody(), python, "-c", check]
            if subprocess.run(command, capture_output=True, cwd="/").returncode == 0:
                return python
        pytest.skip("no Python 3.11 that a user without privileges may execute")

    def probe(self, name: str, *arguments: object) -> list[str]:
        return [self.python, "-I", "-S", str(self.source / "workloads" / "probes"), name, *map(str, arguments)]

    def run(self, jobs: Sequence[dict[str, Any]], *, prefix: Sequence[str] = ()) -> dict[str, Any]:
        """Run jobs one after the other; `prefix` is put before the change of the user."""
        command = [self.python, "-m", "tests.keeper.unprivileged", str(self.data), json.dumps(jobs)]
        done = subprocess.run(
            [*prefix, *become_nobody(), *command],
            capture_output=True,
            text=True,
            cwd=self.source,
            env={"PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"},
            timeout=30,
        )
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        assert answer["user"] != 0
        return answer


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    # Not below pytest's own folder, which is closed to other users.
    folder = Path(tempfile.mkdtemp(prefix="runner-test-", dir="/tmp"))
    folder.chmod(0o755)
    before = leftovers.observe(folder)
    try:
        yield Stranger(folder)
        leftovers.assert_nothing_left(before)
    finally:
        shutil.rmtree(folder)


def only(job: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (fact for fact in job["facts"] if fact["fact"] == name)
    result: dict[str, Any] = found
    return result


@pytest.mark.parametrize("isolation", ["pid1", "plain"])
def test_stops_of_a_user_without_privileges(stranger: Stranger, isolation: str) -> None:
    def job(*command: object, **members: object) -> dict[str, Any]:
        return {"argv": stranger.probe(str(command[0]), *command[1:]), "isolation": isolation, **members}

    answer = stranger.run(
        [
            job("polite", grace=30),
            job("deaf", grace=0.3),
            job("no-handler", grace=0.2),
            job("slow", 0.05, 3, grace=30),
            job("leaves-child", 2, grace=30),
            job("exit", 255),
            job("dies", "SIGKILL", grace=0.2),
            {"argv": ["/nonexistent/program"], "isolation": isolation, "ready": None},
        ]
    )
    assert "refusal" not in answer
    assert answer["default"] == "pid1"
    polite, deaf, deaf_by_default, slow, leaving, code, dying, missing = answer["jobs"]
    assert only(polite, "ended")["code"] == 0
    assert only(deaf, "ended")["killer"] == "runner"
    assert (only(deaf, "kill")["t"] - only(deaf, "signal")["t"]) / 1e9 >= 0.3
    assert only(deaf_by_default, "signal")["outcome"] == ("sent" if isolation == "pid1" else "withheld")
    assert only(deaf_by_default, "ended")["signal"] == "SIGKILL"
    assert only(slow, "ended")["code"] == 3
    assert len(only(leaving, "left-over")["processes"]) == 2
    assert only(code, "ended")["code"] == 255
    assert only(dying, "ended")["killer"] == ("runner" if isolation == "pid1" else "other")
    assert only(missing, "not-executed")["code"] == 127
    assert all(only(job, "launch")["isolation"] == isolation for job in answer["jobs"])


@pytest.mark.parametrize("isolation", ["pid1", "plain"])
def test_files_of_a_user_without_privileges(stranger: Stranger, isolation: str) -> None:
    model = stranger.data / "model"
    model.mkdir()
    if os.geteuid() == 0:
        os.chown(model, NOBODY, NOBODY)
    # The shell ignores SIGTERM as its child does, which has the file open.
    script = (
        """trap '' TERM; cd "$0"; echo 1 > a.tmp; mv a.tmp a; exec 3> open; echo 22 >&3; echo ready; exec sleep 60"""
    )
    argv = ["sh", "-c", script, str(model)]
    answer = stranger.run([{"argv": argv, "isolation": isolation, "watched": [str(model)], "grace": 0.3}])
    files = {fact["moment"]: fact for fact in answer["jobs"][0]["facts"] if fact["fact"] == "files"}
    assert [(save["path"], save["to"]) for save in files["stop"]["saves"]] == [(f"{model}/a.tmp", f"{model}/a")]
    (cut,) = files["kill"]["open"]
    assert (cut["path"], cut["size"]) == (f"{model}/open", 3)
    assert cut["writer"]["pid"] == only(answer["jobs"][0], "started")["pid"]
    assert not files["end"]["missed"]


def test_who_a_program_is_in_a_user_namespace(stranger: Stranger) -> None:
    """The same user as outside: mapped to root, `tar` would fail to give files away."""
    script = "echo ready; id -u; id -g; grep CapEff /proc/self/status; ls /opt/ml; echo x > /opt/ml/model"
    answer = stranger.run([{"argv": ["sh", "-c", script], "isolation": "pid1"}])
    user = str(answer["user"])
    assert answer["jobs"][0]["log"].split()[:5] == ["ready", user, user, "CapEff:", "0" * 16]
    assert only(answer["jobs"][0], "ended")["code"] == 0
    model = stranger.data / "jobs" / "job-0" / "ml" / "model"
    assert (model.read_text(), model.stat().st_uid) == ("x\n", answer["user"])


@pytest.mark.parametrize(
    "target", ["/opt/runner-test/x", "/dev/runner-test/x", "/runner-test-nowhere/x"], ids=lambda path: path[1:4]
)
def test_a_missing_target_without_privileges(stranger: Stranger, target: str) -> None:
    source = stranger.folder / "shown"
    source.mkdir()
    (source / "there").write_text("it is there\n")
    script = "echo ready; cat $0/there; ls / | wc -l; echo > /dev/null"
    job = {"argv": ["sh", "-c", script, target], "isolation": "pid1", "mounts": [[str(source), target]]}
    (result,) = stranger.run([job])["jobs"]
    assert only(result, "ended")["code"] == 0, result
    assert result["log"].splitlines()[1] == "it is there"
    assert int(result["log"].splitlines()[2]) >= len([name for name in os.listdir("/") if name[0] != "."])
    assert not os.path.exists(target)


def test_a_machine_that_refuses_pid1(stranger: Stranger) -> None:
    if shutil.which("unshare") is None:
        pytest.skip("no unshare on this machine")
    namespaces = ["--mount"] if os.geteuid() == 0 else ["--user", "--map-current-user", "--keep-caps", "--mount"]
    prefix = ["unshare", *namespaces, "sh", "-c", MASKED, "masked"]
    answer = stranger.run([{"argv": stranger.probe("polite"), "isolation": "plain", "grace": 30}], prefix=prefix)
    assert answer["refusal"].startswith("pid1 does not work on this machine: ")
    assert "mount proc on /proc: Operation not permitted" in answer["refusal"]
    assert answer["default"] == "plain"
    assert only(answer["jobs"][0], "ended")["code"] == 0
