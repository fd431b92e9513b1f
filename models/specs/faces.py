"""`dcgan64` and `wgan_gp`: one pair of networks from a published tutorial on faces, with two ways to train it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from models.specs.base import EPOCHS, UPSAMPLE, Beta, Epochs, NoiseParams, Rate, Width
from models.specs.wgan import CriticParams

Norm = Literal["batch", "layer", "none"]


class Dcgan64Params(NoiseParams):
    """Defaults: Radford et al. 2016 with the tutorial's networks."""

    epochs: Epochs | None = Field(20, description=EPOCHS)
    width: Width = Field(
        32,
        description="Base number of channels. 32 learns digits on a laptop in minutes; the published networks have 64.",
    )
    batch_size: Annotated[int, Field(ge=2, le=8192)] = Field(64, description="Images a step.")
    noise_dim: Annotated[int, Field(ge=1, le=4096)] = Field(128, description="Length of the noise vector z.")
    norm: Norm = Field("batch", description="Normalisation in the discriminator.")
    upsample: bool = Field(False, description=UPSAMPLE)


class WganGpParams(CriticParams):
    """Defaults: Gulrajani et al. 2017, algorithm 1: Adam 1e-4 with betas 0 and .9, five critic steps, penalty 10."""

    learning_rate: Rate = Field(1e-4, description="Step size of both players.")
    beta1: Beta = Field(0.0, description="Adam's decay of the mean of gradients.")
    beta2: Beta = Field(0.9, description="Adam's decay of the mean of squared gradients.")
    noise_dim: Annotated[int, Field(ge=1, le=4096)] = Field(128, description="Length of the noise vector z.")
    penalty: Annotated[float, Field(ge=0, le=1000, strict=False)] = Field(
        10.0, description="Weight of the gradient penalty."
    )
    norm: Norm = Field(
        "layer",
        description="Normalisation in the critic. The penalty is per image, so `batch`, which mixes images, has no "
        "place here; the preset `celeba` has it because its source does.",
    )
    upsample: bool = Field(False, description=UPSAMPLE)


CELEBA: dict[str, object] = {
    "epochs": 10,
    "precision": "float32",
    "batch_size": 16,
    "learning_rate": 2e-4,
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
