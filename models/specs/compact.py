"""`compact`: small, modern networks for good pictures within a minute."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from models.specs.base import EPOCHS, Beta, Epochs, NoiseParams, Rate, Width
from models.specs.on_alert import ON_ALERT, OnProbabilities
from models.specs.parameter_markers import Resumable
from models.specs.recipe import Recipe


class CompactParams(NoiseParams):
    """Defaults: the best of two dozen designs, by what they paint after 90 s on one core (decision 32)."""

    epochs: Epochs | None = Field(20, description=EPOCHS)
    width: Width = Field(
        32,
        description="Number of the generator's channels at half of the images' resolution. It grows by half of this "
        "each time the resolution halves, up to twice.",
    )
    batch_size: Annotated[int, Field(ge=2, le=8192)] = Field(
        32, description="Number of images per step. Small batches learn more from the same number of images."
    )
    noise_dim: Annotated[int, Field(ge=1, le=4096)] = Field(64, description="Length of the noise vector z.")
    learning_rate: Rate = Field(3e-3, description="Initial learning rate of both optimizers.")
    learning_rate_end: Annotated[float, Field(ge=0, le=1)] | None = Field(
        1e-4,
        description="Final learning rate, reached along a line at the end of the budget. If not set: the learning "
        "rate stays constant.",
    )
    decay_from: Annotated[float, Field(ge=0, le=1), Resumable.yes] = Field(
        0.5, description="Fraction of the budget after which the learning rate starts to fall."
    )
    beta1: Beta = Field(0.0, description="Adam's decay rate for the mean of the gradients.")
    beta2: Beta = Field(0.99, description="Adam's decay rate for the mean of the squared gradients.")
    penalty: Annotated[float, Field(ge=0, le=1000), Resumable.yes] = Field(
        0.5,
        description="Weight of the penalty R1 (Mescheder et al. 2018). Higher values stabilise training, lower ones "
        "give sharper images.",
    )
    penalty_every: Annotated[int, Field(ge=1, le=100), Resumable.yes] = Field(
        4,
        description="Interval, in iterations, at which the penalty is computed, with a weight larger by as much "
        "(Karras et al. 2020). Higher values are faster.",
    )
    shift: Annotated[int, Field(ge=0, le=64), Resumable.yes] = Field(
        1,
        description="The discriminator sees all images moved at random by up to this many pixels each way, so that it "
        "does not learn small data sets by heart.",
    )
    ema_half_life: Annotated[int, Field(ge=1, le=10**9)] | None = Field(
        1_000,
        description="Half-life, in images, of the moving average of the generator's weights. Grids, samples and "
        "weight files come from the average.",
    )
    on_alert: OnProbabilities = Field({}, description=ON_ALERT)


RECIPE = Recipe(
    name="compact",
    title="Compact",
    description="Small, modern networks for good pictures within minutes, without a GPU: cross-entropy with the "
    "penalty R1, and averaged weights.",
    source="Mescheder et al. 2018",
    params=CompactParams,
    sizes=(28, 32, 48, 64, 96, 128),
    position=0,
)
