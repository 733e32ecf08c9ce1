"""`runner.toml` and the environment variables of this package.

    [server]
    region = "us-east-1"         # of ARNs, and AWS_REGION of jobs, unless a request's signature says another
    account = "123456789012"     # of ARNs
    unbuffered = true            # PYTHONUNBUFFERED=1 for jobs, as AWS's own images have it
    allowed_hosts = []           # names besides localhost by which the endpoint may be called

    [server.faults."training.stopping"]   # how the endpoint answers, where what AWS does is assumed (docs/endpoint.md)
    code = "ValidationException"
    message = "The request was rejected because the training job is in status Stopping."

    [grace]                      # seconds from SIGTERM to SIGKILL, 0 to 86400, where a job's tags say nothing
    compilation = 120
    training = 120
    tuning = 120

    [images."NAME"]              # what runs in place of a TrainingImage
    command = ["python", "train.py"]

    [compilers.FRAMEWORK]        # what compiles models of a framework (XGBOOST, ONNX, …)
    command = ["my-compiler"]

    [storage]
    durability = "normal"        # "full": also a loss of power loses nothing, and every change waits for the disk

Every setting has a default, and a file need not exist. A setting that is not known is an error.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from enum import Enum, unique
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from runner.errors import InvalidRequest

DATA_DIR_VARIABLE = "RUNNER_DATA_DIR"
JOB_TYPES = ("compilation", "training", "tuning")
FAULTS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "not-found": ("name",),
        "ended": ("name", "status"),
        "stopping": ("name", "status"),
        "name-in-use": ("name", "arn"),
        "not-ended": ("name", "status"),
        "no-metric": ("name",),
        "few-combinations": ("name", "found", "most"),
        "no-package": ("name", "arn"),
    }
)
"""What `[server.faults]` may change, of each job type, and what may stand in braces in the text of each: that of the
job, or of the request. The last three only one type has."""
_PLACEHOLDER = re.compile(r"\{(\w*)\}")
_HOST = r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?"
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_LONGEST_GRACE = 86_400
"""The same rule as `lifecycle.stops.check_grace`, which this room may not import."""


@unique
class Durability(Enum):
    """What survives what."""

    NORMAL = "normal"
    """Everything survives the death of every process of ours; a loss of power may lose the last second."""
    FULL = "full"
    """Everything survives a loss of power too."""


class Settings(NamedTuple):
    """All settings, with their defaults."""

    region: str = "us-east-1"
    account: str = "123456789012"
    unbuffered: bool = True
    allowed_hosts: Sequence[str] = ()
    """Names besides those of the loopback by which the endpoint may be called."""
    faults: Mapping[str, Mapping[str, str]] = _NOTHING
    """`<job type>.<what>` -> `code` and `message`, in place of the endpoint's own (`wire.faults`)."""
    grace: Mapping[str, float] = _NOTHING
    """Seconds by job type (`JOB_TYPES`); those that are not set are not there."""
    images: Mapping[str, Sequence[str]] = _NOTHING
    """TrainingImage -> local command."""
    compilers: Mapping[str, Sequence[str]] = _NOTHING
    """Framework -> local command."""
    durability: Durability = Durability.NORMAL


