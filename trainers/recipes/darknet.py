"""`darknet`: the residual classifier of a published course notebook, after Redmon and Farhadi 2018."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from trainers.data.loader import TURNS
from trainers.recipes.recipe import DataInfo, Recipe

if TYPE_CHECKING:
    from models.specs.darknet import DarknetParams


# The value of the parameter `targets` for which the network names quarter turns instead of classes: 0, 1, 2 or 3.
ROTATIONS = "rotations"


def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Convolution, batch normalisation with momentum .01, LeakyReLU with slope .1."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs, momentum=0.01),
        nn.LeakyReLU(0.1, inplace=True),
    )


class Residual(nn.Module):
    """1x1 to half the channels, 3x3 back to all, beside the identity: (batch, channels, h, w) -> the same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(convolution(channels, channels // 2, 1), convolution(channels // 2, channels, 3))

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the inputs plus the output of the convolutions."""
        outputs: Tensor = inputs + self.layers(inputs)
        return outputs


class Darknet(nn.Module):
    """Images (batch, channels, size, size) -> logits (batch, classes).

    Each group doubles the channels, and halves the resolution but for the second, then has its residual blocks.
    """

    def __init__(self, channels: int, classes: int, width: int, groups: list[int]) -> None:
        super().__init__()
        layers: list[nn.Module] = [convolution(channels, width, 3)]
        many = width
        for number, blocks in enumerate(groups):
            layers.append(convolution(many, 2 * many, 3, 1 if number == 1 else 2))
            many *= 2
            layers += [Residual(many) for _ in range(blocks)]
        self.layers = nn.Sequential(*layers)
        self.last = nn.Linear(many, classes)

    def features(self, images: Tensor) -> Tensor:
        """Return the input of the last layer: means over the pixels, (batch, features)."""
        seen: Tensor = self.layers(images).mean((2, 3))
        return seen

    def forward(self, images: Tensor) -> Tensor:
        """Return one logit for each class."""
        logits: Tensor = self.last(self.features(images))
        return logits


def networks(params: DarknetParams, data: DataInfo) -> dict[str, nn.Module]:
    """Build the classifier, with an output for each class or for each number of quarter turns."""
    # Jobs from before the parameter have classes.
    outputs = TURNS if vars(params).get("targets") == ROTATIONS else data.classes
    return {"classifier": Darknet(data.shape[0], outputs, params.width, params.groups)}


RECIPE = Recipe(networks, method="classification")
