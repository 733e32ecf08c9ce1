"""Files that appear complete or not at all, and the progress of a training as one of them."""

from __future__ import annotations

import json
import math
import os
import sys
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path

from workloads.training.softmax import DIGITS, PIXELS, Weights


def write_atomically(path: Path, document: object) -> None:
    """Writes JSON so that `path` has either its old or its new content, complete, whenever the process is killed."""
    temporary = path.with_name(path.name + ".tmp")
    try:
        with open(temporary, "w", encoding="ascii") as file:
            file.write(json.dumps(document))
            file.flush()
            # Without this the rename may reach the disk before the content.
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@dataclass
class Progress:
    """All that the rest of the training depends on, besides the hyperparameters.

    The order of the images in an epoch follows from the seed and the epoch's number, so no state of a random number
    generator needs saving. JSON keeps every bit of a float.
    """

    epoch: int
    """The epoch under way, from 1; one more than `epochs` when the training is complete."""
    next_image: int
    """How many images of this epoch have been used."""
    loss: float
    """Sum of the losses of these images."""
    weights: Weights

    @classmethod
    def start(cls) -> Progress:
        return cls(epoch=1, next_image=0, loss=0.0, weights=[[0.0] * (PIXELS + 1) for _ in range(DIGITS)])

    @classmethod
    def from_document(cls, document: object) -> Progress:
        """Raises ValueError if this is not what `asdict` gave."""
        if not isinstance(document, dict) or set(document) != set(cls.__dataclass_fields__):
            raise ValueError("its members are not those of a checkpoint")
        progress = cls(**document)
        for count, lowest in ((progress.epoch, 1), (progress.next_image, 0)):
            if type(count) is not int or count < lowest:
                raise ValueError("a counter is not a number that it can have")
        if [len(row) for row in progress.weights] != [PIXELS + 1] * DIGITS:
            raise ValueError("the weights have another shape")
        values = chain([progress.loss], *progress.weights)
        if not all(type(value) is float and math.isfinite(value) for value in values):
            raise ValueError("a weight is not a number")
        return progress

    def save(self, path: Path) -> None:
        """Replaces the checkpoint at `path`."""
        write_atomically(path, asdict(self))


def load_checkpoint(path: Path) -> Progress | None:
    """The progress saved at `path`; None if there is none, or if it is damaged: then it is set aside, and said."""
    try:
        return Progress.from_document(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, RecursionError) as error:
        aside = path.with_name(path.name + ".corrupt")
        os.replace(path, aside)
        print(f"digits: {path} is corrupt ({error}): set aside as {aside.name}, training begins anew", file=sys.stderr)
        return None
