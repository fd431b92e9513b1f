"""From the request of an evaluation to a job that can be stored: what is judged, and what it is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from api.http.problems import FieldError, InvalidError, field
from api.submit.names import checkpoint_of, find_dataset, training_of
from api.submit.queue_choice import choose
from models import views
from models.compatibility import DOMAINS
from models.jobs import EvaluateRequest
from models.limits import FEWEST_EVALUATED
from models.messages import RequestFaults
from models.recipes import RECIPES
from models.specs.evaluate import EvaluateSource
from models.specs.recipe import Recipe
from stores.accounts.keys import Principal
from stores.container import Stores
from stores.jobs.insert import NewJob

# The recipe of an evaluation that judges no checkpoint: that of the classifiers whose features are compared.
JUDGE = RECIPES["darknet"]


@dataclass(frozen=True)
class Judged:
    """What an evaluation judges: its columns, and what is known of the images."""

    columns: dict[str, Any]
    recipe: Recipe
    channels: int | None  # None: the data set of the training is not there any more
    trained_on: str | None = None  # id of the data set


def place_evaluation(stores: Stores, who: Principal, asked: EvaluateRequest) -> NewJob:
    """Return the job as it will be stored.

    Raises:
        InvalidError: a name means nothing, or things don't fit together; every such field is named.
    """
    errors: list[FieldError] = []
    judged = _judged(stores, who, asked.source, errors)
    reference = _reference(stores, who, asked, judged, errors)
    if errors or judged is None or reference is None:
        raise InvalidError(errors)
    return NewJob.of(
        asked,
        **vars(choose(stores, judged.recipe, asked.queue)),
        **judged.columns,
        owner=who.owner,
        recipe=judged.recipe.name,
        dataset=asked.dataset or reference["name"],
        dataset_id=reference["id"],
        params=asked.params.model_dump(mode="json"),
        seed=asked.params.seed,
        source=asked.source.as_asked(),
    )


def _judged(stores: Stores, who: Principal, source: EvaluateSource, errors: list[FieldError]) -> Judged | None:
    if source.job is not None:
        return _of_job(stores, who, source, source.job)
    dataset = find_dataset(stores, who, str(source.dataset), errors, "/source/dataset")
    if dataset is None:
        return None
    _check_count(dataset, "/source/dataset", errors)
    return Judged({"source_dataset": dataset["id"]}, JUDGE, dataset["shape"][0])


def _of_job(stores: Stores, who: Principal, source: EvaluateSource, job_id: str) -> Judged:
    job = training_of(stores, who, job_id)
    recipe = RECIPES[job["recipe"]]
    if not recipe.generates_images:
        generators = [known.name for known in RECIPES.values() if known.generates_images]
        message = (
            RequestFaults.translator_not_evaluated(recipe=recipe.name)
            if recipe.outputs
            else RequestFaults.classifier_not_evaluated(recipe=recipe.name, recipes=generators)
        )
        raise InvalidError([field("/source/job", message)])
    checkpoint = checkpoint_of(stores, who, job_id, source.checkpoint)
    trained_on = stores.queries.jobs.dataset_id(job_id)
    learned = None if trained_on is None else stores.datasets.find(trained_on, None)
    channels = None if learned is None else learned["shape"][0]
    return Judged({"source_artifact": checkpoint["id"]}, recipe, channels, trained_on)


def _reference(
    stores: Stores, who: Principal, asked: EvaluateRequest, judged: Judged | None, errors: list[FieldError]
) -> views.Dataset | None:
    """Return the data set to compare with: the one that was asked for, or the one that the job was trained on."""
    if asked.dataset is not None:
        found = find_dataset(stores, who, asked.dataset, errors)
    elif asked.source.dataset is not None:
        errors.append(field("/dataset", RequestFaults.name_a_reference()))
        return None
    else:
        # Whoever may read the job may use its data set. Its id is looked up: the name may mean another one by now.
        found = None if judged is None or judged.trained_on is None else stores.datasets.find(judged.trained_on, None)
        if found is None or found["state"] != "ready":
            errors.append(field("/dataset", RequestFaults.trained_on_deleted()))
            return None
    if found is None:
        return None
    if any(part in found["parts"] for part in DOMAINS):
        errors.append(field("/dataset", RequestFaults.domains_not_compared()))
    _check_count(found, "/dataset", errors)
    channels = found["shape"][0]
    if judged is not None and judged.channels not in {None, channels}:
        errors.append(field("/dataset", RequestFaults.channels_to_judge(has=channels, wanted=judged.channels)))
    return found


def _check_count(dataset: views.Dataset, place: str, errors: list[FieldError]) -> None:
    has = dataset["images"]
    if has < FEWEST_EVALUATED:
        errors.append(field(place, RequestFaults.too_few_images(has=has, least=FEWEST_EVALUATED)))
