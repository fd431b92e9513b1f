"""Retries: a new job from an ended one, with other parameters, from scratch or from a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from pydantic import ValidationError
from sqlalchemy import Row

from api.http.parsing import body_errors
from api.http.problems import FieldError, InvalidError, field
from api.schemas.bodies import Retry
from api.submit.done_before import Done, DoneBefore
from api.submit.placement import place
from api.submit.sharing import without_default
from models.budget import with_changes
from models.ids import is_id
from models.jobs import EvaluateRequest, Options, SampleRequest, TrainRequest
from models.messages import RequestFaults
from models.plain_text import made_label_name, made_plain
from models.recipes import RECIPES
from models.specs.base import Spec
from models.specs.evaluate import EvaluateParams, EvaluateSource
from models.specs.parameter_markers import fixed_changes
from models.specs.sample import SampleParams, SampleSource
from models.states import JobKind
from models.views import Artifact
from stores.accounts.keys import Principal
from stores.container import Stores
from stores.jobs.insert import NewJob

Params = TypeVar("Params", bound=Spec)


def again(stores: Stores, who: Principal, ended: Row[Any], asked: Retry, *, planned: bool = False) -> NewJob:
    """Return the job that retries an ended one. It belongs to the same owner, whoever asks.

    `planned`: the job is not stored, and its images are those that are left to show.

    Raises:
        InvalidError: what is asked does not fit together, or what the job needs is gone.
    """
    owner = replace(who, owner=ended.owner)
    makers: dict[JobKind, Callable[[Stores, Principal, Row[Any], Retry], NewJob]] = {
        JobKind.train: partial(_train, planned=planned),
        JobKind.sample: _sample,
        JobKind.evaluate: _evaluate,
    }
    new = makers[JobKind(ended.kind)](stores, owner, ended, asked)
    return replace(new, parent=ended.id, queue_asked=ended.queue_asked)


def _train(stores: Stores, owner: Principal, ended: Row[Any], asked: Retry, *, planned: bool) -> NewJob:
    params = with_changes(without_default(ended.params), asked.params)
    request = TrainRequest(
        kind="train", recipe=ended.recipe, dataset=ended.dataset_id, params=params, seed=ended.seed, **_common(ended)
    )
    new = replace(place(stores, owner, request), preset=ended.preset, dataset=ended.dataset)
    if asked.checkpoint is None:
        return new
    checkpoint = _checkpoint(stores, owner, ended, asked.checkpoint)
    errors = [
        field(
            f"/params/{name}",
            RequestFaults.held_by_checkpoint(old=str(ended.params.get(name)), new=str(new.params.get(name))),
        )
        for name in fixed_changes(RECIPES[ended.recipe].params, asked.params, ended.params, new.params)
    ]
    done = _done(stores, ended, checkpoint)
    errors += _budget_faults(new.params, checkpoint, done)
    if errors:
        raise InvalidError(errors)
    if planned:  # what is left takes as long as it shows images
        new = replace(new, images=None if new.images is None else max(0, new.images - done.images))
    source = {"job": ended.id, "checkpoint": asked.checkpoint}
    return replace(new, source=source, source_artifact=checkpoint["id"], needs_units=ended.needs_units)


def _done(stores: Stores, ended: Row[Any], checkpoint: Artifact) -> Done:
    epochs = stores.queries.curves_by_epoch.epochs([ended.id])[ended.id]
    return DoneBefore(ended.progress, epochs).at(checkpoint["step"] or 0)


def _budget_faults(params: Mapping[str, Any], checkpoint: Artifact, done: Done) -> list[FieldError]:
    """Return what is wrong with a budget that counts what the checkpoint has done: nothing would be left to train."""
    epochs, images, reached = params.get("epochs"), params.get("images"), checkpoint["epoch"]
    if images is not None and done.images >= images:
        return [field("/params/images", RequestFaults.images_done(done=done.images))]
    if epochs is not None and done.epochs >= epochs:
        return [field("/params/epochs", RequestFaults.epochs_done(count=done.epochs))]
    if epochs is not None and reached is not None and reached > epochs:
        return [field("/params/epochs", RequestFaults.epoch_reached(reached=reached))]
    return []


def _checkpoint(stores: Stores, owner: Principal, ended: Row[Any], wanted: str) -> Artifact:
    found = stores.queries.jobs.checkpoint(ended.id, wanted, owner.reads)
    if found is not None:
        return found
    if wanted in {"best", "latest"}:
        raise InvalidError([field("/checkpoint", RequestFaults.retry_from_zero())])
    named = is_id("art", wanted)
    message = RequestFaults.not_a_checkpoint_of_it() if named else RequestFaults.best_latest_or_id()
    raise InvalidError([field("/checkpoint", message)])


def _sample(stores: Stores, owner: Principal, ended: Row[Any], asked: Retry) -> NewJob:
    if asked.checkpoint is not None:
        raise InvalidError([field("/checkpoint", RequestFaults.sampling_draws())])
    params = _changed(SampleParams, ended, asked)
    request = SampleRequest(kind="sample", source=SampleSource(**ended.source), params=params, **_common(ended))
    new = place(stores, owner, request)
    # The checkpoint that `best` named then, as long as it exists.
    return replace(new, source_artifact=ended.source_artifact or new.source_artifact)


def _evaluate(stores: Stores, owner: Principal, ended: Row[Any], asked: Retry) -> NewJob:
    if asked.checkpoint is not None:
        raise InvalidError([field("/checkpoint", RequestFaults.evaluation_judges())])
    # Data sets are the very ones of the ended job: their names may mean others by now.
    judged = ended.source if ended.source_dataset is None else {"dataset": ended.source_dataset}
    request = EvaluateRequest(
        kind="evaluate",
        source=EvaluateSource(**judged),
        dataset=ended.dataset_id,
        params=_changed(EvaluateParams, ended, asked),
        **_common(ended),
    )
    new = replace(place(stores, owner, request), source=ended.source, dataset=ended.dataset)
    return replace(new, source_artifact=ended.source_artifact or new.source_artifact)


def _changed(model: type[Params], ended: Row[Any], asked: Retry) -> Params:
    """Return the parameters of the ended job with the changes.

    Raises:
        InvalidError: they are not valid.
    """
    given = {**ended.params, **asked.params}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_url=False)
        raise InvalidError(body_errors(found, model, given, prefix=("params",))) from error


def _common(ended: Row[Any]) -> dict[str, Any]:
    """Return the options of the ended job, without its notes, which are about that job alone.

    Older jobs may have a name or labels that would be refused today.
    """
    options = {name: getattr(ended, name) for name in Options.model_fields if name != "notes"}
    plain = {made_label_name(key): made_plain(value) for key, value in ended.labels.items()}
    return {**options, "name": None if ended.name is None else made_plain(ended.name), "labels": plain}
