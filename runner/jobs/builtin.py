"""SageMaker's own algorithms, whose metrics SageMaker knows: a search by one of them needs no MetricDefinitions.

Sources: "Define metrics and environment variables" and "Common Parameters for Built-In Algorithms" of the developer
guide; the definitions that DescribeTrainingJob shows of such trainings though their requests had none
(`#quality_metric: host=\\S+, epoch=\\S+, validation mAP <score>=\\((\\S+)\\)`, `#011train-rmse:(…)`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_DEFINITIONS = "MetricDefinitions"
_IMAGE = re.compile(r"[0-9]{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/(?P<repository>[a-z0-9-]+)(?:[:@].*)?")
_REPOSITORIES = frozenset(
    (
        *("blazingtext", "factorization-machines", "forecasting-deepar", "image-classification", "ipinsights"),
        *("kmeans", "knn", "lda", "linear-learner", "ntm", "object-detection", "object2vec", "pca"),
        *("randomcutforest", "sagemaker-xgboost", "semantic-segmentation", "seq2seq", "xgboost"),
    )
)
"""Their registries differ by region and are not looked at."""
_METRIC = re.compile(r"(?P<phase>train|validation|test):(?P<name>[\w@.:-]{1,64})", re.ASCII)
_NUMBER = "[-+]?[0-9]*[.]?[0-9]+(?:[eE][-+]?[0-9]+)?"


def is_own(name: str | None, image: str | None) -> bool:
    """By `AlgorithmName` (an algorithm resource defines its metrics itself) or `TrainingImage`."""
    found = _IMAGE.fullmatch(image or "")
    return bool(name) or (found is not None and found["repository"] in _REPOSITORIES)


def measured(algorithm: Mapping[str, Any], metric: str) -> Mapping[str, Any]:
    """The `AlgorithmSpecification` with a definition of `metric`, if it is theirs and called as their metrics are."""
    definitions, found = algorithm.get(_DEFINITIONS) or (), _METRIC.fullmatch(metric)
    if any(one["Name"] == metric for one in definitions) or found is None:
        return algorithm
    if not is_own(algorithm.get("AlgorithmName"), algorithm.get("TrainingImage")):
        return algorithm
    return {**algorithm, _DEFINITIONS: [*definitions, {"Name": metric, "Regex": _expression(found)}]}


def _expression(metric: re.Match[str]) -> str:
    """CloudWatch has `#011` for the tab that XGBoost prints."""
    phase, name = metric["phase"], re.escape(metric["name"])
    quality = rf"#quality_metric: host=[^,\s]+,.* {phase} {name} <\w+>=\(?"
    return rf"(?:{quality}|(?:#011|\t){phase}-{name}:)({_NUMBER})"
