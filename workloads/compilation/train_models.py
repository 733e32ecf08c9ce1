"""Trains the models that are shipped in `models/`, with scikit-learn's own data and fixed seeds.

    python -m workloads.compilation.train_models [FOLDER]

Needs xgboost-cpu 3.2.0, scikit-learn 1.9.1 and treelite 4.8.1. For each model it writes NAME.tar.gz, as one uploads it
to SageMaker, and NAME.npz: `inputs`, and `predictions` that the library which trained the model made of them.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from workloads.compilation.packing import pack
from workloads.compilation.stopping import Belongings

MODELS: Final = Path(__file__).with_name("models")
SEED: Final = 20240607
ROWS: Final = 200
"""So many predictions are kept."""


class Trained(NamedTuple):
    """A model in the form that is uploaded, and what it says of some inputs."""

    file: Path
    inputs: Any
    predictions: Any


def breast_cancer(folder: Path) -> Trained:
    """Small: XGBoost, yes or no, 100 trees."""
    settings = {"objective": "binary:logistic", "max_depth": 4, "eta": 0.2}
    return _xgboost(folder / "breast-cancer.json", "load_breast_cancer", settings, rounds=100)


def digits(folder: Path) -> Trained:
    """Large: XGBoost, ten classes, 2,400 trees; some 40 s of compilation on one core."""
    settings = {"objective": "multi:softprob", "num_class": 10, "max_depth": 8, "eta": 0.03, "min_child_weight": 0.2}
    return _xgboost(folder / "digits.json", "load_digits", settings, rounds=240)


def wine(folder: Path) -> Trained:
    """Small: a scikit-learn random forest, three classes, 60 trees, as a treelite checkpoint."""
    forests = importlib.import_module("sklearn.ensemble")
    exporter = importlib.import_module("treelite.sklearn")
    inputs, labels = _data("load_wine")
    forest = forests.RandomForestClassifier(n_estimators=60, max_depth=8, random_state=SEED).fit(inputs, labels)
    file = folder / "wine.tl"
    exporter.import_model(forest).serialize(file)
    return Trained(file, inputs[:ROWS], forest.predict_proba(inputs[:ROWS]))


RECIPES: Final[dict[str, Callable[[Path], Trained]]] = {
    "breast-cancer-xgboost": breast_cancer,
    "digits-xgboost": digits,
    "wine-sklearn": wine,
}


def main(folder: Path) -> None:
    """All models into `folder`."""
    numpy = importlib.import_module("numpy")
    folder.mkdir(parents=True, exist_ok=True)
    for name, train in RECIPES.items():
        with tempfile.TemporaryDirectory() as work:
            trained = train(Path(work))
            numpy.savez_compressed(folder / f"{name}.npz", inputs=trained.inputs, predictions=trained.predictions)
            packed = pack({trained.file.name: trained.file}, Path(work) / "packed", Belongings())
            (folder / f"{name}.tar.gz").write_bytes(packed.read_bytes())
        print(f"{name}: {(folder / f'{name}.tar.gz').stat().st_size} bytes", flush=True)


def _xgboost(file: Path, data: str, settings: dict[str, Any], rounds: int) -> Trained:
    xgboost = importlib.import_module("xgboost")
    inputs, labels = _data(data)
    fixed = {"seed": SEED, "nthread": 1, "subsample": 0.8, **settings}
    booster = xgboost.train(fixed, xgboost.DMatrix(inputs, labels), rounds)
    booster.save_model(file)
    return Trained(file, inputs[:ROWS], booster.predict(xgboost.DMatrix(inputs[:ROWS])))


def _data(name: str) -> tuple[Any, Any]:
    """Inputs as 32-bit floats, which is what both libraries compare with their thresholds."""
    numpy = importlib.import_module("numpy")
    datasets = importlib.import_module("sklearn.datasets")
    inputs, labels = getattr(datasets, name)(return_X_y=True)
    return inputs.astype(numpy.float32), labels


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else MODELS)
