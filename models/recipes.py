"""The recipes of this service: every `RECIPE` in a module of `models/specs`, by name."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import Any

from models import specs
from models.budget import with_changes
from models.specs.base import TrainParams
from models.specs.recipe import Preset, Recipe


def _discover() -> dict[str, Recipe]:
    modules = (import_module(f"{specs.__name__}.{found.name}") for found in pkgutil.iter_modules(specs.__path__))
    recipes = [found for module in modules if isinstance(found := vars(module).get("RECIPE"), Recipe)]
    return {recipe.name: recipe for recipe in sorted(recipes, key=lambda recipe: (recipe.position, recipe.name))}


RECIPES = _discover()


def resolve_params(recipe: Recipe, preset: Preset | None, given: dict[str, Any]) -> TrainParams:
    """Return the complete parameters: the recipe's defaults, changed by the preset, changed by what was given.

    A budget given in one unit replaces a budget that preset or defaults hold in the other.

    Raises:
        pydantic.ValidationError: a field is unknown, out of bounds or of the wrong type.
    """
    return recipe.params.model_validate(with_changes(preset.params if preset else {}, given))
