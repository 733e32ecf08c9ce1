"""Softmax regression on 1797 images of handwritten digits: real training that stops as it should.

    python -m workloads.training.digits --epochs 20 --learning-rate 0.5

Standard library only. It is also the example of a training program that survives its stop, as SageMaker's container
contract asks: SIGTERM, then a grace period, then SIGKILL. Four things make it right:

1. The handler is installed before anything else, slow imports included. A SIGTERM that comes earlier ends an ordinary
   process; PID 1 of a container never learns of it and is killed when the grace period is over.
2. The handler only sets a flag. The training loop looks at it between two batches, where the weights are consistent.
3. Files appear complete or not at all: written beside their place, synced, renamed.
4. The checkpoint holds all that the training depends on, so an interrupted training ends with the very weights that
   an uninterrupted one has.

Hyperparameters are strings, from `hyperparameters.json` in SM_INPUT_CONFIG_DIR; options of the command line come before
them. Names are those of the options without the dashes. Folders: SM_MODEL_DIR, SM_CHECKPOINT_DIR, SM_OUTPUT_DIR, each
with SageMaker's own path as the default (SageMaker sets no SM_CHECKPOINT_DIR; there the default is right).
Exit codes: 0 trained to the end, or stopped and saved; 2 a bad hyperparameter; 1 a file or folder could not be used.
The reason of a failure is on stderr and in the file `failure` in SM_OUTPUT_DIR, where SageMaker looks for it.
"""

# ruff: noqa: E402 - imports take time, and SIGTERM may come at any time: the handler has to be there first.

from __future__ import annotations

import signal
import sys
from types import FrameType


class StopFlag:
    """The handler of SIGTERM. It does nothing but remember that a stop was requested.

    Saving here would be wrong: a handler runs between any two bytecodes of the main thread, so also in the middle of
    an update of the weights or of another save.
    """

    def __init__(self) -> None:
        self.requested = False

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        self.requested = True


stop = StopFlag()
if __name__ == "__main__" and "--no-handler" not in sys.argv:
    signal.signal(signal.SIGTERM, stop)

import contextlib
import os
import random
import select
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

if not __package__:
    # Run by its path: Python then looks for modules in this folder, not in the one that has the package.
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from workloads.training.checkpoints import Progress, load_checkpoint, write_atomically
from workloads.training.hyperparameters import (
    BadHyperparameter,
    Hyperparameters,
    parse_hyperparameters,
    parse_options,
    read_hyperparameters_file,
)
from workloads.training.softmax import Image, Images, accuracy, load_images, train_batch


class Folders(NamedTuple):
    """Where SageMaker's container contract has its files."""

    config: Path
    model: Path
    checkpoints: Path
    output: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Folders:
        return cls(
            config=Path(environment.get("SM_INPUT_CONFIG_DIR", "/opt/ml/input/config")),
            model=Path(environment.get("SM_MODEL_DIR", "/opt/ml/model")),
            checkpoints=Path(environment.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")),
            output=Path(environment.get("SM_OUTPUT_DIR", "/opt/ml/output")),
        )


class Alarm:
    """A sleep that a signal ends.

    `time.sleep` does not do: Python runs the handler and then sleeps on for the rest of the time (PEP 475). So the
    interpreter is asked to write a byte into a pipe on each signal, and the sleep is a wait for that byte.
    """

    def __init__(self) -> None:
        self._ringing, bell = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(bell, warn_on_full_buffer=False)

    def sleep_until(self, deadline: float) -> None:
        """Returns at `deadline`, in seconds of `time.monotonic`, or when a signal has come."""
        select.select([self._ringing], [], [], max(0.0, deadline - time.monotonic()))


def batches_left(
    progress: Progress, images: Sequence[Image], hyperparameters: Hyperparameters
) -> Iterator[list[Image]]:
    """The rest of the epoch under way, in the epoch's own random order."""
    order = list(images)
    random.Random(f"{hyperparameters.seed} {progress.epoch}").shuffle(order)
    for start in range(progress.next_image, len(order), hyperparameters.batch_size):
        yield order[start : start + hyperparameters.batch_size]


def train_epoch(progress: Progress, images: Sequence[Image], hyperparameters: Hyperparameters) -> bool:
    """Goes on with the epoch under way. Returns whether it was completed: False if a stop was requested before."""
    for batch in batches_left(progress, images, hyperparameters):
        if stop.requested:
            return False
        progress.loss += train_batch(progress.weights, batch, hyperparameters.learning_rate)
        progress.next_image += len(batch)
    return True


def train(progress: Progress, images: Images, hyperparameters: Hyperparameters, checkpoint: Path) -> None:
    """Trains until all epochs are complete or a stop is requested, with a checkpoint now and then."""
    alarm = Alarm()
    saved_at = time.monotonic()
    while progress.epoch <= hyperparameters.epochs and not stop.requested:
        started_at = time.monotonic()
        if not train_epoch(progress, images.training, hyperparameters):
            return
        print(
            f"epoch {progress.epoch} train_loss={progress.loss / len(images.training):.4f}"
            f" accuracy={accuracy(progress.weights, images.held_out):.4f}",
            flush=True,
        )
        progress.epoch, progress.next_image, progress.loss = progress.epoch + 1, 0, 0.0
        if time.monotonic() - saved_at >= hyperparameters.checkpoint_seconds:
            progress.save(checkpoint)
            saved_at = time.monotonic()
        if progress.epoch <= hyperparameters.epochs:
            alarm.sleep_until(started_at + hyperparameters.epoch_seconds)


def run(arguments: Sequence[str], folders: Folders) -> None:
    """One run of the program, from the hyperparameters to the saved model. Raises BadHyperparameter, OSError."""
    options = parse_options(arguments)
    hyperparameters = parse_hyperparameters(
        read_hyperparameters_file(folders.config / "hyperparameters.json") | options
    )
    for folder in (folders.model, folders.checkpoints):
        folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folders.checkpoints / "checkpoint.json"
    images = load_images()
    progress = load_checkpoint(checkpoint)
    if progress is None:
        progress = Progress.start()
    else:
        print(f"resumed at epoch {progress.epoch}", flush=True)
    train(progress, images, hyperparameters, checkpoint)
    progress.save(checkpoint)
    write_atomically(folders.model / "model.json", {"weights": progress.weights})
    if progress.epoch <= hyperparameters.epochs:
        print(f"SIGTERM: saved at epoch {progress.epoch}", flush=True)
    else:
        print(f"finished: saved after epoch {progress.epoch - 1}", flush=True)


def fail(reason: str, output: Path) -> None:
    """Says why, on stderr and in the file whose first 1024 characters become SageMaker's FailureReason."""
    print(f"digits: {reason}", file=sys.stderr)
    with contextlib.suppress(OSError):
        output.mkdir(parents=True, exist_ok=True)
        (output / "failure").write_text(reason[:1024], encoding="utf-8", errors="backslashreplace")


def main(arguments: Sequence[str]) -> int:
    """Returns the exit code."""
    folders = Folders.from_environment(os.environ)
    try:
        run(arguments, folders)
    except BadHyperparameter as error:
        fail(str(error), folders.output)
        return 2
    except OSError as error:
        fail(str(error), folders.output)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
