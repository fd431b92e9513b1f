"""From what was asked to a job that can be stored: names looked up, defaults filled in, a queue chosen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from api.http.parsing import body_errors
from api.http.problems import InvalidError, field
from api.submit.queue_choice import choose
from models import views
from models.compatibility import MisfitError, image_size
from models.ids import is_id
from models.job_profile import Shape, images_to_show
from models.jobs import SampleRequest, TrainRequest
from models.recipes import RECIPES, resolve_params
from models.specs.base import TrainParams
from models.specs.recipe import Preset, Recipe
from models.states import Role
from stores.accounts.keys import Principal
from stores.container import Stores
from stores.infra.errors import NotFoundError
from stores.jobs.insert import NewJob


def place(stores: Stores, who: Principal, asked: TrainRequest | SampleRequest) -> NewJob:
    """Return the job as it will be stored.

    Raises:
        InvalidError: a name means nothing, or things don't fit together; every such field is named.
    """
    return _train(stores, who, asked) if isinstance(asked, TrainRequest) else _sample(stores, who, asked)


def _train(stores: Stores, who: Principal, asked: TrainRequest) -> NewJob:
    recipe = RECIPES.get(asked.recipe)
    if recipe is None:
        raise InvalidError([field("/recipe", f"there is no such recipe; choose {_choices(RECIPES)}")])
    errors: list[dict[str, str]] = []
    preset = _preset(recipe, asked.preset, errors)
    dataset = _dataset(stores, who, asked.dataset, errors)
    params = _params(recipe, preset, asked.params, errors)
    if dataset is not None and params is not None:
        params = _fitted(recipe, dataset, params, errors)
    if errors or dataset is None or params is None:
        raise InvalidError(errors)
    complete = params.model_dump(mode="json")
    shape, images = Shape.of(recipe.name, complete), images_to_show(complete, dataset)
    chosen = choose(stores, recipe, asked.queue, shape, images)
    return NewJob.of(
        asked,
        **vars(chosen),
        owner=who.owner,
        dataset_id=dataset["id"],
        params=complete,
        shape=None if shape is None else str(shape),
        images=images,
    )


def _sample(stores: Stores, who: Principal, asked: SampleRequest) -> NewJob:
    try:
        source = stores.reports.job(asked.source.job, who.reads)
    except NotFoundError:
        raise InvalidError([field("/source/job", "there is no such job")]) from None
    if source["kind"] != "train":
        raise InvalidError([field("/source/job", "is a sampling job, which has no weights; name a training job")])
    checkpoint = stores.reports.checkpoint(asked.source.job, asked.source.checkpoint, who.reads)
    if checkpoint is None:
        named = is_id("art", asked.source.checkpoint)
        detail = "is not a checkpoint of this job" if named else "this job has no checkpoint yet"
        raise InvalidError([field("/source/checkpoint", detail)])
    recipe = RECIPES[source["recipe"]]
    dataset = _to_translate(stores, who, asked, source, recipe)
    return NewJob.of(
        asked,
        **vars(choose(stores, recipe, asked.queue)),
        owner=who.owner,
        recipe=recipe.name,
        dataset=None if dataset is None else dataset["name"],
        dataset_id=None if dataset is None else dataset["id"],
        params=asked.params.model_dump(mode="json"),
        seed=asked.params.seed,
        source=asked.source.model_dump(),
        source_artifact=checkpoint["id"],
    )


def _to_translate(
    stores: Stores, who: Principal, asked: SampleRequest, source: views.Job, recipe: Recipe
) -> views.Dataset | None:
    """Return the data set that a sampling job translates, or None when it paints from noise.

    Raises:
        InvalidError: the recipe cannot make this output, or the data set is none.
    """
    if asked.params.output not in recipe.outputs:
        can = f"choose {_choices(recipe.outputs)}" if recipe.outputs else "it has no generator to sample from"
        raise InvalidError([field("/params/output", f"{recipe.name} can't make this; {can}")])
    if asked.params.output != "translate":
        if asked.params.dataset is not None:
            raise InvalidError([field("/params/dataset", "only `translate` takes a data set; leave it out")])
        return None
    errors: list[dict[str, str]] = []
    trained_on = str(source["dataset"])  # a training job always has one
    dataset = _dataset(stores, who, asked.params.dataset or trained_on, errors, "/params/dataset")
    learned = stores.datasets.find(trained_on, source["owner"])
    if dataset is not None and learned is not None and dataset["shape"][0] != learned["shape"][0]:
        has, wanted = (f"{found['shape'][0]} channel(s)" for found in (dataset, learned))
        errors.append(field("/params/dataset", f"its images have {has}, the job learned from images with {wanted}"))
    if errors:
        raise InvalidError(errors)
    return dataset


def _preset(recipe: Recipe, name: str | None, errors: list[dict[str, str]]) -> Preset | None:
    if name is None:
        return None
    preset = recipe.preset(name)
    if preset is None:
        names = [known.name for known in recipe.presets]
        choose = f"choose {_choices(names)}, or leave it out" if names else "it has none: leave it out"
        errors.append(field("/preset", f"{recipe.name} has no such preset; {choose}"))
    return preset


def _fitted(
    recipe: Recipe, dataset: views.Dataset, params: TrainParams, errors: list[dict[str, str]]
) -> TrainParams | None:
    """Return the parameters with the size of the images filled in."""
    try:
        return params.model_copy(update={"image_size": image_size(recipe, dataset, params)})
    except MisfitError as misfit:
        if misfit.place == "dataset":
            errors.append(field("/dataset", f"{recipe.name} {misfit.detail}"))
        else:
            errors.append(field(f"/params/{misfit.place}", misfit.detail))
        return None


def _dataset(
    stores: Stores, who: Principal, name: str, errors: list[dict[str, str]], place: str = "/dataset"
) -> views.Dataset | None:
    # A name means the caller's own data set or a shared one, for an admin too; an id means the one thing it names.
    found = stores.datasets.find(name, None if is_id("ds", name) and who.role is Role.admin else who.owner)
    if found is None:
        detail = f"there is no such data set; choose {_choices(stores.datasets.names(who.owner))}"
    elif found["state"] != "ready":
        detail = f"this data set is {found['state']}, not ready"
    else:
        return found
    errors.append(field(place, detail))
    return None


def _params(
    recipe: Recipe, preset: Preset | None, given: dict[str, Any], errors: list[dict[str, str]]
) -> TrainParams | None:
    try:
        return resolve_params(recipe, preset, given)
    except ValidationError as error:
        found = error.errors(include_url=False)
        errors += body_errors(found, recipe.params, given, prefix=("params",))
        return None


def _choices(names: Iterable[str]) -> str:
    return "one of " + ", ".join(names)
