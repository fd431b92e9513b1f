"""`r3gan`: Huang et al. 2024, the modern baseline."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from models.messages import ParameterFaults
from models.specs.base import EPOCHS, Beta, Epochs, NoiseParams, Rate, Width
from models.specs.parameter_markers import Resumable
from models.specs.recipe import POWERS_OF_TWO, Preset, Recipe

Gamma = Annotated[float, Field(ge=0, le=1000, strict=False)]


class R3ganParams(NoiseParams):
    """Defaults: the paper's method, with rates, penalties and an average for thousands of steps instead of hundreds of
    thousands; the preset has the paper's own."""

    epochs: Epochs | None = Field(12, description=EPOCHS)
    width: Width = Field(
        16,
        description="Number of channels at full resolution. It doubles each time the resolution halves, up "
        "to 8 times. With 16, a laptop learns digits in minutes; the paper's networks have 64 and more.",
    )
    batch_size: Annotated[int, Field(ge=2, le=8192)] = Field(16, description="Number of images per step.")
    noise_dim: Annotated[int, Field(ge=1, le=4096)] = Field(64, description="Length of the noise vector z.")
    learning_rate: Rate = Field(1e-3, description="Initial learning rate of both optimizers. Paper: 2e-4.")
    learning_rate_end: Annotated[float, Field(ge=0, le=1, strict=False)] | None = Field(
        1e-4,
        description="Final learning rate, reached along a cosine over the budget. If not set: the learning rate "
        "stays constant.",
    )
    beta1: Beta = Field(0.0, description="Adam's decay rate for the mean of the gradients.")
    beta2: Beta = Field(0.9, description="Adam's initial decay rate for the mean of the squared gradients.")
    beta2_end: Annotated[Beta, Resumable.yes] = Field(
        0.99, description="Final value of `beta2`, reached along a cosine over the budget."
    )
    gamma: Annotated[Gamma, Resumable.yes] = Field(
        2.0,
        description="Initial weight of the penalties R1 and R2. Higher values stabilise training, lower "
        "ones give sharper images. Paper: 2 for faces at 64 px, .05 for CIFAR-10 over hundreds of millions of "
        "images.",
    )
    gamma_end: Annotated[Gamma, Resumable.yes] = Field(
        0.2, description="Final value of `gamma`, reached along a cosine over the budget."
    )
    ema_half_life: Annotated[int, Field(ge=1, le=10**9)] | None = Field(
        2_000,
        description="Half-life, in images, of the moving average of the generator's weights. Grids, "
        "samples and weight files come from the average. The paper's values, 5,000,000 at 32 px and 500,000 at 64 "
        "px, suit runs of hundreds of millions of images.",
    )
    blocks: Annotated[int, Field(ge=1, le=4)] = Field(
        1, description="Number of residual blocks per resolution. Paper: 2."
    )

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
    description="The modern baseline (Huang et al. 2024): a relativistic loss on pairs with R1 and R2 "
    "penalties, residual networks without normalisation, and averaged weights. Its blocks have plain 3x3 "
    "convolutions; the paper's are grouped.",
    source="Huang et al. 2024",
    params=R3ganParams,
    sizes=POWERS_OF_TWO,
    position=7,
    presets=(
        Preset(
            "paper_64",
            "The paper's schedule for 64 px: gamma from 2 to .2, a half-life of 500,000 "
            "images, two blocks per resolution. Takes days on one GPU.",
            FACES_64,
        ),
    ),
)
