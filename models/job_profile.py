"""The shape of a training job: what its memory and its pace depend on most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Shape:
    """Jobs of one shape need about the same memory, and are about equally fast on the same class of devices."""

    recipe: str
    image_size: int
    batch_size: int
    width: int

    @classmethod
    def of(cls, recipe: str, params: Mapping[str, Any]) -> Self | None:
        """Return the shape of a training job from its complete parameters; None for any other job."""
        sizes = [params.get(name) for name in ("image_size", "batch_size", "width")]
        # Shown in four turns, a batch takes four times as much: such jobs tell nothing of others of their recipe.
        kind = f"{recipe}+rotations" if params.get("targets") == "rotations" else recipe
        return None if None in sizes else cls(kind, *(int(size) for size in sizes if size is not None))

    def __str__(self) -> str:
        return f"{self.recipe}/{self.image_size}/{self.batch_size}/{self.width}"


def images_to_show(params: Mapping[str, Any], dataset: Mapping[str, Any]) -> int:
    """Return how many real images a training job's budget means. `dataset` has `images` and `parts`."""
    if params.get("images") is not None:
        return int(params["images"])
    parts = dataset["parts"]
    if params.get("split") == "all":
        count = sum(parts.values())
    else:
        count = parts.get("train", parts.get("trainA", dataset["images"]))
    return int(params["epochs"]) * int(count)
