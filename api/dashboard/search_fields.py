"""What the search box suggests: fields, their examples and their values."""

from __future__ import annotations

from typing import Any

from api.dashboard.pages import Visit
from models.recipes import RECIPES
from stores.jobs.query.fields import FIELDS, NAMED, ORDERED

# Metrics of all recipes; a search takes any other name as well.
METRICS = ("d_loss", "g_loss", "d_real", "d_fake", "d_grad_norm", "g_grad_norm", "fd_ratio", "coverage", "kl", "loss")
MOST = 100


def search_fields(visit: Visit[Any]) -> list[dict[str, Any]]:
    """Return the fields of a search: name, example, whether it has an order, names behind the dot, values."""
    stores = visit.service.stores
    values: dict[str, list[str]] = {
        "recipe": sorted(RECIPES),
        "preset": sorted({preset.name for recipe in RECIPES.values() for preset in recipe.presets}),
        "dataset": stores.datasets.names(visit.who.reads)[:MOST],
        "project": stores.queries.job_list.projects(visit.who.reads, MOST),
    }
    return [
        {
            "name": name,
            "example": field.example,
            "ordered": field.kind in ORDERED,
            "names": list(METRICS if name == "last" else field.names) if name in NAMED else [],
            "values": list(field.choices) or values.get(name, []),
        }
        for name, field in FIELDS.items()
        if name != "owner" or visit.who.reads is None
    ]
