"""runner.toml and the default data directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner import settings
from runner.errors import InvalidRequest
from runner.lifecycle.stops import LONGEST_GRACE
from runner.settings import Durability, Settings

EVERYTHING = """
[server]
region = "eu-central-1"
account = "210987654321"
unbuffered = false

[grace]
compilation = 1
training = 2.5
tuning = 0

[images."registry/name:1"]
command = ["python", "train.py"]

[compilers.xgboost]
command = ["compile"]

[storage]
durability = "full"
"""


def test_every_setting() -> None:
    assert settings.parse(EVERYTHING) == Settings(
        region="eu-central-1",
        account="210987654321",
        unbuffered=False,
        grace={"compilation": 1.0, "training": 2.5, "tuning": 0.0},
        images={"registry/name:1": ["python", "train.py"]},
        compilers={"XGBOOST": ["compile"]},
        durability=Durability.FULL,
    )


def test_every_setting_has_a_default() -> None:
    assert settings.parse("") == Settings()


def test_the_text_of_the_module_is_a_valid_file() -> None:
    example = [line for line in (settings.__doc__ or "").splitlines() if line.startswith("    ")]
    read = settings.parse("\n".join(example))
    assert (read.durability, read.grace["training"], read.images["NAME"]) == (
        Durability.NORMAL,
        120.0,
        ["python", "train.py"],
    )


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("x = 1", "x"),
        ("[sever]\nregion = 'us-east-1'", "sever"),
        ("[server]\nregoin = 'us-east-1'", "server.regoin"),
        ("[server]\nregion = 'us east'", "server.region"),
        ("[server]\naccount = 123456789012", "server.account"),
        ("[server]\nunbuffered = 'yes'", "server.unbuffered"),
        ("server = 1", "server"),
        ("[grace]\ntrainig = 5", "grace.trainig"),
        ("[grace]\ntraining = -1", "grace.training"),
        ("[grace]\ntraining = nan", "grace.training"),
        ("[grace]\ntraining = 86401", "grace.training"),
        ("[grace]\ntraining = true", "grace.training"),
        ("[grace]\ntraining = '5'", "grace.training"),
        ("[images.x]", 'images."x".command'),
        ("[images.x]\ncommand = 'python'", 'images."x".command'),
        ("[images.x]\ncommand = []", 'images."x".command'),
        ("[images.x]\ncommand = [1]", 'images."x".command'),
        ('[images.x]\ncommand = ["a\\u0000"]', 'images."x".command'),
        ("[images.x]\ncontainer = true", 'images."x".container'),
        ("[images]\nx = ['python']", 'images."x"'),
        ("[storage]\ndurability = 'most'", "storage.durability"),
        ('[server.faults."training.ended"]\nmessage = "{nme} has ended"', 'server.faults."training.ended".message'),
        ('[server.faults."training.not-found"]\nmessage = "{arn}"', 'server.faults."training.not-found".message'),
        ('[server.faults."tuning.no-metric"]\nmessage = "{}"', 'server.faults."tuning.no-metric".message'),
    ],
)
def test_what_is_wrong_is_named(text: str, field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        settings.parse(text)
    assert refused.value.field == field


def test_a_placeholder_that_is_not_known_is_refused_with_those_that_are() -> None:
    with pytest.raises(InvalidRequest) as refused:
        settings.parse('[server.faults."training.ended"]\nmessage = "{name} {nme}"')
    assert refused.value.rule == "must have no other placeholders than {name}, {status}, not {nme}"


@pytest.mark.parametrize("message", ["{name} is in status {status}", '{"json": true}', "{ name }", "a } and a {"])
def test_texts_of_faults(message: str) -> None:
    found = settings.parse(f"[server.faults.'training.ended']\nmessage = '{message}'")
    assert found.faults == {"training.ended": {"message": message}}


def test_the_grace_has_the_rule_of_the_stop() -> None:
    assert settings.parse(f"[grace]\ntraining = {LONGEST_GRACE}").grace == {"training": LONGEST_GRACE}


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "runner.toml"
    path.write_text(EVERYTHING)
    assert settings.read(path).region == "eu-central-1"


@pytest.mark.parametrize(
    ("content", "rule"),
    [(None, "can be read"), (b"\xff", "UTF-8"), (b"[grace", "must be TOML"), (b"a = 1\na = 2", "TOML")],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None, rule: str) -> None:
    path = tmp_path / "runner.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidRequest, match=rule) as refused:
        settings.read(path)
    assert refused.value.field == str(path)


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"RUNNER_DATA_DIR": "/data", "XDG_STATE_HOME": "/state", "HOME": "/home/me"}, "/data"),
        ({"XDG_STATE_HOME": "/state", "HOME": "/home/me"}, "/state/grace-runner"),
        ({"XDG_STATE_HOME": "state", "HOME": "/home/me"}, "/home/me/.local/state/grace-runner"),
        ({"RUNNER_DATA_DIR": "", "HOME": "/home/me"}, "/home/me/.local/state/grace-runner"),
    ],
)
def test_the_default_data_directory(environment: dict[str, str], folder: str) -> None:
    assert settings.data_dir(environment) == Path(folder)


def test_a_relative_data_directory_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert settings.data_dir({"RUNNER_DATA_DIR": "data"}) == tmp_path / "data"
