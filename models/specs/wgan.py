"""`wgan`: Arjovsky et al. 2017 on convolutional networks of 16 to 256 pixels."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from models.messages import ParameterFaults
from models.specs.base import EPOCHS, UPSAMPLE, Epochs, NoiseParams, Rate, Width
from models.specs.fields import Resumable
from models.specs.recipe import POWERS_OF_TWO, Preset, Recipe


class CriticParams(NoiseParams):
    """What recipes with a critic share: several critic steps, and no labels to smooth."""

    epochs: Epochs | None = Field(40, description=EPOCHS)
    width: Width = Field(
        16,
        description="Base number of channels. 16 learns digits on a laptop in minutes; the published networks have 64.",
    )
    batch_size: Annotated[int, Field(ge=2, le=8192)] = Field(64, description="Images a step.")
    d_steps: Annotated[int, Field(ge=1, le=100)] = Field(5, description="Critic steps an iteration (the paper's 5).")

    @model_validator(mode="after")
    def _no_labels(self) -> Self:
        if self.label_smoothing:
            raise ValueError(ParameterFaults.no_smoothing_critic())
        return self


class WganParams(CriticParams):
    """Defaults: the paper's RMSprop and five critic steps, with a rate that learns digits in minutes."""

    optimizer: Literal["adam", "rmsprop"] = Field(
        "rmsprop", description="The paper found momentum to upset a critic with clipped weights."
    )
    learning_rate: Rate = Field(
        2e-4, description="Step size of both players. The paper's 5e-5 takes four times longer."
    )
    clip: Annotated[float, Field(gt=0, le=10, strict=False), Resumable.yes] = Field(
        0.01, description="The critic's weights are clipped to ± this before each of its steps."
    )
    boost_steps: Annotated[Annotated[int, Field(ge=1, le=1000)] | None, Resumable.yes] = Field(
        None, description="Critic steps of the iterations named by `boost_first` and `boost_every`; null: `d_steps`."
    )
    boost_first: Annotated[int, Field(ge=0, le=1_000_000), Resumable.yes] = Field(
        25, description="So many iterations at the start take `boost_steps`."
    )
    boost_every: Annotated[int, Field(ge=1, le=1_000_000), Resumable.yes] = Field(
        500, description="Every so many iterations, one takes `boost_steps`."
    )
    extra_layers: Annotated[int, Field(ge=0, le=8)] = Field(
        1, description="3x3 convolutions at the widest resolution of each network."
    )
    upsample: bool = Field(False, description=UPSAMPLE)


FASTAI_LSUN: dict[str, object] = {
    "epochs": 1,
    "precision": "float32",
    "batch_size": 64,
    "learning_rate": 1e-4,
    "optimizer": "rmsprop",
    "noise_dim": 100,
    "width": 64,
    "image_size": 64,
    "clip": 0.01,
    "d_steps": 5,
    "boost_steps": 100,
    "boost_first": 25,
    "boost_every": 500,
    "extra_layers": 1,
    "shared_fakes": False,
}


RECIPE = Recipe(
    name="wgan",
    title="WGAN",
    description="Wasserstein loss with clipped weights (Arjovsky et al. 2017) on convolutional networks of 16 "
    "to 256 pixels.",
    source="Arjovsky et al. 2017",
    params=WganParams,
    sizes=POWERS_OF_TWO,
    position=3,
    presets=(
        Preset(
            "fastai_lsun",
            "The course's settings for LSUN bedrooms at 64 px: 100 critic steps for the first 25 generator "
            "steps and at every 500th, else 5.",
            FASTAI_LSUN,
        ),
    ),
)
