"""The form for a new job: recipe, data set, parameters. The address may prefill it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple, cast

from pydantic import Field

from api.dashboard.pages import Pages, TemplateResponse, Visit
from api.dashboard.params import ParamsForm, params_form, prose
from api.schemas.queries import JobId, Name, PageQuery, Query
from api.submit.placement import completed
from api.v1.datasets import list_datasets
from api.v1.jobs import create_job, get_job
from api.v1.queues import list_queues
from api.v1.recipes import get_recipe
from models.compatibility import MisfitError, image_size
from models.measured_quality import BEST_ON_DIGITS, CORES
from models.messages import Message, Words
from models.recipes import RECIPES, resolve_params
from models.specs.base import TrainParams
from models.specs.recipe import Recipe
from models.views import Dataset

pages = Pages()

ALL = PageQuery(limit=100)
# The most data sets in the list; the address may name another one.
MOST_OFFERED = 500
# Initial values of the form: the defaults of the API.
BLANK: dict[str, Any] = {
    "name": None,
    "queue": "auto",
    "seed": 0,
    "priority": 0,
    "labels": {},
    "max_attempts": 3,
    "max_runtime_s": None,
    "project": None,
}
# Parameters that a request may leave to the service, which then fills in what follows from the data set and the others.
FILLED_IN = ("image_size", "monitor", "shared_fakes")


class NewQuery(Query):
    """What prefills the form."""

    recipe: Name | None = None
    preset: Name | None = None
    dataset: Name | None = None
    like: JobId | None = Field(None, alias="from")


class Fit(NamedTuple):
    """How a data set fits a recipe.

    `kind`: fits, scaled (when `image_size` is `size`) or unfit; `why` is the reason.
    """

    kind: str
    why: Message | None = None
    size: int | None = None


@dataclass(frozen=True)
class Offered:
    """A data set in the list, and how the recipe fits it."""

    view: Mapping[str, Any]
    value: str
    fit: Fit


@pages.add("/dashboard/new", create_job, query=NewQuery)
def new_job(visit: Visit[NewQuery]) -> TemplateResponse:
    """Show the form, prefilled from the address."""
    like = _like(visit)
    views = _datasets(visit)
    wanted = visit.query.dataset or like.get("dataset")
    named = next((view for view in views if wanted in {view["id"], _value(visit, view)} or _of(like, view)), None)
    recipe = visit.ask(get_recipe, Query(), visit.query.recipe or like.get("recipe") or _first_fitting(named))
    preset = visit.query.preset if visit.query.recipe else visit.query.preset or like.get("preset")
    chosen = next((known for known in recipe["presets"] if known["name"] == preset), None)
    offered = [_offer(visit, RECIPES[recipe["name"]], chosen, view) for view in views]
    dataset = next((one for one in offered if one.view is named), None) or _default(offered)
    queues = [queue for queue in visit.ask(list_queues, ALL)["data"] if queue["name"] in recipe["queues"]]
    context = {
        # Their schemas, which the API lists too, take long to make and are not needed here.
        "recipes": [
            {
                "name": one.name,
                "title": one.title,
                "about": prose(one.description),
                "fit": _fit(one, one.params(), dataset.view) if dataset else None,
            }
            for one in RECIPES.values()
        ],
        "best": [
            (RECIPES[name].title, [one.minutes for one in measured])
            for name, measured in groupby(BEST_ON_DIGITS, lambda one: one.recipe)
        ],
        "cores": CORES,
        "recipe": recipe,
        "sizes": RECIPES[recipe["name"]].sizes_in_words(),
        "preset": None if chosen is None else {**chosen, "about": prose(chosen["description"])},
        "fits": {fit: [one for one in offered if one.fit.kind == fit] for fit in ("fits", "scaled", "unfit")},
        "dataset": dataset,
        "unknown": wanted if named is None else None,
        "queues": sorted(queues, key=lambda queue: recipe["queues"].index(queue["name"])),
        "params": _params(recipe, chosen, dataset, like.get("params", {})),
        "job": {**BLANK, **_settings(like)},
        "projects": visit.projects,
        "like": like,
        "drawn": visit.query.like is not None and not like,
    }
    return TemplateResponse("new.html", context)


def _like(visit: Visit[NewQuery]) -> dict[str, Any]:
    """Return the job that prefills the form; empty if none is named. A sampling job cannot be trained."""
    if visit.query.like is None:
        return {}
    job: dict[str, Any] = visit.ask(get_job, Query(), visit.query.like)
    return job if job["kind"] == "train" else {}


def _settings(like: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of the job that prefills the form. Its notes are about that job and are not copied."""
    found = {name: like[name] for name in BLANK if name in like}
    return found if like.get("queue_asked") else {**found, "queue": "auto"}


