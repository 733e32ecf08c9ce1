"""Softmax regression on 8 x 8 images of digits, in plain Python. Nothing here knows of signals, time or checkpoints."""

from __future__ import annotations

import gzip
import math
from collections.abc import Sequence
from operator import mul
from pathlib import Path
from typing import NamedTuple

DATA_FILE = Path(__file__).with_name("digits.bin.gz")
DIGITS = 10
PIXELS = 64
WHITE_TO_BLACK = tuple(level / 16 for level in range(17))
HELD_OUT_EVERY = 5
"""One image in five is kept out of the training and used to measure the accuracy."""


class Image(NamedTuple):
    """One handwritten digit: its pixels from 0.0 (white) to 1.0 (black) and a constant 1.0, which carries the bias."""

    pixels: tuple[float, ...]
    digit: int


class Images(NamedTuple):
    """The data, always divided in the same way."""

    training: list[Image]
    held_out: list[Image]


def load_images() -> Images:
    """Reads the file that `make_digits_data.py` has made."""
    content = gzip.decompress(DATA_FILE.read_bytes())
    images = Images([], [])
    for number, start in enumerate(range(0, len(content), PIXELS + 1)):
        levels, digit = content[start : start + PIXELS], content[start + PIXELS]
        image = Image((*map(WHITE_TO_BLACK.__getitem__, levels), 1.0), digit)
        (images.training if number % HELD_OUT_EVERY else images.held_out).append(image)
    return images


Weights = list[list[float]]
"""A row for each digit: a weight for each pixel, then the bias."""


def scores(weights: Weights, image: Image) -> list[float]:
    """How much the image looks like each digit, as logits."""
    return [sum(map(mul, row, image.pixels)) for row in weights]


def recognise(weights: Weights, image: Image) -> int:
    """The digit that the image looks like most."""
    logits = scores(weights, image)
    return logits.index(max(logits))


def accuracy(weights: Weights, images: Sequence[Image]) -> float:
    """The share of the images that are recognised, 0 to 1."""
    return sum(recognise(weights, image) == image.digit for image in images) / len(images)


def train_batch(weights: Weights, batch: Sequence[Image], learning_rate: float) -> float:
    """Goes one step down the gradient of the cross-entropy. Returns the sum of the losses before the step."""
    loss = 0.0
    errors = []
    for image in batch:
        logits = scores(weights, image)
        largest = max(logits)
        exponentials = [math.exp(logit - largest) for logit in logits]
        total = sum(exponentials)
        error = [exponential / total for exponential in exponentials]
        error[image.digit] -= 1
        errors.append(error)
        loss += math.log(total) + largest - logits[image.digit]
    step = learning_rate / len(batch)
    pixels_of_batch = list(zip(*(image.pixels for image in batch), strict=True))
    for row, errors_of_digit in zip(weights, zip(*errors, strict=True), strict=True):
        for place, values in enumerate(pixels_of_batch):
            row[place] -= step * sum(map(mul, errors_of_digit, values))
    return loss
