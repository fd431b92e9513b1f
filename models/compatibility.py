"""Whether a data set fits a recipe, and which size of images the networks will see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from models.limits import MAX_FRAME_RATIO
from models.specs.base import TrainParams

DOMAINS = ("trainA", "trainB")
# A classifier keeps every tenth training image for testing where a data set has no test part.
KEPT = 10


class Needs(StrEnum):
    """What a recipe needs beside images."""

    nothing = "nothing"
    classes = "classes"
    domains = "domains"


class MisfitError(ValueError):
    """A data set does not fit; ``place`` is the field of the request to change: dataset, image_size or batch_size."""

    def __init__(self, place: str, detail: str) -> None:
        super().__init__(detail)
        self.place = place
        self.detail = detail


@dataclass(frozen=True)
class Fit:
    """The sizes, in pixels, that a recipe's networks can have, smallest first, and what else it needs."""

    sizes: Sequence[int]
    needs: Needs = Needs.nothing

    def image_size(self, dataset: Mapping[str, Any], params: TrainParams) -> int:
        """Return the size of the images for a job: as asked, or as the data set has them, framed if need be.

        ``dataset`` is a data set's view: its `name`, `shape`, `classes` and `parts`.

        Raises:
            MisfitError: it does not fit; says what would.
        """
        self._check_kind(dataset)
        size = self._size(dataset["shape"], params.image_size)
        self._check_count(dataset, params)
        return size

    def _check_kind(self, dataset: Mapping[str, Any]) -> None:
        translation = all(part in dataset["parts"] for part in DOMAINS)
        if self.needs is Needs.classes and (translation or len(dataset["classes"]) < 2):
            raise MisfitError("dataset", "needs images with at least two classes; this data set has none")
        if self.needs is Needs.domains and not translation and len(dataset["classes"]) < 2:
            raise MisfitError(
                "dataset", "needs two domains (folders A and B), or classes to make them of; this data set has neither"
            )
        if self.needs is Needs.nothing and translation:
            raise MisfitError("dataset", "paints from noise; this data set has two domains to translate: use cyclegan")

    def _size(self, shape: Sequence[int], asked: int | None) -> int:
        if asked is not None:
            if asked not in self.sizes:
                raise MisfitError("image_size", f"must be {self.words()} pixels for this recipe")
            return asked
        height, width = shape[1:]
        framed = next((size for size in self.sizes if size >= max(height, width)), None)
        if height == width and framed is not None and framed <= MAX_FRAME_RATIO * height:
            return framed
        nearest = max((size for size in self.sizes if size <= min(height, width)), default=self.sizes[0])
        raise MisfitError(
            "dataset",
            f"needs square images of {self.words()} pixels; this data set has {height}x{width} (height x width): set "
            f"`image_size` to {min(nearest, 64) if 64 in self.sizes else nearest} to have them scaled and cropped",
        )

    def _check_count(self, dataset: Mapping[str, Any], params: TrainParams) -> None:
        parts = dataset["parts"]
        if self.needs is Needs.domains:
            if all(part in parts for part in DOMAINS) and (least := min(parts[part] for part in DOMAINS)) < (
                params.batch_size
            ):
                raise MisfitError("batch_size", f"must be at most {least}, the images of the smaller domain")
            return
        count = sum(parts.values()) if params.split == "all" else parts.get("train", dataset["images"])
        if self.needs is Needs.classes and "test" not in parts:
            if count < KEPT:
                raise MisfitError(
                    "dataset", f"needs at least {KEPT} images, of which it keeps every {KEPT}th for testing"
                )
            count -= count // KEPT
        if count < params.batch_size:
            raise MisfitError(
                "batch_size", f"must be at most {count}, the number of training images; or take a larger data set"
            )

    def words(self) -> str:
        """Say which sizes there are."""
        sizes = self.sizes
        if len(sizes) > 8:
            step = sizes[1] - sizes[0]
            every = "" if step == 1 else f" in steps of {step}"
            return f"{sizes[0]} to {sizes[-1]}{every}"
        return " or ".join([", ".join(map(str, sizes[:-1])), str(sizes[-1])] if len(sizes) > 1 else [str(sizes[0])])
