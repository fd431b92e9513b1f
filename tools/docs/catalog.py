"""Rows of the tables on recipes, presets, parameters, layouts and known data sets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from inspect import getdoc

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from models.recipes import RECIPES
from models.specs.base import NoiseParams
from models.specs.parameter_markers import Group, Resumable, group, resumable
from models.specs.recipe import Needs
from packing.layouts import LAYOUTS

Rows = list[Sequence[str]]

_NEEDS = {Needs.nothing: "", Needs.classes: ", in classes", Needs.domains: ", of two domains or in classes"}
_ON_RETRY = {Resumable.no: "", Resumable.yes: "yes", Resumable.while_set: "from one value to another"}


def recipes() -> Rows:
    """Return the recipes."""
    rows: Rows = [("recipe", "source", "images", "presets", "what it is")]
    for recipe in RECIPES.values():
        images = f"{recipe.sizes_in_words()} px{_NEEDS[recipe.needs]}"
        presets = ", ".join(f"`{preset.name}`" for preset in recipe.presets)
        rows.append((f"`{recipe.name}`", recipe.source, images, presets, sentence(recipe.description)))
    return rows


def presets() -> Rows:
    """Return the presets of all recipes."""
    rows: Rows = [("recipe", "preset", "what it restates")]
    for recipe in RECIPES.values():
        for preset in recipe.presets:
            rows.append((f"`{recipe.name}`", f"`{preset.name}`", sentence(preset.description)))
    return rows


def shared_parameters() -> Rows:
    """Return the parameters that recipes share, in the groups of the form."""
    rows: Rows = [("group", "parameter", "recipes", "default", "may change with a checkpoint", "meaning")]
    for one in Group:
        for name, field in _fields(NoiseParams):
            if group(NoiseParams, name) is one:
                rows.append((one, f"`{name}`", _having(name), *_facts(NoiseParams, name, field)))
    return rows


def _having(name: str) -> str:
    """Return which recipes have a shared parameter."""
    others = [f"`{recipe.name}`" for recipe in RECIPES.values() if name not in recipe.params.model_fields]
    return f"all but {', '.join(others)}" if others else "all"


def own_parameters() -> Rows:
    """Return the parameters that only some recipes have."""
    rows: Rows = [("recipe", "parameter", "default", "may change with a checkpoint", "meaning")]
    for recipe in RECIPES.values():
        for name, field in _fields(recipe.params):
            if name not in NoiseParams.model_fields:
                rows.append((f"`{recipe.name}`", f"`{name}`", *_facts(recipe.params, name, field)))
    return rows


def layouts() -> Rows:
    """Return the layouts."""
    rows: Rows = [("layout", "what is in the folder", "how it is read")]
    rows += [(f"`{name}`", sentence(getdoc(layout) or ""), layout.how) for name, layout in LAYOUTS.items()]
    return rows


def known_datasets() -> Rows:
    """Return the data sets that are known by name, in each of their layouts."""
    rows: Rows = [("name", "layout", "where below a data root", "images of each part, when complete")]
    for layout in LAYOUTS.values():
        for known in layout.known:
            if known.source == "found":
                folders = ", ".join("the root itself" if folder == "." else f"`{folder}`" for folder in known.folders)
                parts = ", ".join(f"{count:,} {part}" for part, count in known.parts.items())
                rows.append((f"`{known.name}`", f"`{layout.name}`", folders, parts))
    rows += [
        ("any other name", f"`{layout.name}`", "`NAME`", "as counted") for layout in LAYOUTS.values() if layout.any_name
    ]
    return rows


def sentence(words: str) -> str:
    """Return words as a cell of a table has them: without the full stop."""
    return words.removesuffix(".").replace("|", "\\|")


def _fields(params: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    yield from params.model_fields.items()


def _facts(params: type[BaseModel], name: str, field: FieldInfo) -> tuple[str, str, str]:
    return _default(field), _ON_RETRY[resumable(params, name)], sentence(field.description or "")


def _default(field: FieldInfo) -> str:
    value = field.default
    if isinstance(value, BaseModel):
        return ", ".join(f"{count} {unit}" for unit, count in value.model_dump().items())
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)
