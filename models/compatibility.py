"""Whether a data set is compatible with a recipe, and the size of the images that the networks will see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from models.limits import HELD_OUT_EVERY, MAX_FRAME_RATIO
from models.messages import Message, ParameterFaults
from models.recipes import RECIPES
from models.specs.base import TrainParams
from models.specs.recipe import Needs, Recipe

DOMAINS = ("trainA", "trainB")


class MisfitError(ValueError):
    """A data set does not fit. ``place`` is the field of the request to change: dataset, image_size or batch_size.

    ``size``: the `image_size` with which it would fit, None if none would.
    """

    def __init__(self, place: str, message: Message, size: int | None = None) -> None:
        super().__init__(message)
        self.place = place
        self.message = message
        self.size = size


def image_size(recipe: Recipe, dataset: Mapping[str, Any], params: TrainParams) -> int:
    """Return the size of a job's images: the size asked for, or the data set's own, with a black frame if needed.

    ``dataset`` is a data set's view: its `name`, `shape`, `classes` and `parts`.

    Raises:
        MisfitError: the data set does not fit; the message says what would.
    """
    has_domains = all(part in dataset["parts"] for part in DOMAINS)
    if not recipe.spares_classes(params):
        _check_kind(recipe.needs, dataset, has_domains)
    elif has_domains:
        raise MisfitError("dataset", ParameterFaults.needs_one_domain())
    size = _size(recipe, dataset["shape"], params.image_size)
    _check_count(recipe.needs, dataset, params)
    return size


def _check_kind(needs: Needs, dataset: Mapping[str, Any], has_domains: bool) -> None:
    if needs is Needs.classes and (has_domains or len(dataset["classes"]) < 2):
        raise MisfitError("dataset", ParameterFaults.needs_classes())
    if needs is Needs.domains and not has_domains and len(dataset["classes"]) < 2:
        raise MisfitError("dataset", ParameterFaults.needs_domains())
    if needs is Needs.nothing and has_domains:
        translators = [recipe.name for recipe in RECIPES.values() if recipe.needs is Needs.domains]
        raise MisfitError("dataset", ParameterFaults.paints_from_noise(recipes=translators))


def _size(recipe: Recipe, shape: Sequence[int], asked: int | None) -> int:
    sizes = recipe.sizes
    if asked is not None:
        if asked not in sizes:
            raise MisfitError("image_size", ParameterFaults.other_sizes(sizes=recipe.sizes_in_words()))
        return asked
    height, width = shape[1:]
    framed = next((size for size in sizes if size >= max(height, width)), None)
    if height == width and framed is not None and framed <= MAX_FRAME_RATIO * height:
        return framed
    nearest = max((size for size in sizes if size <= min(height, width)), default=sizes[0])
    words, scaled = recipe.sizes_in_words(), min(nearest, 64) if 64 in sizes else nearest
    fault = ParameterFaults.needs_squares(sizes=words, height=height, width=width, size=scaled)
    raise MisfitError("dataset", fault, scaled)


def _check_count(needs: Needs, dataset: Mapping[str, Any], params: TrainParams) -> None:
    parts = dataset["parts"]
    if needs is Needs.domains:
        least = _smaller_domain(dataset, params.split)
        if least is not None and least < params.batch_size:
            raise MisfitError("batch_size", ParameterFaults.smaller_domain(least=least))
        return
    count = sum(parts.values()) if params.split == "all" else parts.get("train", dataset["images"])
    if needs is Needs.classes and "test" not in parts:
        if count < HELD_OUT_EVERY:
            raise MisfitError("dataset", ParameterFaults.needs_test_images(kept=HELD_OUT_EVERY))
        count -= count // HELD_OUT_EVERY
    if count < params.batch_size:
        raise MisfitError("batch_size", ParameterFaults.training_images(count=count))


def _smaller_domain(dataset: Mapping[str, Any], split: str) -> int | None:
    """Return how many images the smaller domain has at most; None where nobody has counted the classes yet."""
    parts: Mapping[str, int] = dataset["parts"]
    if all(part in parts for part in DOMAINS):
        return min(parts[f"train{name}"] + (parts.get(f"test{name}", 0) if split == "all" else 0) for name in "AB")
    counts: Sequence[int] | None = dataset.get("class_counts")
    if counts is None:
        return None
    # Trainers make the first domain of the first half of the classes. Counts are of all parts together.
    first = (len(counts) + 1) // 2
    return min(sum(counts[:first]), sum(counts[first:]))
