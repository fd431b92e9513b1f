"""The recipes, with their parameters and queues."""

from __future__ import annotations

from typing import Any

from api.http.access import Access
from api.http.cursors import pager_for, short_list
from api.http.routes import Call, Routes
from api.schemas import answers
from api.schemas.queries import PageQuery, Query
from models.messages import Missing, ParameterFaults
from models.recipes import RECIPES
from models.specs.recipe import Recipe
from stores.infra.errors import NotFoundError

routes = Routes("recipes")


def recipe_view(recipe: Recipe) -> dict[str, Any]:
    """Return a recipe's view, with the JSON Schema of its parameters."""
    return {
        "name": recipe.name,
        "title": recipe.title,
        "description": recipe.description,
        "params": recipe.params.model_json_schema(),
        "presets": [vars(preset) for preset in recipe.presets],
        "queues": [str(queue) for queue in recipe.queues],
        "networks": list(recipe.networks),
        "images": str(ParameterFaults.square_images(sizes=recipe.sizes_in_words())),
        "needs": str(recipe.needs),
        "outputs": list(recipe.outputs),
    }


@routes.add("GET", "/v1/recipes", Access.read, query=PageQuery, answers={200: answers.Page[answers.Recipe]})
def list_recipes(call: Call[PageQuery, None]) -> dict[str, Any]:
    """List the recipes."""
    pager = pager_for(call, "recipes")
    return short_list(pager, [recipe_view(recipe) for recipe in RECIPES.values()])


@routes.add("GET", "/v1/recipes/{name}", Access.read, answers={200: answers.Recipe})
def get_recipe(_call: Call[Query, None], name: str) -> dict[str, Any]:
    """Get a recipe."""
    if name not in RECIPES:
        raise NotFoundError(Missing.no_such_recipe(recipes=", ".join(sorted(RECIPES))))
    return recipe_view(RECIPES[name])
