"""What the digits training is made of: its data, an epoch, its files, the rules of its hyperparameters."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import pytest

from workloads.training import checkpoints, digits, hyperparameters, softmax


@pytest.fixture(scope="module")
def images() -> softmax.Images:
    return softmax.load_images()


def test_the_data_is_that_of_scikit_learn(images: softmax.Images) -> None:
    everything = [*images.training, *images.held_out]
    counts = Counter(image.digit for image in everything)
    # The class sizes that the documentation of the data set gives.
    assert [counts[digit] for digit in range(10)] == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert {len(image.pixels) for image in everything} == {softmax.PIXELS + 1}
    assert {value for image in everything for value in image.pixels} == set(softmax.WHITE_TO_BLACK)
    assert len(images.held_out) == 360


def progress_after_batches(
    count: int, values: hyperparameters.Hyperparameters, images: softmax.Images
) -> checkpoints.Progress:
    progress = checkpoints.Progress.start()
    batches = digits.batches_left(progress, images.training, values)
    for batch in [next(batches) for _ in range(count)]:
        progress.loss += softmax.train_batch(progress.weights, batch, values.learning_rate)
        progress.next_image += len(batch)
    return progress


def test_an_epoch_goes_on_at_the_batch_where_it_was_left(
    monkeypatch: pytest.MonkeyPatch, images: softmax.Images
) -> None:
    values = hyperparameters.parse_hyperparameters({"batch-size": "100"})
    whole = checkpoints.Progress.start()
    assert digits.train_epoch(whole, images.training, values)

    left = progress_after_batches(7, values, images)
    assert left.next_image == 700
    monkeypatch.setattr(digits.stop, "requested", True)
    assert not digits.train_epoch(left, images.training, values)
    assert left.next_image == 700
    resumed = checkpoints.Progress.from_document(json.loads(json.dumps(asdict(left))))
    monkeypatch.setattr(digits.stop, "requested", False)
    assert digits.train_epoch(resumed, images.training, values)
    assert resumed == whole


GOOD = asdict(checkpoints.Progress.start())
CORRUPT = {
    "empty": "",
    "cut-off": json.dumps(GOOD)[:-40],
    "no-text": "\0\xff",
    "other-members": json.dumps({"epoch": 1}),
    "no-object": "[]",
    "too-few-weights": json.dumps(GOOD | {"weights": [[0.0] * 65] * 9}),
    "flat-weights": json.dumps(GOOD | {"weights": [0.0] * 10}),
    "not-finite": json.dumps(GOOD | {"loss": float("nan")}),
    "epoch-0": json.dumps(GOOD | {"epoch": 0}),
    "epoch-text": json.dumps(GOOD | {"epoch": "1"}),
    "too-deep": "[" * 100_000,
}


@pytest.mark.parametrize("content", CORRUPT.values(), ids=CORRUPT.keys())
def test_a_corrupt_checkpoint_is_set_aside(tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "checkpoint.json"
    path.write_text(content, encoding="latin-1")
    assert checkpoints.load_checkpoint(path) is None
    assert "is corrupt" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.json.corrupt"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    checkpoints.write_atomically(path, {"value": 1})
    with pytest.raises(TypeError):
        checkpoints.write_atomically(path, {"value": object()})
    assert [file.name for file in tmp_path.iterdir()] == ["file.json"]
    assert json.loads(path.read_text()) == {"value": 1}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("epochs", "0"),
        ("epochs", "2.5"),
        ("epochs", ""),
        ("learning-rate", "fast"),
        ("learning-rate", "nan"),
        ("learning-rate", "inf"),
        ("learning-rate", "-1"),
        ("batch-size", "257"),
        ("seed", "-1"),
        ("epoch-seconds", "-0.5"),
        ("checkpoint-seconds", "1e9"),
    ],
)
def test_a_value_outside_its_rule_is_refused(name: str, text: str) -> None:
    with pytest.raises(hyperparameters.BadHyperparameter, match=f"^{name}: must be a .*number from .*, not '{text}'$"):
        hyperparameters.parse_hyperparameters({name: text})
