"""`dcgan64`: the networks of a published tutorial on faces, trained as a DCGAN."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from models.specs.base import EPOCHS, UPSAMPLE, Epochs, NoiseParams, Width
from models.specs.on_alert import ON_ALERT, OnProbabilities
from models.specs.recipe import POWERS_OF_TWO, Preset, Recipe

Norm = Literal["batch", "layer", "none"]


class Dcgan64Params(NoiseParams):
    """Defaults: Radford et al. 2016 with the tutorial's networks."""

    epochs: Epochs | None = Field(20, description=EPOCHS)
    width: Width = Field(
        32,
        description="Base number of channels. With 32, a laptop learns digits in minutes; the published "
        "networks have 64.",
    )
    batch_size: Annotated[int, Field(ge=2, le=8192)] = Field(64, description="Number of images per step.")
    noise_dim: Annotated[int, Field(ge=1, le=4096)] = Field(128, description="Length of the noise vector z.")
    norm: Norm = Field("batch", description="Normalisation in the discriminator.")
    upsample: bool = Field(False, description=UPSAMPLE)
    on_alert: OnProbabilities = Field({}, description=ON_ALERT)


CELEBA: dict[str, object] = {
    "epochs": 10,
    "precision": "float32",
    "batch_size": 16,
    "learning_rate": 2e-4,
    "beta1": 0.5,
    "beta2": 0.999,
    "noise_dim": 128,
    "width": 64,
    "image_size": 64,
    "crop": "face",
    "normalize_mean": 0.5,
    "normalize_std": 1.0,
    "d_steps": 1,
    "g_steps": 2,
    "norm": "batch",
    "shared_fakes": False,
    "metrics_every": {"steps": 100},
    "grid_every": {"steps": 400},
}


RECIPE = Recipe(
    name="dcgan64",
    title="DCGAN (faces)",
    description="The tutorial's networks for faces: a dense layer and transposed convolutions, trained "
    "with cross-entropy.",
    source="Radford et al. 2016",
    params=Dcgan64Params,
    sizes=POWERS_OF_TWO,
    position=4,
    presets=(
        Preset(
            "celeba",
            "The tutorial's settings: detected faces cropped and resized to 64 px, pixels "
            "scaled to ±.5, batches of 16, one discriminator step for two generator steps. The tutorial names no "
            "learning rates and no number of epochs: Adam at 2e-4 with betas .5 and .999 is Radford et al.'s, 10 "
            "epochs are our choice.",
            CELEBA,
        ),
    ),
)
