"""`wgan`: Arjovsky et al. 2017 on convolutional networks of 16 to 256 pixels."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from models.messages import ParameterFaults
from models.specs.base import EPOCHS, UPSAMPLE, Epochs, NoiseParams, ParameterError, Rate, Width
from models.specs.on_alert import ON_ALERT, OnScores
from models.specs.parameter_markers import Resumable
from models.specs.recipe import POWERS_OF_TWO, Preset, Recipe


class CriticParams(NoiseParams):
    """Parameters of recipes with a critic, which has several steps and no labels to smooth."""

    epochs: Epochs | None = Field(40, description=EPOCHS)
    width: Width = Field(
        16,
        description="Base number of channels. With 16, a laptop learns digits in minutes; the published "
        "networks have 64.",
    )
    batch_size: Annotated[int, Field(ge=2, le=8192)] = Field(64, description="Number of images per step.")
    d_steps: Annotated[int, Field(ge=1, le=100)] = Field(
        5, description="Number of critic steps per iteration. Paper: 5."
    )
    on_alert: OnScores = Field({}, description=ON_ALERT)

    @model_validator(mode="after")
    def _no_labels(self) -> Self:
        if self.label_smoothing:
            raise ParameterError("label_smoothing", ParameterFaults.no_smoothing_critic())
        return self


class WganParams(CriticParams):
    """Defaults: the paper's RMSprop and five critic steps, with a rate that learns digits in minutes."""

    optimizer: Literal["adam", "rmsprop"] = Field(
        "rmsprop",
        description="Optimizer of both networks. The paper found that momentum destabilises a critic with "
        "clipped weights.",
    )
    learning_rate: Rate = Field(
        2e-4, description="Learning rate of both networks. The paper's 5e-5 takes four times as long."
    )
    clip: Annotated[float, Field(gt=0, le=10), Resumable.yes] = Field(
        0.01, description="Bound for the critic's weights: they are clipped to ± this value before each critic step."
    )
    boost_steps: Annotated[Annotated[int, Field(ge=1, le=1000)] | None, Resumable.yes] = Field(
        None,
        description="Number of critic steps in the iterations that `boost_first` and `boost_every` select. "
        "If not set: `d_steps`.",
    )
    boost_first: Annotated[int, Field(ge=0, le=1_000_000), Resumable.yes] = Field(
        25, description="Number of iterations at the start that use `boost_steps`."
    )
    boost_every: Annotated[int, Field(ge=1, le=1_000_000), Resumable.yes] = Field(
        500, description="Interval, in iterations, at which one iteration uses `boost_steps`."
    )
    extra_layers: Annotated[int, Field(ge=0, le=8)] = Field(
        1, description="Number of extra 3x3 convolutions in each network, at half of the image size."
    )
    upsample: bool = Field(False, description=UPSAMPLE)

    @property
    def several_d_steps(self) -> str | None:
        """See `NoiseParams.several_d_steps`."""
        return super().several_d_steps or ("boost_steps" if (self.boost_steps or 1) > 1 else None)


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
    "drop_last": False,
}


RECIPE = Recipe(
    name="wgan",
    title="WGAN",
    description="Wasserstein loss with clipped weights (Arjovsky et al. 2017). Convolutional networks for "
    "16 to 256 pixels.",
    source="Arjovsky et al. 2017",
    params=WganParams,
    sizes=POWERS_OF_TWO,
    position=3,
    presets=(
        Preset(
            "fastai_lsun",
            "The course's settings for LSUN bedrooms at 64 px: 100 critic steps in each of the "
            "first 25 iterations and in every 500th, 5 in all others.",
            FASTAI_LSUN,
        ),
    ),
)
