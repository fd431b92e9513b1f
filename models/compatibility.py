"""Whether a data set is compatible with a recipe, and the size of the images that the networks will see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from models.limits import MAX_FRAME_RATIO
from models.recipes import RECIPES
from models.specs.base import TrainParams
from models.specs.recipe import Needs, Recipe

DOMAINS = ("trainA", "trainB")
# A classifier keeps every tenth training image for testing where a data set has no test part.
KEPT = 10


class MisfitError(ValueError):
    """A data set does not fit; ``place`` is the field of the request to change: dataset, image_size or batch_size."""

    def __init__(self, place: str, detail: str) -> None:
        super().__init__(detail)
        self.place = place
        self.detail = detail


def image_size(recipe: Recipe, dataset: Mapping[str, Any], params: TrainParams) -> int:
    """Return the size of a job's images: the size asked for, or the data set's own, with a black frame if needed.

    ``dataset`` is a data set's view: its `name`, `shape`, `classes` and `parts`.

    Raises:
        MisfitError: the data set does not fit; the message says what would.
    """
    _check_kind(recipe.needs, dataset)
    size = _size(recipe, dataset["shape"], params.image_size)
    _check_count(recipe.needs, dataset, params)
    return size


def _check_kind(needs: Needs, dataset: Mapping[str, Any]) -> None:
    has_domains = all(part in dataset["parts"] for part in DOMAINS)
    if needs is Needs.classes and (has_domains or len(dataset["classes"]) < 2):
        raise MisfitError("dataset", "needs images with at least two classes; this data set has none")
    if needs is Needs.domains and not has_domains and len(dataset["classes"]) < 2:
        raise MisfitError(
            "dataset", "needs two domains (folders A and B), or classes to make them of; this data set has neither"
        )
    if needs is Needs.nothing and has_domains:
        translators = " or ".join(recipe.name for recipe in RECIPES.values() if recipe.needs is Needs.domains)
        raise MisfitError(
            "dataset", f"paints from noise; this data set has two domains to translate: use {translators}"
        )


def _size(recipe: Recipe, shape: Sequence[int], asked: int | None) -> int:
    sizes = recipe.sizes
    if asked is not None:
        if asked not in sizes:
            raise MisfitError("image_size", f"must be {recipe.sizes_in_words()} pixels for this recipe")
        return asked
    height, width = shape[1:]
    framed = next((size for size in sizes if size >= max(height, width)), None)
    if height == width and framed is not None and framed <= MAX_FRAME_RATIO * height:
        return framed
    nearest = max((size for size in sizes if size <= min(height, width)), default=sizes[0])
    raise MisfitError(
        "dataset",
        f"needs square images of {recipe.sizes_in_words()} pixels; this data set has {height}x{width} (height x "
        f"width): set `image_size` to {min(nearest, 64) if 64 in sizes else nearest} to have them scaled and cropped",
    )


def _check_count(needs: Needs, dataset: Mapping[str, Any], params: TrainParams) -> None:
    parts = dataset["parts"]
    if needs is Needs.domains:
        if all(part in parts for part in DOMAINS) and (least := min(parts[part] for part in DOMAINS)) < (
            params.batch_size
        ):
            raise MisfitError("batch_size", f"must be at most {least}, the images of the smaller domain")
        return
    count = sum(parts.values()) if params.split == "all" else parts.get("train", dataset["images"])
    if needs is Needs.classes and "test" not in parts:
        if count < KEPT:
            raise MisfitError("dataset", f"needs at least {KEPT} images, of which it keeps every {KEPT}th for testing")
        count -= count // KEPT
    if count < params.batch_size:
        raise MisfitError(
            "batch_size", f"must be at most {count}, the number of training images; or take a larger data set"
        )
