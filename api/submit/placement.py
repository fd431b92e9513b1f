"""From a request to a job that can be stored: names looked up, defaults filled in, a queue chosen."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from api.http.parsing import body_errors
from api.http.problems import FieldError, InvalidError, field
from api.submit.queue_choice import choose
from models import views
from models.compatibility import MisfitError, image_size
from models.ids import is_id
from models.job_profile import Shape, images_to_show
from models.jobs import SampleRequest, TrainRequest
from models.messages import Missing, RequestFaults, Words, word
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
        raise InvalidError([field("/recipe", RequestFaults.choose_a_recipe(recipes=list(RECIPES)))])
    errors: list[FieldError] = []
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
        source = stores.queries.jobs.job(asked.source.job, who.reads)
    except NotFoundError:
        raise InvalidError([field("/source/job", Missing.no_such_job())]) from None
    if source["kind"] != "train":
        raise InvalidError([field("/source/job", RequestFaults.sampling_job())])
    checkpoint = stores.queries.jobs.checkpoint(asked.source.job, asked.source.checkpoint, who.reads)
    if checkpoint is None:
        named = is_id("art", asked.source.checkpoint)
        message = RequestFaults.not_a_checkpoint_of_it() if named else RequestFaults.no_checkpoint_yet()
        raise InvalidError([field("/source/checkpoint", message)])
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
    """Return the data set that a sampling job translates, or None if it samples from noise.

    Raises:
        InvalidError: the recipe cannot make this output, or the data set is none.
    """
    if asked.params.output not in recipe.outputs:
        message = (
            RequestFaults.choose_an_output(recipe=recipe.name, outputs=list(recipe.outputs))
            if recipe.outputs
            else RequestFaults.no_generator(recipe=recipe.name)
        )
        raise InvalidError([field("/params/output", message)])
    if asked.params.output != "translate":
        if asked.params.dataset is not None:
            raise InvalidError([field("/params/dataset", RequestFaults.only_translate())])
        return None
    errors: list[FieldError] = []
    trained_on = str(source["dataset"])  # a training job always has one
    dataset = _dataset(stores, who, asked.params.dataset or trained_on, errors, "/params/dataset")
    learned = stores.datasets.find(trained_on, source["owner"])
    if dataset is not None and learned is not None and dataset["shape"][0] != learned["shape"][0]:
        has, wanted = (found["shape"][0] for found in (dataset, learned))
        errors.append(field("/params/dataset", RequestFaults.other_channels(has=has, wanted=wanted)))
    if errors:
        raise InvalidError(errors)
    return dataset


def _preset(recipe: Recipe, name: str | None, errors: list[FieldError]) -> Preset | None:
    if name is None:
        return None
    preset = recipe.preset(name)
    if preset is None:
        names = [known.name for known in recipe.presets]
        message = (
            RequestFaults.choose_a_preset(recipe=recipe.name, presets=names)
            if names
            else RequestFaults.no_presets(recipe=recipe.name)
        )
        errors.append(field("/preset", message))
    return preset


def _fitted(
    recipe: Recipe, dataset: views.Dataset, params: TrainParams, errors: list[FieldError]
) -> TrainParams | None:
    """Return the parameters with the image size filled in."""
    try:
        return params.model_copy(update={"image_size": image_size(recipe, dataset, params)})
    except MisfitError as misfit:
        if misfit.place == "dataset":
            errors.append(field("/dataset", Words.subject_and(subject=recipe.name, what=misfit.message)))
        else:
            errors.append(field(f"/params/{misfit.place}", misfit.message))
        return None


def _dataset(
    stores: Stores, who: Principal, name: str, errors: list[FieldError], place: str = "/dataset"
) -> views.Dataset | None:
    # A name means the caller's own data set or a shared one, for admins too; an id means exactly one data set.
    found = stores.datasets.find(name, None if is_id("ds", name) and who.role is Role.admin else who.owner)
    if found is None:
        message = RequestFaults.choose_a_dataset(datasets=list(stores.datasets.names(who.owner)))
    elif found["state"] != "ready":
        message = RequestFaults.dataset_not_ready(state=word(found["state"]))
    else:
        return found
    errors.append(field(place, message))
    return None


def _params(
    recipe: Recipe, preset: Preset | None, given: dict[str, Any], errors: list[FieldError]
) -> TrainParams | None:
    try:
        return resolve_params(recipe, preset, given)
    except ValidationError as error:
        found = error.errors(include_url=False)
        errors += body_errors(found, recipe.params, given, prefix=("params",))
        return None
