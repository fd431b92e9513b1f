"""The parameters of sampling jobs, which make images from a checkpoint."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from models.ids import id_pattern, is_id
from models.messages import RequestFaults
from models.specs.base import Spec


def _check_checkpoint(name: str) -> str:
    """Return the name of a checkpoint.

    Raises:
        ValueError: it is none.
    """
    if name not in {"best", "latest"} and not is_id("art", name):
        raise ValueError(RequestFaults.best_latest_or_id())
    return name


CheckpointName = Annotated[
    str,
    Field(json_schema_extra={"pattern": rf"^(best|latest)$|{id_pattern('art')}"}),
    AfterValidator(_check_checkpoint),
]


class SampleParams(Spec):
    """The same checkpoint and seed give the same bytes on the same device."""

    count: Annotated[int, Field(ge=1, le=10_000)] = Field(64, description="Number of images, or of steps in a strip.")
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = Field(1, description="Seed of the noise.")
    output: Literal["grid", "images", "interpolation", "translate"] = Field(
        "grid",
        description="What to make. `grid`: one PNG. `images`: a zip of PNGs. `interpolation`: a strip of "
        "images from the noise of `seed` to the noise of `seed` + 1. `translate`, for recipes that translate: the "
        "first images of `dataset`, translated.",
    )
    dataset: Annotated[str, Field(max_length=255)] | None = Field(
        None,
        description="Data set to translate. If not set: the one that the job was trained on. For `translate` only.",
    )
    direction: Literal["a_to_b", "b_to_a"] = Field("a_to_b", description="Direction of the translation.")


class SampleSource(Spec):
    """The source of the weights."""

    job: Annotated[str, Field(pattern=id_pattern("job"))] = Field(description="The training job.")
    checkpoint: CheckpointName = Field(
        "best",
        description="`best` (by the recipe's `monitor`, or the latest if there is none), `latest`, or the "
        "id of an artifact.",
    )
