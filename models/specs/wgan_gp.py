"""`wgan_gp`: Gulrajani et al. 2017 on the networks of `dcgan64`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from models.specs.base import UPSAMPLE, Beta, Rate
from models.specs.dcgan64 import CELEBA, Norm
from models.specs.parameter_markers import Resumable
from models.specs.recipe import POWERS_OF_TWO, Preset, Recipe
from models.specs.wgan import CriticParams


class WganGpParams(CriticParams):
    """Defaults: Gulrajani et al. 2017, algorithm 1: Adam 1e-4 with betas 0 and .9, five critic steps, penalty 10."""

    learning_rate: Rate = Field(1e-4, description="Learning rate of both networks.")
    beta1: Beta = Field(0.0, description="Adam's decay rate for the mean of the gradients.")
    beta2: Beta = Field(0.9, description="Adam's decay rate for the mean of the squared gradients.")
    noise_dim: Annotated[int, Field(ge=1, le=4096)] = Field(128, description="Length of the noise vector z.")
    penalty: Annotated[float, Field(ge=0, le=1000), Resumable.yes] = Field(
        10.0, description="Weight of the gradient penalty."
    )
    norm: Norm = Field(
        "layer",
        description="Normalisation in the critic. `batch` mixes images although the penalty is per image; "
        "it is here for the preset `celeba`, whose source uses it.",
    )
    upsample: bool = Field(False, description=UPSAMPLE)


# The tutorial names no rates; these are the ones of algorithm 1, as in the defaults.
WGAN_GP_CELEBA: dict[str, object] = {**CELEBA, "learning_rate": 1e-4, "beta1": 0.0, "beta2": 0.9}


RECIPE = Recipe(
    name="wgan_gp",
    title="WGAN-GP",
    description="Wasserstein loss with a gradient penalty (Gulrajani et al. 2017). Its networks are those of dcgan64.",
    source="Gulrajani et al. 2017",
    params=WganGpParams,
    sizes=POWERS_OF_TWO,
    position=5,
    presets=(
        Preset(
            "celeba",
            "The tutorial's settings: one critic step for two generator steps, and batch "
            "normalisation in the critic. The defaults (five critic steps, layer normalisation) train better, "
            "because the penalty is per image and batch normalisation mixes images. The tutorial names no learning "
            "rates and no number of epochs: Adam at 1e-4 with betas 0 and .9 is Gulrajani et al.'s, 10 epochs are our "
            "choice.",
            WGAN_GP_CELEBA,
        ),
    ),
)
