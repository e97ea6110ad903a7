"""All datasets, by name: a line each. What a dataset is, its own `dataset` module says."""

from __future__ import annotations

from typing import Any

from payerlake.contract.dataset import Dataset
from payerlake.errors import unknown
from payerlake.finance.dataset import FINANCE
from payerlake.insurance.dataset import INSURANCE
from payerlake.pharmacy.dataset import PHARMACY
from payerlake.quality.dataset import QUALITY

_DATASETS: tuple[Dataset[Any], ...] = (PHARMACY, INSURANCE, QUALITY, FINANCE)


def datasets() -> list[str]:
    """The names of all datasets."""
    return [dataset.name for dataset in _DATASETS]


def dataset(name: str) -> Dataset[Any]:
    """The dataset of this name; BadInput with the nearest name where there is none."""
    for known in _DATASETS:
        if known.name == name:
            return known
    raise unknown("dataset", "a dataset", name, {*datasets(), "all"} - {name})
