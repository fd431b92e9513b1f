"""Markers of parameters: inherited by recipes that redefine a parameter, and enough to say what a checkpoint allows."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import BaseModel, Field

from models.recipes import RECIPES
from models.specs.parameter_markers import Group, Resumable, bounds, fixed_changes, group, resumable
from models.wire import Bound


class Shared(BaseModel):
    rate: Annotated[float, Field(gt=0, lt=1), Group.learning, Resumable.yes] = 0.1
    average: Annotated[int | None, Field(le=9), Group.records, Resumable.while_set] = None
    name: str = ""


class Own(Shared):
    rate: float = Field(0.2, le=3)
    average: Annotated[int | None, Group.first] = 4
    widths: Annotated[list[Annotated[int, Field(le=8)]], Field(max_length=5)] = []


@pytest.mark.parametrize(
    ("name", "of_group", "on_retry"),
    [
        ("rate", Group.learning, Resumable.yes),
        ("average", Group.first, Resumable.while_set),
        ("name", Group.own, Resumable.no),
        ("widths", Group.own, Resumable.no),
    ],
)
def test_a_redefined_parameter_keeps_the_markers_that_it_does_not_replace(name, of_group, on_retry):
    assert (group(Own, name), resumable(Own, name)) == (of_group, on_retry)


def test_a_checkpoint_fixes_what_is_not_marked():
    before, after = {"rate": 0.1, "average": None, "name": "a"}, {"rate": 0.2, "average": 3, "name": "b"}
    assert fixed_changes(Own, after, before, after) == ["average", "name"]
    assert fixed_changes(Own, {"rate": 0.2}, before, after) == []
    assert fixed_changes(Own, before, before, before) == []


def test_bounds_are_those_of_numbers_and_of_lists():
    assert bounds(Own) == {"rate": Bound(3), "widths": Bound(8, 5)}
    assert bounds(Shared) == {"rate": Bound(1), "average": Bound(9)}


def test_every_recipe_bounds_what_gives_its_networks_their_size():
    for recipe in RECIPES.values():
        assert {"width", "image_size", "batch_size"} <= bounds(recipe.params).keys()
    assert bounds(RECIPES["darknet"].params)["groups"] == Bound(16, 6)


def test_a_recipe_has_the_name_of_its_module():
    assert {recipe.params.__module__ for recipe in RECIPES.values()} == {f"models.specs.{name}" for name in RECIPES}
