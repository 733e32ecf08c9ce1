"""What to compile, from where to where and how: the job's configuration, overridden by the command line."""

from __future__ import annotations

import argparse
import ast
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, unique
from pathlib import Path
from typing import Any, Final

from workloads.compilation.failures import BadInput

OPT_LEVELS: Final = ("0", "1", "2", "3", "s", "fast")
CONFIG_NAME: Final = "compilationjobconfig.json"


@unique
class Framework(Enum):
    """The frameworks whose models are tree ensembles, as `InputConfig.Framework` spells them."""

    XGBOOST = "XGBOOST"
    SKLEARN = "SKLEARN"


@dataclass(frozen=True)
class Places:
    """Folders of the job, from SageMaker's environment variables."""

    model: Path
    config: Path
    result: Path
    failure: Path
    """The file for the text of a failure."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Places:
        """Defaults are those of a SageMaker container."""
        return cls(
            model=Path(environment.get("SM_CHANNEL_MODEL", "/opt/ml/input/data/model")),
            config=Path(environment.get("SM_INPUT_CONFIG_DIR", "/opt/ml/input/config")),
            result=Path(environment.get("SM_MODEL_DIR", "/opt/ml/model")),
            failure=Path(environment.get("SM_OUTPUT_DIR", "/opt/ml/output")) / "failure",
        )


@dataclass(frozen=True)
class Options:
    """One compilation."""

    source: Path
    """The model's folder, its archive, or the model file itself."""
    result: Path
    """The folder that gets `model.tar.gz`."""
    framework: Framework | None
    """None: the kind of file decides."""
    jobs: int
    """How many C compilers run at once."""
    opt_level: str
    """What follows -O."""
    target: Mapping[str, Any] = field(default_factory=dict)
    """`TargetDevice` or `TargetPlatform` as the request has it."""
    data_input: str = ""
    """`DataInputConfig`: trees need none."""
    unused: str = ""
    """What of `CompilerOptions` means nothing to this compiler."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="python -m workloads.compilation.trees",
        description="Compile an XGBoost or scikit-learn tree ensemble to a shared library.",
        allow_abbrev=False,
    )
    made.add_argument("--input", type=Path, metavar="PATH", help="folder, .tar.gz or model file")
    made.add_argument("--output", type=Path, metavar="DIR", help="the folder that gets model.tar.gz")
    made.add_argument("--framework", choices=[framework.value for framework in Framework])
    made.add_argument("--jobs", type=_positive, metavar="N", help="C compilers at once (default: one per processor)")
    made.add_argument("--opt-level", choices=OPT_LEVELS, help="the C compiler's -O (default: 3)")
    made.add_argument("--no-handler", action="store_true", help="leave SIGTERM at its default: stops badly")
    return made


def read_options(arguments: argparse.Namespace, places: Places) -> Options:
    """Raises BadInput where the job's configuration breaks a rule."""
    config = _read_config(places.config / CONFIG_NAME)
    inputs, outputs = _section(config, "InputConfig"), _section(config, "OutputConfig")
    compiler, unused = _compiler_options(outputs.get("CompilerOptions", ""))
    return Options(
        source=arguments.input or places.model,
        result=arguments.output or places.result,
        framework=_framework(arguments.framework or inputs.get("Framework")),
        jobs=arguments.jobs or compiler.jobs or len(os.sched_getaffinity(0)),
        opt_level=arguments.opt_level or compiler.opt_level or "3",
        target={key: outputs[key] for key in ("TargetDevice", "TargetPlatform") if outputs.get(key)},
        data_input=str(inputs.get("DataInputConfig") or ""),
        unused=unused,
    )


@dataclass(frozen=True)
class _CompilerOptions:
    jobs: int | None = None
    opt_level: str | None = None


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _read_config(path: Path) -> Mapping[str, Any]:
    try:
        config = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise BadInput(f"{path} is not JSON: {error}") from error
    if not isinstance(config, dict):
        raise BadInput(f"{path} is not a JSON object")
    return config


def _section(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = config.get(name) or {}
    if not isinstance(section, dict):
        raise BadInput(f"{name} is not a JSON object")
    return section


def _framework(name: object) -> Framework | None:
    if name is None:
        return None
    try:
        return Framework(name)
    except ValueError:
        known = " and ".join(framework.value for framework in Framework)
        raise BadInput(f"Framework {name} is not compiled here: this compiler reads {known}") from None


def _compiler_options(given: object) -> tuple[_CompilerOptions, str]:
    """SageMaker takes JSON and what looks like a Python dictionary; a bare string is for other compilers."""
    options = _dictionary(str(given)) if given else {}
    if options is None:
        return _CompilerOptions(), str(given)
    jobs, level = options.get("jobs"), options.get("opt-level")
    if jobs is not None and (isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1):
        raise BadInput(f"CompilerOptions: jobs is a whole number of 1 or more, not {jobs!r}")
    if level is not None and str(level) not in OPT_LEVELS:
        raise BadInput(f"CompilerOptions: opt-level is one of {', '.join(OPT_LEVELS)}, not {level!r}")
    unused = ", ".join(str(key) for key in options if key not in ("jobs", "opt-level"))
    return _CompilerOptions(jobs, None if level is None else str(level)), unused


def _dictionary(text: str) -> dict[Any, Any] | None:
    for read in (json.loads, ast.literal_eval):
        try:
            value = read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(value, dict):
            return value
    return None


def arguments_of(argv: Sequence[str]) -> argparse.Namespace:
    """Wrong usage ends the program with exit code 2, as argparse does."""
    return parser().parse_args(argv)
