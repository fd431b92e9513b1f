"""One file per method. A recipe is its networks and how they are put to work; iterations and the loop are shared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, NamedTuple

import torch

from trainers.data.rng import initial_weights
from trainers.methods import objectives
from trainers.process.errors import TrainerError
from trainers.recipes import began, cyclegan, darknet, dcgan, faces, mlp_gan, r3gan, wgan

if TYPE_CHECKING:
    from torch import Tensor, nn

    from trainers.methods.adversarial import Players
    from trainers.methods.objectives import Objective


class Facts(NamedTuple):
    """What networks must know of the data: (channels, height, width), the number of classes, the mean image or None."""

    shape: tuple[int, ...]
    classes: int
    mean: Tensor | None = None


class Recipe(NamedTuple):
    """How to build a recipe's networks, by name; and what the players minimise, for recipes that paint from noise."""

    networks: Callable[[Any, Facts], dict[str, nn.Module]]
    objective: Callable[[Any, torch.device], Objective] = objectives.cross_entropy
    kind: str = "adversarial"
    # Convolutions with their weights as oneDNN's and cuDNN's kernels want them: up to half as fast again on a CPU, but
    # not where most of the time goes into second derivatives of small networks.
    channels_last: bool = True


def _pair(
    players: Callable[[Any, tuple[int, ...], Tensor | None], Players],
) -> Callable[[Any, Facts], dict[str, nn.Module]]:
    def build(params: Any, facts: Facts) -> dict[str, nn.Module]:
        return dict(players(params, facts.shape, facts.mean)._asdict())

    return build


RECIPES = {
    "mlp_gan": Recipe(_pair(mlp_gan.players), objectives.cross_entropy),
    "dcgan": Recipe(_pair(dcgan.players), objectives.cross_entropy),
    "wgan": Recipe(_pair(wgan.players), wgan.objective),
    "dcgan64": Recipe(_pair(faces.players), objectives.cross_entropy),
    "wgan_gp": Recipe(_pair(faces.players), faces.penalised),
    "began": Recipe(_pair(began.players), objectives.balance),
    "r3gan": Recipe(_pair(r3gan.players), objectives.relativistic, channels_last=False),
    "cyclegan": Recipe(lambda params, facts: cyclegan.networks(params, facts.shape), kind="translation"),
    "darknet": Recipe(
        lambda params, facts: darknet.networks(params, facts.shape, facts.classes), kind="classification"
    ),
}


def find(name: str) -> Recipe:
    """Return the recipe of this name.

    Raises:
        TrainerError: this trainer does not know it.
    """
    if name not in RECIPES:
        raise TrainerError(f"this trainer does not know the recipe {name!r}; it has {', '.join(RECIPES)}")
    return RECIPES[name]


def networks(name: str, params: Any, facts: Facts, seed: int) -> dict[str, nn.Module]:
    """Build the networks of a recipe on the CPU, with the initial weights of this seed."""
    recipe = find(name)
    with initial_weights(seed, name):
        built = recipe.networks(params, facts)
    if recipe.channels_last:
        for network in built.values():
            _channels_last(network)
    return built


def _channels_last(network: nn.Module) -> None:
    if any(weight.dim() == 4 for weight in network.parameters()):
        network.to(memory_format=torch.channels_last)
