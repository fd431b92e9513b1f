"""`r3gan`: Huang et al. 2024, the modern baseline."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from models.messages import ParameterFaults
from models.specs.base import EPOCHS, Beta, Epochs, NoiseParams, ParameterError, Rate, Width
from models.specs.on_alert import ON_ALERT, OnProbabilities
from models.specs.parameter_markers import Group, Resumable
from models.specs.recipe import POWERS_OF_TWO, Preset, Recipe

Gamma = Annotated[float, Field(ge=0, le=1000)]


class R3ganParams(NoiseParams):
    """Defaults: the paper's method, with rates, penalties and an average for thousands of steps instead of hundreds of
    thousands; the preset has the paper's own."""

    epochs: Epochs | None = Field(12, description=EPOCHS)
    width: Width = Field(
        16,
        description="Number of channels at full resolution. It doubles each time the resolution halves, up "
        "to `max_width`. With 16, a laptop learns digits in minutes; the paper's networks have 96 and more.",
    )
    max_width: Annotated[int, Field(ge=4, le=4096)] | None = Field(
        None, description="Highest number of channels at any resolution. If not set: 8 times `width`. Paper: 768."
    )
    batch_size: Annotated[int, Field(ge=2, le=8192)] = Field(16, description="Number of images per step.")
    noise_dim: Annotated[int, Field(ge=1, le=4096)] = Field(64, description="Length of the noise vector z.")
    learning_rate: Rate = Field(1e-3, description="Initial learning rate of both optimizers. Paper: 2e-4.")
    learning_rate_end: Annotated[float, Field(ge=0, le=1)] | None = Field(
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
    ema_half_life_start: Annotated[Annotated[int, Field(ge=0, le=10**9)] | None, Resumable.yes] = Field(
        None,
        description="Initial half-life of the average, which moves to `ema_half_life` along a cosine over the budget. "
        "If not set: the half-life stays constant. Paper: 0.",
    )
    blocks: Annotated[int, Field(ge=1, le=4)] = Field(
        1, description="Number of residual blocks per resolution. Paper: 2."
    )
    block_kind: Literal["plain", "grouped"] = Field(
        "plain",
        description="Design of the networks. `plain`: two 3x3 convolutions in a block, fast on a CPU. `grouped`: the "
        "paper's, a 3x3 convolution in groups of 16 channels between two 1x1 convolutions, with twice the channels "
        "inside; resolutions change with zeros beyond the edges, and the discriminator's first layer has no bias.",
    )
    fresh_reals: bool = Field(
        False,
        description="Compare generated images with new real images in the generator's step, as the paper does. false: "
        "with those of the discriminator's last step. New ones do not count towards the budget.",
    )
    flip: Annotated[bool, Group.data, Resumable.yes] = Field(
        False, description="Mirror real images at random. Unsuitable for digits and letters."
    )
    on_alert: OnProbabilities = Field({}, description=ON_ALERT)

    @model_validator(mode="after")
    def _no_labels(self) -> Self:
        if self.label_smoothing:
            raise ParameterError("label_smoothing", ParameterFaults.no_smoothing_pairs())
        return self

    @model_validator(mode="after")
    def _half_life_has_an_end(self) -> Self:
        if self.ema_half_life_start is not None and self.ema_half_life is None:
            raise ParameterError("ema_half_life_start", ParameterFaults.ema_start_needs_half_life())
        return self

    @model_validator(mode="after")
    def _widest_is_not_narrower(self) -> Self:
        if self.max_width is not None and self.max_width < self.width:
            raise ParameterError("max_width", ParameterFaults.max_width_below_width(width=self.width))
        return self


# The official configuration for FFHQ at 64 px. Its widths are 768 channels from 4 to 32 px, and 384 at 64 px.
FACES_64: dict[str, object] = {
    "epochs": None,
    "images": 20_000_000,
    "batch_size": 256,
    "image_size": 64,
    "learning_rate": 2e-4,
    "learning_rate_end": 5e-5,
    "beta2": 0.9,
    "beta2_end": 0.99,
    "gamma": 2.0,
    "gamma_end": 0.2,
    "ema_half_life": 500_000,
    "ema_half_life_start": 0,
    "noise_dim": 64,
    "width": 384,
    "max_width": 768,
    "blocks": 2,
    "block_kind": "grouped",
    "shared_fakes": False,
    "fresh_reals": True,
    "flip": True,
}


RECIPE = Recipe(
    name="r3gan",
    title="R3GAN",
    description="The modern baseline (Huang et al. 2024): a relativistic loss on pairs with R1 and R2 "
    "penalties, residual networks without normalisation, and averaged weights. Its default blocks have plain 3x3 "
    "convolutions; `paper_64` has the paper's grouped ones.",
    source="Huang et al. 2024",
    params=R3ganParams,
    sizes=POWERS_OF_TWO,
    position=7,
    presets=(
        Preset(
            "paper_64",
            "The official configuration for FFHQ at 64 px, for the 20 million images over which its schedules run; the "
            "source trains on at their final values. Left out: the source's augmentation of what the discriminator "
            "sees (mirrors, quarter turns, shifts, scaling, rotation, colours, cut-outs; their probability rises to "
            ".3). Its interpolation has no kernel on a GPU that gives the same bits in every run. Takes days on one "
            "GPU.",
            FACES_64,
        ),
    ),
)