def _of(job: Mapping[str, Any], view: Mapping[str, Any]) -> bool:
    """Whether a job, maybe of another owner, refers to this data set."""
    return bool(job) and (job["dataset"], job["owner"]) == (view["name"], view["owner"])


def _datasets(visit: Visit[NewQuery]) -> list[dict[str, Any]]:
    """Return the data sets that are ready: built-in ones first, then by name."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while len(found) < MOST_OFFERED:
        page = visit.ask(list_datasets, PageQuery(limit=100, cursor=cursor))
        found += page["data"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    ready = [view for view in found if view["state"] == "ready"]
    return sorted(ready, key=lambda view: (view["source"] != "builtin", view["name"]))


def _value(visit: Visit[NewQuery], view: Mapping[str, Any]) -> str:
    """Return how a job refers to this data set: by name, or by id if the name refers to another one."""
    return str(view["name"] if view["owner"] in {None, visit.who.owner} else view["id"])


def _first_fitting(dataset: Mapping[str, Any] | None) -> str:
    """Return the first recipe that fits a data set without scaling."""
    fitting = (
        name for name, known in RECIPES.items() if dataset and _fit(known, known.params(), dataset).kind == "fits"
    )
    return next(fitting, next(iter(RECIPES)))


def _offer(visit: Visit[NewQuery], recipe: Recipe, preset: Any, view: dict[str, Any]) -> Offered:
    params = resolve_params(recipe, recipe.preset(preset["name"]) if preset else None, {})
    return Offered(view, _value(visit, view), _fit(recipe, params, view))


def _fit(recipe: Recipe, params: TrainParams, dataset: Mapping[str, Any]) -> Fit:
    """Return whether a data set fits, why not, and what would make it fit."""
    try:
        image_size(recipe, dataset, params)
    except MisfitError as misfit:
        if misfit.place == "batch_size":
            return Fit("fits", misfit.message)
        why = misfit.message
        if misfit.place == "dataset":
            why = Words.subject_and(subject=recipe.name, what=why)
        if misfit.size is None or params.image_size is not None:
            return Fit("unfit", why)
        scaled = _fit(recipe, params.model_copy(update={"image_size": misfit.size}), dataset)
        return Fit("scaled", why, misfit.size) if scaled.kind == "fits" else Fit("unfit", why)
    return Fit("fits")


def _default(offered: Sequence[Offered]) -> Offered | None:
    return next((one for one in offered if one.fit.kind == "fits"), next(iter(offered), None))


def _params(
    recipe: Mapping[str, Any], preset: Mapping[str, Any] | None, dataset: Offered | None, values: Mapping[str, Any]
) -> ParamsForm:
    known = RECIPES[recipe["name"]]
    set_by_preset = preset["params"] if preset else {}
    if dataset is not None:
        values = _as_asked(known, set_by_preset, dataset, values)
    return params_form(known.params, recipe["params"], set_by_preset, values)


def _as_asked(
    known: Recipe, set_by_preset: Mapping[str, Any], dataset: Offered, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a job's parameters without those that the service filled in and would fill in again."""
    asked = {**values}
    for name in FILLED_IN:
        if name not in values or name in set_by_preset:
            continue
        others = {other: value for other, value in asked.items() if other != name}
        try:
            params = known.params.model_validate({**set_by_preset, **others})
            again = getattr(completed(known, cast(Dataset, dataset.view), params), name)
        except (MisfitError, ValueError):
            continue  # the data set changed or is another one: keep the value of the job
        if again == values[name]:
            asked = others
    return asked
