"""`dcgan`: Radford et al. 2016, the 28-pixel networks of two published tutorials."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from models.specs.base import EPOCHS, Epochs, NoiseParams
from models.specs.on_alert import ON_ALERT, OnProbabilities
from models.specs.recipe import Preset, Recipe


class DcganParams(NoiseParams):
    """Defaults: Adam 2e-4 with betas .5 and .999, weights from N(0, .02): strokes appear within 4 epochs."""

    epochs: Epochs | None = Field(20, description=EPOCHS)
    init: Literal["normal", "default"] = Field(
        "normal",
        description="Initial weights. `normal`: from N(0, .02), as in the paper. `default`: PyTorch's initialisation.",
    )
    first_norm: bool = Field(
        False,
        description="Batch normalisation after the discriminator's first convolution too, as in both tutorials. "
        "false: none there, as in the paper.",
    )
    on_alert: OnProbabilities = Field({}, description=ON_ALERT)


ITHOME: dict[str, object] = {
    "epochs": 1000,
    "precision": "float32",
    "batch_size": 128,
    "learning_rate": 1e-3,
    "beta1": 0.9,
    "beta2": 0.999,
    "noise_dim": 100,
    "width": 64,
    "normalize_mean": 0.5,
    "normalize_std": 0.5,
    "shared_fakes": False,
    "init": "default",
    "first_norm": True,
    "drop_last": False,
    "split": "all",
    "monitor": "g_loss",
    "patience": 100,
}

DESIGNSPARK: dict[str, object] = {**ITHOME, "epochs": 100, "split": "train", "monitor": None, "patience": None}


RECIPE = Recipe(
    name="dcgan",
    title="DCGAN (28 px)",
    description="Convolutional networks with batch normalisation (Radford et al. 2016).",
    source="Radford et al. 2016",
    params=DcganParams,
    sizes=(28,),
    position=2,
    presets=(
        Preset(
            "ithome",
            "The article's settings: Adam at 1e-3 with default betas and initialisation, "
            "training and test images together (547 iterations an epoch), early stopping after 100 epochs without a "
            "better generator loss. The discriminator usually wins within one epoch, which raises an alert.",
            ITHOME,
        ),
        Preset(
            "designspark",
            "The benchmark's settings: 100 epochs. Compare devices by their seconds per epoch "
            "(published: about 310 s on a GTX 1080, about 1030 s on a Jetson Nano). The benchmark gives no learning "
            "rates: these are the ones of `ithome`.",
            DESIGNSPARK,
        ),
    ),
)
