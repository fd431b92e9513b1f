"""`cyclegan`: Zhu et al. 2017, translation between two domains without pairs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from models.specs.base import EPOCHS, AdversarialParams, Epochs
from models.specs.on_alert import ON_ALERT, OnPatches
from models.specs.parameter_markers import Group, Resumable
from models.specs.recipe import Needs, Preset, Recipe

Weight = Annotated[float, Field(ge=0, le=1000)]


class CycleganParams(AdversarialParams):
    """Defaults: the paper's, at the size of the data set; the preset adds what only the authors' code says."""

    epochs: Epochs | None = Field(200, description=EPOCHS + " One epoch shows every image of the larger domain once.")
    batch_size: Annotated[int, Field(ge=1, le=512)] = Field(1, description="Number of images of each domain per step.")
    cycle: Annotated[Weight, Resumable.yes] = Field(10.0, description="Weight of the cycle loss.")
    identity: Annotated[Weight, Resumable.yes] = Field(
        0.5, description="Weight of the identity loss, as a fraction of `cycle`. 0: no identity loss."
    )
    pool: Annotated[int, Field(ge=0, le=1000)] = Field(
        50, description="Number of past generated images to keep for the discriminators. 0: they see new ones only."
    )
    blocks: Annotated[int, Field(ge=1, le=16)] | None = Field(
        None, description="Number of residual blocks in each generator. If not set: 9 for 256 px and more, else 6."
    )
    decay_from: Annotated[float, Field(ge=0, le=1), Resumable.yes] = Field(
        0.5, description="Fraction of the budget after which the learning rates start to fall linearly to zero."
    )
    decay_every: Annotated[Literal["step", "epoch"], Resumable.yes] = Field(
        "step",
        description="How often the learning rates fall behind `decay_from`: at each step, or once an epoch, as in the "
        "authors' code.",
    )
    pairing: Annotated[Literal["epochs", "random"], Group.data] = Field(
        "epochs",
        description="How images of the two domains meet. `epochs`: each domain has epochs of its own, and the smaller "
        "one repeats sooner. `random`: as in the authors' code, an epoch of both is as long as the larger domain; it "
        "shows every image of A, some of them again if A is smaller, beside images of B drawn at random.",
    )
    jitter: Annotated[int, Field(ge=0, le=128)] | None = Field(
        None,
        description="Margin for random cropping: images are scaled to this many pixels more than "
        "`image_size`. If not set: 30 at 256 px, and in proportion at other sizes.",
    )
    monitor: Literal["g_loss_a", "g_loss_b", "cycle_loss"] | None = Field(
        None,
        description="Metric whose lowest epoch mean marks the checkpoint `best`. If not set: `best` is the latest.",
    )
    on_alert: OnPatches = Field({}, description=ON_ALERT)


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
    "decay_every": "epoch",
    "crop": "squash",
    "pairing": "random",
}


RECIPE = Recipe(
    name="cyclegan",
    title="CycleGAN",
    description="Translation between two domains without paired images (Zhu et al. 2017). A data set with "
    "classes works too: the first half of its classes becomes domain A, the other half domain B.",
    source="Zhu et al. 2017",
    params=CycleganParams,
    # A smaller image, halved four times, is too small for the discriminator's last convolution.
    sizes=range(24, 513, 4),
    position=8,
    needs=Needs.domains,
    presets=(
        Preset(
            "horse2zebra",
            "The settings of the paper and the authors' code: 100 epochs, then 100 with a learning rate that falls "
            "once an epoch, images squashed to 286x286 px (bicubic) and cropped to 256, all horses of an epoch beside "
            "zebras drawn at random, batches of 1.",
            HORSE2ZEBRA,
        ),
    ),
    networks=("generator_ab", "generator_ba", "discriminator_a", "discriminator_b"),
    outputs=("translate",),
)
