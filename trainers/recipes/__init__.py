"""One file per method. A recipe is its networks and its objective; the iteration and the loop are shared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, NamedTuple

from trainers.draws import initial_weights
from trainers.errors import TrainerError
from trainers.objectives import CrossEntropy
from trainers.recipes import dcgan, mlp_gan

if TYPE_CHECKING:
    from torch import Tensor

    from models.specs.base import AdversarialParams
    from trainers.adversarial import Players
    from trainers.objectives import Objective


class Recipe(NamedTuple):
    """How to build a recipe's parts for images of a shape (channels, height, width), and their normalised mean."""

    players: Callable[[AdversarialParams, tuple[int, ...], Tensor | None], Players]
    objective: Callable[[AdversarialParams], Objective]


RECIPES = {
    "mlp_gan": Recipe(mlp_gan.players, CrossEntropy),
    "dcgan": Recipe(dcgan.players, CrossEntropy),
}


def find(name: str) -> Recipe:
    """Return the recipe of this name.

    Raises:
        TrainerError: this trainer does not know it.
    """
    if name not in RECIPES:
        raise TrainerError(f"this trainer does not know the recipe {name!r}; it has {', '.join(RECIPES)}")
    return RECIPES[name]


def players(
    name: str, params: AdversarialParams, shape: tuple[int, ...], seed: int, mean: Tensor | None = None
) -> Players:
    """Build the networks of a recipe on the CPU, with the initial weights of this seed.

    ``mean`` is the mean image of the data, for recipes that begin there; none when weights are loaded anyway.
    """
    recipe = find(name)
    with initial_weights(seed, name):
        return recipe.players(params, shape, mean)
