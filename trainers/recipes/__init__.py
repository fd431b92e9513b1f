"""The recipes of a trainer, one module each: its networks, and the method that trains them."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING, Any

import torch

from models.messages import Failures
from trainers.data.rng import initial_weights
from trainers.process.errors import TrainerError
from trainers.recipes.recipe import DataInfo, Recipe

if TYPE_CHECKING:
    from torch import nn

__all__ = ["RECIPES", "DataInfo", "Recipe", "find", "networks"]


def _discover() -> dict[str, Recipe]:
    """Return the `RECIPE` of every module in this package that has one, by the name of the module."""
    modules = {found.name: import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)}
    candidates = {name: vars(module).get("RECIPE") for name, module in modules.items()}
    return {name: recipe for name, recipe in candidates.items() if isinstance(recipe, Recipe)}


RECIPES = _discover()


def find(name: str) -> Recipe:
    """Return the recipe of this name.

    Raises:
        TrainerError: this trainer does not know it.
    """
    if name not in RECIPES:
        raise TrainerError(Failures.unknown_recipe(name=repr(name), recipes=", ".join(RECIPES)))
    return RECIPES[name]


def networks(name: str, params: Any, data: DataInfo, seed: int) -> dict[str, nn.Module]:
    """Build the networks of a recipe on the CPU, with the initial weights of this seed."""
    recipe = find(name)
    with initial_weights(seed, name):
        built = recipe.networks(params, data)
    if recipe.channels_last:
        for network in built.values():
            _channels_last(network)
    return built


def _channels_last(network: nn.Module) -> None:
    if any(weight.dim() == 4 for weight in network.parameters()):
        network.to(memory_format=torch.channels_last)
