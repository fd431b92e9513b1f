"""The job that makes an extractor: its parameters fit every data set that can be judged against."""

from __future__ import annotations

from typing import Any

import pytest

from models.compatibility import image_size
from models.extractor_job import extractor_params, targets
from models.extractors import RECIPE
from models.recipes import RECIPES, resolve_params


def dataset(shape: list[int], parts: dict[str, int], classes: int = 0) -> dict[str, Any]:
    names = [str(n) for n in range(classes)]
    return {"name": "a", "shape": shape, "parts": parts, "classes": names, "images": sum(parts.values())}


@pytest.mark.parametrize(
    ("found", "named", "size", "images"),
    [
        (dataset([1, 28, 28], {"train": 9000, "test": 1000}, 10), "classes", 28, 180_000),
        (dataset([1, 28, 28], {"train": 60_000, "test": 10_000}, 10), "classes", 28, 191_326),
        (dataset([3, 32, 32], {"train": 50_000, "test": 10_000}, 10), "classes", 32, 146_484),
        (dataset([3, 32, 32], {"train": 300}), "rotations", 32, 12_800),
        (dataset([3, 218, 178], {"train": 162_770, "test": 19_962}), "rotations", 64, 12_800),
        (dataset([1, 20, 9], {"train": 20, "test": 400}, 1), "rotations", 16, 12_800),
        (dataset([1, 8, 8], {"train": 200}, 2), "classes", 16, 12_800),
    ],
)
def test_the_parameters_fit_the_data_set(found: dict[str, Any], named: str, size: int, images: int) -> None:
    recipe = RECIPES[RECIPE]
    params = resolve_params(recipe, None, extractor_params(found))
    assert targets(found) == params.model_dump()["targets"] == named
    # It is accepted by the same rule as any request.
    assert image_size(recipe, found, params) == size
    assert (params.images, params.epochs) == (images, None)
