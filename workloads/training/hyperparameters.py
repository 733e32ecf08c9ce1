"""Hyperparameters by SageMaker's contract: strings, from `hyperparameters.json` and from the command line.

Source: "How Amazon SageMaker AI Provides Training Information" of the developer guide.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn


class BadHyperparameter(Exception):
    """A hyperparameter breaks its rule; the message names it and the rule."""


class Rule(NamedTuple):
    """What is allowed for a number: `lowest <= value <= highest`, whole where `kind` is int."""

    kind: type[int] | type[float]
    lowest: float
    highest: float
    default: str
    meaning: str

    def __str__(self) -> str:
        if self.kind is int:
            return f"a whole number from {int(self.lowest)} to {int(self.highest)}"
        return f"a number from {self.lowest:g} to {self.highest:g}"


RULES = {
    "epochs": Rule(int, 1, 1e9, "100000", "passes over the training images"),
    "learning-rate": Rule(float, 1e-9, 100, "0.5", "length of a step down the gradient"),
    "seed": Rule(int, 0, 2**32 - 1, "0", "decides the order of the images"),
    # A batch of 256 takes about 15 ms, and a stop waits for the end of a batch.
    "batch-size": Rule(int, 1, 256, "32", "images in a step"),
    "epoch-seconds": Rule(float, 0, 86_400, "0", "shortest duration of an epoch; the rest of it is waited"),
    "checkpoint-seconds": Rule(float, 0, 86_400, "1", "a checkpoint at the first end of an epoch after so long"),
}


class Hyperparameters(NamedTuple):
    """The values of a run; `RULES` has the meaning and the range of each, by its name with dashes."""

    epochs: int
    learning_rate: float
    seed: int
    batch_size: int
    epoch_seconds: float
    checkpoint_seconds: float


def parse_hyperparameters(texts: Mapping[str, str]) -> Hyperparameters:
    """The values of `texts` (by names with dashes), defaults for the rest. Raises BadHyperparameter."""
    values: dict[str, Any] = {}
    for name, rule in RULES.items():
        text = texts.get(name, rule.default)
        try:
            value = rule.kind(text)
        except ValueError:
            value = math.nan
        if not rule.lowest <= value <= rule.highest:
            raise BadHyperparameter(f"{name}: must be {rule}, not {text!r}")
        values[name.replace("-", "_")] = value
    return Hyperparameters(**values)


def read_hyperparameters_file(path: Path) -> dict[str, str]:
    """SageMaker's `hyperparameters.json`, its own entries left out; nothing if there is no such file.

    Every value is a string there. SageMaker's SDK encodes strings once more as JSON, so `"\\"0.5\\""` is 0.5.
    Raises BadHyperparameter.
    """
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError) as error:
        raise BadHyperparameter(f"{path}: must be JSON: {error}") from error
    if not isinstance(document, dict):
        raise BadHyperparameter(f"{path}: must be a JSON object")
    texts = {}
    for key, text in document.items():
        if key.startswith(("_", "sagemaker_")):
            continue
        name = key.replace("_", "-")
        if name not in RULES:
            raise BadHyperparameter(f"{key}: unknown; there are {', '.join(RULES)}")
        if not isinstance(text, str):
            raise BadHyperparameter(f"{key}: must be a string, as all hyperparameters of SageMaker, not {text!r}")
        texts[name] = text.removeprefix('"').removesuffix('"')
    return texts


class OptionParser(argparse.ArgumentParser):
    """Says what is wrong in the same way as for a value of the file: one line, also in the failure file."""

    def error(self, message: str) -> NoReturn:
        raise BadHyperparameter(message)


def parse_options(arguments: Sequence[str]) -> dict[str, str]:
    """The hyperparameters given on the command line, as text. Raises BadHyperparameter."""
    parser = OptionParser(
        prog="digits", description="Learns handwritten digits until it is stopped.", allow_abbrev=False
    )
    for name, rule in RULES.items():
        parser.add_argument(
            f"--{name}", dest=name, metavar="N", help=f"{rule.meaning}: {rule} (default {rule.default})"
        )
    parser.add_argument("--no-handler", action="store_true", help="do not handle SIGTERM: how a program loses its work")
    options = vars(parser.parse_args(arguments))
    return {name: options[name] for name in RULES if options[name] is not None}
