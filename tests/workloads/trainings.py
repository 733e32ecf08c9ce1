"""Launches digits trainings for tests, each in folders of its own, and reads what they print and save."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from tests.waiting import wait_until
from workloads.training import digits, softmax

REPOSITORY = Path(digits.__file__).parents[2]
MODULE = (sys.executable, "-m", "workloads.training.digits")
METRIC = re.compile(r"^epoch (\d+) train_loss=([0-9.]+) accuracy=([0-9.]+)$", re.MULTILINE)
NOT_OF_A_USER = {"PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}
PATIENCE = 20.0
"""Seconds to wait for what takes a fraction of one on a quiet machine."""


@dataclass
class Home:
    """The folders of one training, and what is in them."""

    path: Path

    @property
    def environment(self) -> dict[str, str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name not in NOT_OF_A_USER and not name.startswith(("AWS_", "SM_"))
        }
        return inherited | {
            "SM_INPUT_CONFIG_DIR": str(self.path / "config"),
            "SM_MODEL_DIR": str(self.path / "model"),
            "SM_CHECKPOINT_DIR": str(self.path / "checkpoints"),
            "SM_OUTPUT_DIR": str(self.path / "output"),
        }

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoints" / "checkpoint.json"

    @property
    def failure(self) -> str:
        return (self.path / "output" / "failure").read_text()

    def weights(self) -> softmax.Weights:
        weights: softmax.Weights = json.loads((self.path / "model" / "model.json").read_bytes())["weights"]
        return weights

    def saved_files(self) -> list[str]:
        files = chain.from_iterable((self.path / folder).glob("*") for folder in ("checkpoints", "model"))
        return [str(file.relative_to(self.path)) for file in files]

    def configure(self, content: str) -> None:
        (self.path / "config").mkdir()
        (self.path / "config" / "hyperparameters.json").write_text(content)


@dataclass
class Training:
    """A training under way; its output is in a file."""

    process: subprocess.Popen[bytes]
    log: Path

    def text(self) -> str:
        return self.log.read_text()

    def wait_for(self, pattern: str) -> None:
        def came_or_never_will() -> bool:
            ended = self.process.poll() is not None
            return bool(re.search(pattern, self.text())) or ended

        wait_until(came_or_never_will, within=PATIENCE, saying=lambda: f"{pattern} in {self.text()}")
        assert re.search(pattern, self.text()), self.text()

    def end(self) -> int:
        """Waits for the exit: its code, or the negative number of the signal that ended it."""
        return self.process.wait(PATIENCE)


@dataclass
class Launcher:
    """Launches trainings and knows them all, for whoever has to end them."""

    folder: Path
    trainings: list[Training] = field(default_factory=list)

    def home(self, name: str = "home") -> Home:
        (self.folder / name).mkdir()
        return Home(self.folder / name)

    def launch(
        self,
        home: Home,
        *options: str,
        program: Sequence[str] = MODULE,
        folder: Path = REPOSITORY,
        environment: Mapping[str, str] = {},
    ) -> Training:
        log = self.folder / f"log-{len(self.trainings)}"
        with open(log, "wb") as output:
            process = subprocess.Popen(
                [*program, *options],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**home.environment, **environment},
                cwd=folder,
            )
        self.trainings.append(Training(process, log))
        return self.trainings[-1]


def metric_lines(*trainings: Training) -> list[str]:
    return [line for training in trainings for line in training.text().splitlines() if METRIC.match(line)]
