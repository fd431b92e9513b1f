"""`cyclegan`: Zhu et al. 2017, translation between two domains without pairs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from models.specs.base import EPOCHS, AdversarialParams, Epochs

Weight = Annotated[float, Field(ge=0, le=1000, strict=False)]


class CycleganParams(AdversarialParams):
    """Defaults: the paper's, at the size of the data set."""

    epochs: Epochs | None = Field(200, description=EPOCHS + " An epoch shows the larger domain once.")
    batch_size: Annotated[int, Field(ge=1, le=512)] = Field(1, description="Images of each domain a step.")
    cycle: Weight = Field(10.0, description="Weight of the cycle loss.")
    identity: Weight = Field(0.5, description="Weight of the identity loss, as a share of `cycle`; 0: none.")
    pool: Annotated[int, Field(ge=0, le=1000)] = Field(
        50, description="Fakes of the past that the discriminators are shown again; 0: only new ones."
    )
    blocks: Annotated[int, Field(ge=1, le=16)] | None = Field(
        None, description="Residual blocks of each generator; null: 9 from 256 px on, else 6."
    )
    decay_from: Annotated[float, Field(ge=0, le=1, strict=False)] = Field(
        0.5, description="Share of the budget from which on the learning rates fall linearly to zero."
    )
    jitter: Annotated[int, Field(ge=0, le=128)] | None = Field(
        None,
        description="Images are scaled to this many pixels more than `image_size` and cropped at random; null: 30 at "
        "256 px and in proportion.",
    )
    monitor: Literal["g_loss_a", "g_loss_b", "cycle_loss"] | None = Field(
        None, description="Epoch mean whose minimum marks the checkpoint `best`; null: `best` is the latest."
    )


HORSE2ZEBRA: dict[str, object] = {
    "epochs": 200,
    "precision": "float32",
    "batch_size": 1,
    "learning_rate": 2e-4,
    "beta1": 0.5,
    "beta2": 0.999,
    "width": 64,
    "image_size": 256,
    "cycle": 10.0,
    "identity": 0.5,
    "pool": 50,
    "blocks": 9,
    "decay_from": 0.5,
    "jitter": 30,
}
