"""The recipes: their parameters, presets, the queues that can run them, and the data sets that fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from models.budget import with_changes
from models.compatibility import Fit, Needs
from models.specs import began, darknet, dcgan, faces, mlp_gan, r3gan, wgan
from models.specs.base import TrainParams
from models.specs.cyclegan import HORSE2ZEBRA, CycleganParams
from models.states import DeviceClass

ALL_QUEUES = (DeviceClass.gpu, DeviceClass.jetson, DeviceClass.cpu)
_POWERS = (16, 32, 64, 128, 256)


@dataclass(frozen=True)
class Preset:
    """A published setting, restated to the letter: what it changes from the recipe's defaults, and where it is from."""

    name: str
    description: str
    params: dict[str, Any]


@dataclass(frozen=True)
class Recipe:
    """A method with its networks, and the data sets that fit it."""

    name: str
    title: str
    description: str
    params: type[TrainParams]
    fit: Fit
    presets: tuple[Preset, ...] = ()
    networks: tuple[str, ...] = ("generator", "discriminator")
    queues: tuple[DeviceClass, ...] = ALL_QUEUES
    outputs: tuple[str, ...] = ("grid", "images", "interpolation")  # what a sampling job can make of its checkpoints

    def preset(self, name: str) -> Preset | None:
        """Return the preset of this name, or None."""
        return next((preset for preset in self.presets if preset.name == name), None)


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="mlp_gan",
            title="MLP GAN",
            description="The first GAN (Goodfellow et al. 2014) with fully connected networks. Digits in two minutes "
            "on a laptop.",
            params=mlp_gan.MlpGanParams,
            fit=Fit(range(8, 129)),
            presets=(
                Preset(
                    "laotou",
                    "The tutorial's own settings: normalisation .1/.5, fresh noise for each step, 1000 epochs. Its "
                    "normalisation leaves a frame of salt noise around the digits.",
                    mlp_gan.LAOTOU,
                ),
            ),
        ),
        Recipe(
            name="dcgan",
            title="DCGAN (28 px)",
            description="Convolutional networks with batch normalisation (Radford et al. 2016).",
            params=dcgan.DcganParams,
            fit=Fit((28,)),
            presets=(
                Preset(
                    "ithome",
                    "The article's settings: Adam 1e-3 with default betas and initialisation, training and test images "
                    "together, stop after 100 epochs without a better generator loss. The discriminator tends to win "
                    "within one epoch; the alerts say so.",
                    dcgan.ITHOME,
                ),
                Preset(
                    "designspark",
                    "The benchmark's settings: 100 epochs, seconds per epoch recorded, so that devices can be compared "
                    "(GTX 1080 about 310 s, Jetson Nano about 1030 s an epoch in the source).",
                    dcgan.DESIGNSPARK,
                ),
            ),
        ),
        Recipe(
            name="wgan",
            title="WGAN",
            description="Wasserstein loss with clipped weights (Arjovsky et al. 2017) on convolutional networks of 16 "
            "to 256 pixels.",
            params=wgan.WganParams,
            fit=Fit(_POWERS),
            presets=(
                Preset(
                    "fastai_lsun",
                    "The course's settings for LSUN bedrooms at 64 px: 100 critic steps for the first 25 generator "
                    "steps and at every 500th, else 5.",
                    wgan.FASTAI_LSUN,
                ),
            ),
        ),
        Recipe(
            name="dcgan64",
            title="DCGAN (faces)",
            description="The tutorial's networks for faces, a dense layer and transposed convolutions, with "
            "cross-entropy.",
            params=faces.Dcgan64Params,
            fit=Fit(_POWERS),
            presets=(
                Preset(
                    "celeba",
                    "The tutorial's settings: faces found, cropped and resized to 64 px, scaled to ±.5, batch 16, one "
                    "discriminator step to two generator steps.",
                    faces.CELEBA,
                ),
            ),
        ),
        Recipe(
            name="wgan_gp",
            title="WGAN-GP",
            description="Wasserstein loss with a gradient penalty (Gulrajani et al. 2017) on the networks of dcgan64.",
            params=faces.WganGpParams,
            fit=Fit(_POWERS),
            presets=(
                Preset(
                    "celeba",
                    "The tutorial's settings: one critic step to two generator steps and batch normalisation in the "
                    "critic. Batch normalisation mixes images, the penalty is per image: the defaults (five critic "
                    "steps, layer normalisation) train better.",
                    faces.CELEBA,
                ),
            ),
        ),
        Recipe(
            name="began",
            title="BEGAN",
            description="An auto-encoder as discriminator, balanced by k (Berthelot et al. 2017): steady, smooth. "
            "Noise is normal as in all recipes here; the paper draws it evenly from [-1, 1].",
            params=began.BeganParams,
            fit=Fit((16, 32, 64, 128)),
            presets=(
                Preset(
                    "celeba",
                    "Faces at 64 px. The tutorial found this method the easiest and gives no settings: these are the "
                    "paper's (Adam 1e-4, batch 16) with noise and code of 64.",
                    began.CELEBA,
                ),
            ),
        ),
        Recipe(
            name="r3gan",
            title="R3GAN",
            description="The modern baseline (Huang et al. 2024): paired relativistic loss with R1 and R2 penalties, "
            "residual networks without normalisation, averaged weights. Its blocks are plain 3x3 "
            "convolutions, the paper's are grouped.",
            params=r3gan.R3ganParams,
            fit=Fit(_POWERS),
            presets=(
                Preset(
                    "paper_64",
                    "The paper's schedule for 64 px: gamma 2 to .2, average of half a million images, two blocks a "
                    "resolution. Days on one GPU.",
                    r3gan.FACES_64,
                ),
            ),
        ),
        Recipe(
            name="cyclegan",
            title="CycleGAN",
            description="Translation between two domains without pairs (Zhu et al. 2017). A data set with classes "
            "serves too: its first half becomes domain A, the others B.",
            params=CycleganParams,
            # Four halvings of a smaller image leave the discriminator's last convolution nothing to look at.
            fit=Fit(range(24, 513, 4), Needs.domains),
            presets=(
                Preset(
                    "horse2zebra",
                    "The paper's settings: 100 epochs, then 100 with falling rates, scaled to 286 px and cropped to "
                    "256, batch 1.",
                    HORSE2ZEBRA,
                ),
            ),
            networks=("generator_ab", "generator_ba", "discriminator_a", "discriminator_b"),
            outputs=("translate",),
        ),
        Recipe(
            name="darknet",
            title="Darknet classifier",
            description="A residual classifier with one learning-rate cycle. Its networks judge other recipes' images.",
            params=darknet.DarknetParams,
            fit=Fit(range(16, 513), Needs.classes),
            presets=(
                Preset(
                    "fastai_cifar10",
                    "The notebook's settings for CIFAR-10: 30 epochs, one cycle to 1.3; 94.27 % in the source.",
                    darknet.FASTAI_CIFAR10,
                ),
            ),
            networks=("classifier",),
            outputs=(),
        ),
    )
}


def resolve_params(recipe: Recipe, preset: Preset | None, given: dict[str, Any]) -> TrainParams:
    """Fill in the preset and the defaults around what was given; what was given wins.

    A budget given in one unit replaces a budget that preset or defaults hold in the other.

    Raises:
        pydantic.ValidationError: a field is unknown, out of bounds or of the wrong type.
    """
    return recipe.params.model_validate(with_changes(preset.params if preset else {}, given))
