"""`mlp_gan`: Goodfellow et al. 2014 with fully connected networks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from models.specs.base import EPOCHS, Beta, Epochs, NoiseParams, Rate, Width
from models.specs.on_alert import ON_ALERT, OnProbabilities
from models.specs.parameter_markers import Group, Resumable
from models.specs.recipe import Preset, Recipe


class MlpGanParams(NoiseParams):
    """Defaults: images scaled to ±1 and Adam 3e-4 show recognisable digits after 60 epochs of 9,000 images."""

    epochs: Epochs | None = Field(60, description=EPOCHS)
    learning_rate: Rate = Field(3e-4, description="Learning rate of both optimizers, unless a network has its own.")
    noise_dim: Annotated[int, Field(ge=1, le=4096)] = Field(50, description="Length of the noise vector z.")
    width: Width = Field(
        128,
        description="Number of units in the generator's first hidden layer. Its next layers have 2, 4 and "
        "8 times as many, the discriminator's hidden layers 4 and 2 times.",
    )
    beta1: Beta = Field(0.9, description="Adam's decay rate for the mean of the gradients.")
    init: Literal["mean", "default"] = Field(
        "mean",
        description="Initial weights. `mean`: the generator starts at the mean image of the data. "
        "`default`: PyTorch's initialisation; a constant frame around the images then stays noise, because the "
        "discriminator's batch normalisation hides it.",
    )
    tutorial_grids: Annotated[bool, Group.records, Resumable.yes] = Field(
        False,
        description="Draw grids as the tutorial does: the generator in training mode, normalised by the statistics of "
        "the images drawn, and every pixel as (x + 1) / 2. false: the generator in evaluation mode, as for samples, "
        "and the normalisation of pixels undone.",
    )
    on_alert: OnProbabilities = Field({}, description=ON_ALERT)


LAOTOU: dict[str, object] = {
    "epochs": 1000,
    "precision": "float32",
    "batch_size": 128,
    "learning_rate": 3e-4,
    "beta1": 0.9,
    "beta2": 0.999,
    "noise_dim": 50,
    "width": 128,
    "normalize_mean": 0.1,
    "normalize_std": 0.5,
    "shared_fakes": False,
    "init": "default",
    "drop_last": False,
    "tutorial_grids": True,
    "metrics_every": {"steps": 100},
    "grid_every": {"epochs": 1},
}


RECIPE = Recipe(
    name="mlp_gan",
    title="MLP GAN",
    description="The first GAN (Goodfellow et al. 2014), with fully connected networks. Generates digits "
    "after two minutes on a laptop.",
    source="Goodfellow et al. 2014",
    params=MlpGanParams,
    sizes=range(8, 129),
    position=1,
    presets=(
        Preset(
            "laotou",
            "The tutorial's settings: pixels normalised with mean .1 and standard deviation .5, new noise for every "
            "step, 1000 epochs. This normalisation leaves a frame of noise around the digits. Grids are drawn in "
            "training mode and without undoing the normalisation, so real images look grey. They always show the same "
            "noise; the tutorial shows the last batch of each epoch.",
            LAOTOU,
        ),
    ),
)