def read(path: Path) -> Settings:
    """The settings in a file. Raises InvalidRequest naming the setting, or the file if it cannot be read."""
    try:
        text = path.read_bytes().decode()
    except OSError as failed:
        raise InvalidRequest(str(path), f"must be a file that can be read: {failed.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidRequest(str(path), "must be UTF-8") from None
    import tomllib

    try:
        return parse(text)
    except tomllib.TOMLDecodeError as broken:
        raise InvalidRequest(str(path), f"must be TOML: {broken}") from None


def parse(text: str) -> Settings:
    """The settings in a text. Raises InvalidRequest naming the setting, or tomllib.TOMLDecodeError."""
    import tomllib  # only who has a file of settings pays for it

    tables = tomllib.loads(text)
    _check_known("", tables, ("server", "grace", "images", "compilers", "storage"))
    server, grace, storage = (_table(name, tables.get(name, {})) for name in ("server", "grace", "storage"))
    _check_known("server", server, ("region", "account", "unbuffered", "allowed_hosts", "faults"))
    _check_known("grace", grace, JOB_TYPES)
    _check_known("storage", storage, ("durability",))
    default = Settings()
    return Settings(
        region=_region(server.get("region", default.region)),
        account=_account(server.get("account", default.account)),
        unbuffered=_truth("server.unbuffered", server.get("unbuffered", default.unbuffered)),
        allowed_hosts=_hosts("server.allowed_hosts", server.get("allowed_hosts", [])),
        faults=_faults("server.faults", server.get("faults", {})),
        grace={name: _seconds(f"grace.{name}", value) for name, value in grace.items()},
        images=_commands("images", tables.get("images", {})),
        compilers=_commands("compilers", tables.get("compilers", {}), str.upper),
        durability=_durability(storage.get("durability", default.durability.value)),
    )


def data_dir(environment: Mapping[str, str] = os.environ) -> Path:
    """The data directory where none is named: RUNNER_DATA_DIR, else `grace-runner` in the XDG state directory.

    "All paths set in these environment variables must be absolute. If [it] encounters a relative path […] it
    should consider the path invalid and ignore it" (XDG Base Directory Specification).
    """
    if named := environment.get(DATA_DIR_VARIABLE):
        return Path(named).absolute()
    state = Path(environment.get("XDG_STATE_HOME", ""))
    if state.is_absolute():
        return state / "grace-runner"
    home = environment.get("HOME") or os.path.expanduser("~")
    if not os.path.isabs(home):
        raise InvalidRequest(DATA_DIR_VARIABLE, "must be set where there is no home directory")
    return Path(home) / ".local" / "state" / "grace-runner"


def _check_known(table: str, found: Mapping[str, Any], known: Sequence[str]) -> None:
    for name in found:
        if name not in known:
            raise InvalidRequest(f"{table}.{name}" if table else name, f"is no setting; there are {', '.join(known)}")


def _table(name: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidRequest(name, f"must be a table ([{name}]), not {value!r}")
    return value


def _region(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", value):
        raise InvalidRequest("server.region", f"must be a region such as 'us-east-1', not {value!r}")
    return value


def _account(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch("[0-9]{12}", value):
        raise InvalidRequest("server.account", f"must be a string of 12 digits, not {value!r}")
    return value


def _truth(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidRequest(name, f"must be true or false, not {value!r}")
    return value


def _hosts(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(host, str) and re.fullmatch(_HOST, host) for host in value):
        raise InvalidRequest(name, f"must be a list of host names without a port, not {value!r}")
    return tuple(host.lower() for host in value)


def _faults(table: str, found: object) -> dict[str, dict[str, str]]:
    faults = {}
    for name, value in _table(table, found).items():
        path = f'{table}."{name}"'
        kind, _, what = name.partition(".")
        if kind not in JOB_TYPES or what not in FAULTS:
            known = f"<{'|'.join(JOB_TYPES)}>.<{'|'.join(FAULTS)}>"
            raise InvalidRequest(path, f"is no fault; there are {known}")
        entry = _table(path, value)
        _check_known(path, entry, ("code", "message"))
        for member, text in entry.items():
            if not isinstance(text, str) or not text:
                raise InvalidRequest(f"{path}.{member}", f"must be a text, not {text!r}")
        _check_placeholders(f"{path}.message", entry.get("message", ""), FAULTS[what])
        if what == "stopping" and len(entry) < 2:
            raise InvalidRequest(path, "must have code and message: without it such a stop is accepted")
        faults[name] = entry
    return faults


def _check_placeholders(path: str, message: str, known: Sequence[str]) -> None:
    for name in _PLACEHOLDER.findall(message):
        if name not in known:
            there_are = ", ".join(f"{{{one}}}" for one in known)
            raise InvalidRequest(path, f"must have no other placeholders than {there_are}, not {{{name}}}")


def _seconds(name: str, value: object) -> float:
    # Written so that NaN, which TOML can spell, is refused.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LONGEST_GRACE:
        raise InvalidRequest(name, f"must be a number of seconds from 0 to {_LONGEST_GRACE:,}, not {value!r}")
    return float(value)


def _commands(table: str, found: object, spelt: Callable[[str], str] = str) -> dict[str, list[str]]:
    commands = {}
    for name, value in _table(table, found).items():
        path = f'{table}."{name}"'
        entry = _table(path, value)
        _check_known(path, entry, ("command",))
        command = entry.get("command")
        if not isinstance(command, list) or not command or not all(_is_word(word) for word in command):
            raise InvalidRequest(f"{path}.command", f"must be a list of strings, at least one, not {command!r}")
        commands[spelt(name)] = command
    return commands


def _is_word(value: object) -> bool:
    # execve(2) ends a string at its first NUL, which TOML can spell.
    return isinstance(value, str) and "\0" not in value


def _durability(value: object) -> Durability:
    known = [durability.value for durability in Durability]
    if value not in known:
        raise InvalidRequest("storage.durability", f"must be one of {', '.join(known)}, not {value!r}")
    return Durability(value)
