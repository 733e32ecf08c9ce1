"""The environment variables that sagemaker-training-toolkit gives a training script.

Programs that run in AWS's own images read their folders from these rather than from `/opt/ml`, so a local command
finds them too. Names and encoding: `environment.py` and `mapping.py` of aws/sagemaker-training-toolkit.
`SM_CHECKPOINT_DIR` is ours: no AWS image has it, and without it a program could not find its checkpoints where
`/opt/ml` is elsewhere.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_OWN_HYPERPARAMETERS = frozenset({"_tuning_objective_metric", "default_user_module_name"})
"""Hyperparameters for the toolkit itself, besides those that begin with `sagemaker_`: scripts do not get them."""


def folders(ml: str) -> dict[str, Any]:
    """Where things are below the folder that stands for `/opt/ml`."""
    return {
        "model_dir": f"{ml}/model",
        "input_dir": f"{ml}/input",
        "input_config_dir": f"{ml}/input/config",
        "output_dir": f"{ml}/output",
        "output_data_dir": f"{ml}/output/data",
        "output_intermediate_dir": f"{ml}/output/intermediate",
    }


def channels(ml: str, names: list[str]) -> dict[str, str]:
    """Where each channel's data is."""
    return {name: f"{ml}/input/data/{name}" for name in names}


def machine() -> dict[str, Any]:
    """What this machine has: the processors this process may use, and accelerators with a device file."""
    devices = Path("/dev")
    return {
        "num_cpus": len(os.sched_getaffinity(0)),
        "num_gpus": len(list(devices.glob("nvidia[0-9]*"))),
        "num_neurons": len(list(devices.glob("neuron[0-9]*"))),
    }


def user_hyperparameters(hyperparameters: Mapping[str, str]) -> dict[str, Any]:
    """The script's hyperparameters, each read as JSON where it is JSON, as the toolkit does."""
    return {
        name: _decoded(value)
        for name, value in hyperparameters.items()
        if name not in _OWN_HYPERPARAMETERS and not name.startswith("sagemaker_")
    }


def arguments(hyperparameters: Mapping[str, Any]) -> list[str]:
    """Hyperparameters as the command-line arguments that the toolkit would append to the script."""
    words: list[str] = []
    for name in sorted(hyperparameters):
        words += [f"--{name}" if len(name) > 1 else f"-{name}", str(hyperparameters[name])]
    return words


def variables(facts: Mapping[str, Any]) -> dict[str, str]:
    """`SM_…` variables: text as it is, everything else as JSON. A name that no environment can hold is left out."""
    return {f"SM_{name.upper()}": _encoded(value) for name, value in facts.items() if "=" not in name}


def _decoded(value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _encoded(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, separators=(",", ":"))
