"""`darknet`: a residual classifier after Redmon and Farhadi 2018, with the published course notebook's schedule."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from models.messages import ParameterFaults
from models.specs.base import EPOCHS, Beta, Epochs, ParameterError, TrainParams, Width
from models.specs.on_alert import ON_ALERT, OnAlert
from models.specs.parameter_markers import Group, Resumable
from models.specs.recipe import Needs, Preset, Recipe


class DarknetParams(TrainParams):
    """Defaults: a smaller network than the notebook's, which learns digits in a minute on two cores."""

    targets: Literal["classes", "rotations"] = Field(
        "classes",
        description="What the network learns to name: the classes of the data set, or by how many quarter turns an "
        "image was rotated, which needs no classes (Gidaris et al. 2018). Each image of a batch is then shown in all "
        "four turns.",
    )
    epochs: Epochs | None = Field(6, description=EPOCHS)
    learning_rate: Annotated[float, Field(gt=0, le=10)] = Field(
        0.4,
        description="Highest learning rate of the cycle, which starts and ends at a fraction of it (see `cycle_div`).",
    )
    width: Width = Field(16, description="Number of channels in the first convolution. Each group doubles it.")
    groups: Annotated[list[Annotated[int, Field(ge=1, le=16)]], Field(min_length=2, max_length=6)] = Field(
        [1, 1, 1, 1],
        description="Number of residual blocks in each group. Every group but the second halves the resolution.",
    )
    cycle_div: Annotated[float, Field(ge=1, le=1000), Resumable.yes] = Field(
        20.0, description="Divisor of `learning_rate` for the rate at which the cycle starts and ends."
    )
    cycle_end: Annotated[float, Field(ge=0, le=0.9), Resumable.yes] = Field(
        0.2, description="Fraction of the budget, at the end, in which the learning rate falls on towards zero."
    )
    momentum: Annotated[Beta, Resumable.yes] = Field(0.95, description="Momentum of SGD at the lowest learning rate.")
    momentum_low: Annotated[Beta, Resumable.yes] = Field(
        0.85, description="Momentum of SGD at the highest learning rate."
    )
    weight_decay: Annotated[float, Field(ge=0, le=1), Resumable.yes] = Field(
        1e-4, description="L2 penalty on all weights."
    )
    label_smoothing: Annotated[float, Field(ge=0, le=0.5)] = Field(
        0.0, description="Fraction of the target probability that is spread over all classes."
    )
    flip: Annotated[bool | None, Resumable.yes] = Field(
        None,
        description="Mirror images at random. If not set: colour images only, because a mirrored digit is another "
        "character.",
    )
    shift: Annotated[int, Field(ge=0, le=64), Resumable.yes] = Field(
        4, description="Maximum random shift of an image, in pixels; its edges are reflected. 0: no shift."
    )
    normalize_channels: Annotated[bool, Group.data] = Field(
        False,
        description="Normalise each channel by its mean and standard deviation over all training images, instead of "
        "by `normalize_mean` and `normalize_std`.",
    )
    monitor: Literal["accuracy", "test_loss"] | None = Field(
        "accuracy", description="Metric on the test images whose best value marks the checkpoint `best`."
    )
    on_alert: OnAlert = Field({}, description=ON_ALERT)

    @model_validator(mode="after")
    def _test_images_stay_unseen(self) -> Self:
        if self.split == "all":
            raise ParameterError("split", ParameterFaults.train_split_only())
        return self


FASTAI_CIFAR10: dict[str, object] = {
    "epochs": 30,
    "precision": "float32",
    "batch_size": 256,
    "learning_rate": 1.3,
    "cycle_div": 20.0,
    "cycle_end": 0.2,
    "momentum": 0.95,
    "momentum_low": 0.85,
    "weight_decay": 1e-4,
    "width": 32,
    "groups": [1, 2, 4, 6, 3],
    "image_size": 32,
    "flip": True,
    "shift": 4,
    "normalize_channels": True,
    "drop_last": False,
}


def _names_turns(params: TrainParams) -> bool:
    return isinstance(params, DarknetParams) and params.targets == "rotations"


RECIPE = Recipe(
    name="darknet",
    title="Darknet classifier",
    description="A residual classifier, trained with one learning-rate cycle. Use it to judge the images "
    "of other recipes.",
    source="Redmon and Farhadi 2018",
    params=DarknetParams,
    sizes=range(16, 513),
    position=9,
    needs=Needs.classes,
    spares_classes=_names_turns,
    presets=(
        Preset(
            "fastai_cifar10",
            "The notebook's settings for CIFAR-10: 30 epochs, one cycle up to 1.3, each channel normalised by its "
            "statistics. Published accuracy: 94.27 %.",
            FASTAI_CIFAR10,
        ),
    ),
    networks=("classifier",),
    outputs=(),
)
