"""What a job waits for: the extractor of its data set, which a job of its own makes where there is none."""

from __future__ import annotations

from dataclasses import replace

from api.http.problems import InvalidError, field
from api.submit.placement import place
from models import views
from models.extractor_job import extractor_params, targets
from models.extractors import MEASURED, RECIPE
from models.jobs import TrainRequest
from models.messages import ExtractorFaults
from models.specs.evaluate import AUTO
from models.states import JobKind, Role
from stores.accounts.keys import Principal
from stores.container import Stores
from stores.jobs.idempotency import Request
from stores.jobs.insert import NewJob
from stores.judging.extractors import MadeExtractor

LABELS = {"purpose": "extractor"}
_LONGEST_NAME = 255


def awaiting_extractor(stores: Stores, who: Principal, new: NewJob, request: Request | None) -> NewJob:
    """Return the job with the job that it waits for, if its data set has no extractor yet; that job is stored here.

    Nothing is stored for a `request` that was answered before.

    Raises:
        InvalidError: no extractor can be made for this data set.
        QuotaError: as many jobs of the owner wait as the key allows.
    """
    place_of_error = _asks_for_extractor(new)
    dataset = None if place_of_error is None or new.dataset_id is None else stores.datasets.find(new.dataset_id, None)
    if place_of_error is None or dataset is None:
        return new
    extractor = stores.judging.extractors.find(dataset)
    if extractor is None and request is not None and stores.jobs.answered(new.owner, request) is not None:
        return new
    if extractor is None:
        try:
            job = _job(stores, who, new, dataset)
        except InvalidError as error:
            message = ExtractorFaults.cannot_be_made(name=dataset["name"], what=error.errors[0].message)
            raise InvalidError([field(place_of_error, message)]) from error
        extractor = stores.judging.extractors.make(dataset["id"], job, targets(dataset), who)
    if isinstance(extractor, MadeExtractor) and extractor.checkpoint is None:
        return replace(new, waits_for=extractor.job)
    return new


def _asks_for_extractor(new: NewJob) -> str | None:
    """Return the field of the request that asks for an extractor; None: the job does without."""
    if new.kind == JobKind.evaluate:
        return "/params/extractor" if new.params["extractor"] == AUTO else None
    return "/params/monitor" if new.kind == JobKind.train and new.params.get("monitor") in MEASURED else None


def _job(stores: Stores, who: Principal, new: NewJob, dataset: views.Dataset) -> NewJob:
    """Return the job that makes the extractor. That of a private data set belongs to its owner, whoever asks."""
    owner = replace(who, owner=dataset["owner"] or new.owner, role=Role.user)
    asked = {
        "kind": "train",
        "recipe": RECIPE,
        "dataset": dataset["id"],
        "params": extractor_params(dataset),
        "queue": new.queue,
        "priority": new.priority,
        "name": f"Extractor of {dataset['name']}"[:_LONGEST_NAME],
        "labels": LABELS,
    }
    made = place(stores, owner, TrainRequest.model_validate(asked))
    return replace(made, dataset=dataset["name"], queue_asked=new.queue_asked)
