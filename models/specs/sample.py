"""Sampling jobs: pictures from a checkpoint."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from models.ids import id_pattern
from models.specs.base import Spec


class SampleParams(Spec):
    """The same checkpoint and seed give the same bytes on the same device."""

    count: Annotated[int, Field(ge=1, le=10_000)] = Field(64, description="How many images (or steps of a strip).")
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = Field(1, description="Seed of the noise.")
    output: Literal["grid", "images", "interpolation", "translate"] = Field(
        "grid",
        description="`grid`: one PNG; `images`: a zip of PNGs; `interpolation`: a strip that walks from the noise of "
        "`seed` to that of `seed` + 1; `translate` (cyclegan): the first images of `dataset` in the other domain.",
    )
    dataset: Annotated[str, Field(max_length=255)] | None = Field(
        None, description="Data set to translate; null: the one that the job was trained on. For `translate` only."
    )
    direction: Literal["a_to_b", "b_to_a"] = Field("a_to_b", description="Which way to translate.")


class SampleSource(Spec):
    """Where the weights come from."""

    job: Annotated[str, Field(pattern=id_pattern("job"))] = Field(description="The training job.")
    checkpoint: Annotated[str, Field(pattern=rf"^(best|latest)$|{id_pattern('art')}")] = Field(
        "best", description="`best` (by the recipe's `monitor`; without one, `latest`), `latest`, or an artifact id."
    )
