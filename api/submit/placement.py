"""From a request to a job that can be stored: names looked up, defaults filled in, a queue chosen."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from api.http.parsing import body_errors
from api.http.problems import FieldError, InvalidError, field
from api.submit import monitor, sharing
from api.submit.evaluations import place_evaluation
from api.submit.names import checkpoint_of, find_dataset, training_of
from api.submit.queue_choice import choose
from models import views
from models.compatibility import MisfitError, image_size
from models.job_profile import Shape, images_to_show
from models.jobs import AnyRequest, EvaluateRequest, SampleRequest, TrainRequest
from models.messages import RequestFaults, Words
from models.recipes import RECIPES, resolve_params
from models.specs.base import TrainParams
from models.specs.recipe import Preset, Recipe
from stores.accounts.keys import Principal
from stores.container import Stores
from stores.jobs.insert import NewJob


def place(stores: Stores, who: Principal, asked: AnyRequest) -> NewJob:
    """Return the job as it will be stored.

    Raises:
        InvalidError: a name means nothing, or things don't fit together; every such field is named.
    """
    match asked:
        case TrainRequest():
            return _train(stores, who, asked)
        case SampleRequest():
            return _sample(stores, who, asked)
        case EvaluateRequest():
            return place_evaluation(stores, who, asked)


def _train(stores: Stores, who: Principal, asked: TrainRequest) -> NewJob:
    recipe = RECIPES.get(asked.recipe)
    if recipe is None:
        raise InvalidError([field("/recipe", RequestFaults.choose_a_recipe(recipes=list(RECIPES)))])
    errors: list[FieldError] = []
    preset = _preset(recipe, asked.preset, errors)
    dataset = find_dataset(stores, who, asked.dataset, errors)
    params = _params(recipe, preset, asked.params, errors)
    if params is not None:
        errors += sharing.faults(params, asked.params)
    if dataset is not None and params is not None:
        params = _completed(recipe, dataset, params, errors)
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
    source = training_of(stores, who, asked.source.job)
    checkpoint = checkpoint_of(stores, who, asked.source.job, asked.source.checkpoint)
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
    dataset = find_dataset(stores, who, asked.params.dataset or trained_on, errors, "/params/dataset")
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


def completed(recipe: Recipe, dataset: views.Dataset, params: TrainParams) -> TrainParams:
    """Return the parameters with what follows from the data set and from each other where the request leaves it open.

    Raises:
        MisfitError: the data set does not fit.
    """
    fitted = params.model_copy(update={"image_size": image_size(recipe, dataset, params)})
    return monitor.filled_in(sharing.settled(fitted), dataset)


def _completed(
    recipe: Recipe, dataset: views.Dataset, params: TrainParams, errors: list[FieldError]
) -> TrainParams | None:
    try:
        return completed(recipe, dataset, params)
    except MisfitError as misfit:
        if misfit.place == "dataset":
            errors.append(field("/dataset", Words.subject_and(subject=recipe.name, what=misfit.message)))
        else:
            errors.append(field(f"/params/{misfit.place}", misfit.message))
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
