"""`r3gan`: Huang et al. 2024, the modern baseline."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from models.messages import ParameterFaults
from models.specs.base import EPOCHS, Beta, Epochs, NoiseParams, Rate, Width
from models.specs.fields import Resumable
from models.specs.recipe import POWERS_OF_TWO, Preset, Recipe

Gamma = Annotated[float, Field(ge=0, le=1000, strict=False)]


class R3ganParams(NoiseParams):
    """Defaults: the paper's method, with rates, penalties and an average for thousands of steps instead of hundreds of
    thousands; the preset has the paper's own."""

    epochs: Epochs | None = Field(12, description=EPOCHS)
    width: Width = Field(
        16,
        description="Channels at the full resolution, doubled with each halving, to 8 times at most. 16 learns digits "
        "on a laptop in minutes; the paper's networks have 64 and more.",
    )
    batch_size: Annotated[int, Field(ge=2, le=8192)] = Field(16, description="Images a step.")
    noise_dim: Annotated[int, Field(ge=1, le=4096)] = Field(64, description="Length of the noise vector z.")
    learning_rate: Rate = Field(1e-3, description="Step size of both optimizers at the start. Paper: 2e-4.")
    learning_rate_end: Annotated[float, Field(ge=0, le=1, strict=False)] | None = Field(
        1e-4, description="Learning rates fall to this along a cosine over the budget; null: they stay."
    )
    beta1: Beta = Field(0.0, description="Adam's decay of the mean of gradients.")
    beta2: Beta = Field(0.9, description="Adam's decay of the mean of squared gradients, at the start.")
    beta2_end: Annotated[Beta, Resumable.yes] = Field(
        0.99, description="`beta2` rises to this along a cosine over the budget."
    )
    gamma: Annotated[Gamma, Resumable.yes] = Field(
        2.0,
        description="Weight of the penalties R1 and R2 at the start: more steadies, less sharpens. Paper: .05 for "
        "small colour images by the hundred million, 2 for faces of 64 px.",
    )
    gamma_end: Annotated[Gamma, Resumable.yes] = Field(
        0.2, description="`gamma` falls to this along a cosine over the budget."
    )
    ema_half_life: Annotated[int, Field(ge=1, le=10**9)] | None = Field(
        2_000,
        description="Half-life, in images, of the average of the generator that makes grids, samples and weights. The "
        "paper's 5,000,000 at 32 px (500,000 at 64 px) belongs to runs of hundreds of millions of images.",
    )
    blocks: Annotated[int, Field(ge=1, le=4)] = Field(1, description="Residual blocks at each resolution (paper: 2).")

    @model_validator(mode="after")
    def _no_labels(self) -> Self:
        if self.label_smoothing:
            raise ValueError(ParameterFaults.no_smoothing_pairs())
        return self


FACES_64: dict[str, object] = {
    "epochs": None,
    "images": 50_000_000,
    "batch_size": 256,
    "image_size": 64,
    "learning_rate": 2e-4,
    "learning_rate_end": 5e-5,
    "gamma": 2.0,
    "gamma_end": 0.2,
    "ema_half_life": 500_000,
    "blocks": 2,
    "width": 64,
}


RECIPE = Recipe(
    name="r3gan",
    title="R3GAN",
    description="The modern baseline (Huang et al. 2024): paired relativistic loss with R1 and R2 penalties, "
    "residual networks without normalisation, averaged weights. Its blocks are plain 3x3 "
    "convolutions, the paper's are grouped.",
    source="Huang et al. 2024",
    params=R3ganParams,
    sizes=POWERS_OF_TWO,
    position=7,
    presets=(
        Preset(
            "paper_64",
            "The paper's schedule for 64 px: gamma 2 to .2, average of half a million images, two blocks a "
            "resolution. Days on one GPU.",
            FACES_64,
        ),
    ),
)
