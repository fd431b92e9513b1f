"""`began`: Berthelot et al. 2017, whose discriminator is an auto-encoder."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from models.messages import ParameterFaults
from models.specs.base import EPOCHS, Epochs, NoiseParams, ParameterError, Rate, Width
from models.specs.on_alert import ON_ALERT, OnErrors
from models.specs.parameter_markers import Resumable
from models.specs.recipe import Preset, Recipe


class BeganParams(NoiseParams):
    """Defaults: the balance of the paper. Its sources give no other settings, so the rest are our own."""

    epochs: Epochs | None = Field(15, description=EPOCHS)
    width: Width = Field(32, description="Number of channels in the convolutions. Preset: 64. Paper: 128.")
    batch_size: Annotated[int, Field(ge=2, le=8192)] = Field(16, description="Number of images per step. Paper: 16.")
    learning_rate: Rate = Field(1e-4, description="Learning rate of both networks. Paper: 1e-4.")
    noise_dim: Annotated[int, Field(ge=1, le=4096)] = Field(64, description="Length of the noise vector z.")
    hidden: Annotated[int, Field(ge=4, le=4096)] = Field(64, description="Length of the auto-encoder's code.")
    gamma: Annotated[float, Field(gt=0, le=1), Resumable.yes] = Field(
        0.75,
        description="Target ratio of the loss of generated images to that of real images. Lower values "
        "give sharper, less diverse images.",
    )
    lambda_k: Annotated[float, Field(gt=0, le=1), Resumable.yes] = Field(
        0.001, description="Learning rate of the balance factor k."
    )

    halve_after: Annotated[Annotated[int, Field(ge=1, le=100_000)] | None, Resumable.while_set] = Field(
        None,
        description="Number of epochs in a row without a lower mean of `balance`, the measure of convergence, after "
        "which both learning rates are halved. If not set: they are not halved.",
    )
    on_alert: OnErrors = Field({}, description=ON_ALERT)

    @model_validator(mode="after")
    def _no_labels(self) -> Self:
        if self.label_smoothing:
            raise ParameterError("label_smoothing", ParameterFaults.no_smoothing_auto_encoder())
        return self


CELEBA: dict[str, object] = {
    "epochs": 10,
    "precision": "float32",
    "batch_size": 16,
    "learning_rate": 1e-4,
    "noise_dim": 64,
    "hidden": 64,
    "width": 64,
    "image_size": 64,
    "crop": "face",
    "gamma": 0.75,
    "lambda_k": 0.001,
    "shared_fakes": False,
    "halve_after": 1,
    "metrics_every": {"steps": 100},
    "grid_every": {"steps": 400},
}


RECIPE = Recipe(
    name="began",
    title="BEGAN",
    description="The discriminator is an auto-encoder, and a factor k balances both networks (Berthelot et "
    "al. 2017). Trains stably and gives smooth images. Noise is normally distributed, as in all recipes here; the "
    "paper draws it uniformly from [-1, 1].",
    source="Berthelot et al. 2017",
    params=BeganParams,
    sizes=(16, 32, 64, 128),
    position=6,
    presets=(
        Preset(
            "celeba",
            "Faces at 64 px. The tutorial recommends this method without giving settings. "
            "These are the paper's: Adam at 1e-4, halved when the measure of convergence stalls, batches of 16, noise "
            "and code of length 64, noise of its own for each network. The paper does not say when a measure stalls, "
            "nor Adam's betas: an epoch without a lower mean, .5 and .999 are our choice, as are 64 channels (128 in "
            "the paper) and 10 epochs.",
            CELEBA,
        ),
    ),
)
