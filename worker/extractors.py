"""The extractor of an attempt: the packaged one, the best checkpoint of the job that made one, or the user's file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import structlog

from models import views, wire
from models.extractors import INCEPTION, RECIPE, PackagedExtractor
from models.messages import ExtractorFaults, Message, MessageError
from models.recipes import RECIPES
from models.specs.parameter_markers import bounds
from models.states import State
from stores.container import Stores
from worker import inception_file

log = structlog.get_logger(__name__)

FILE = "extractor.safetensors"
Fetch = Callable[[str, str], Path | None]


class NoExtractorError(MessageError):
    """There is no extractor to judge with; the message tells why, and what to do."""


def of_dataset(stores: Stores, dataset: views.Dataset, fetch: Fetch) -> wire.ExtractorSpec | None:
    """Return the extractor of a data set; None where there is none, or none that can be read back.

    One that cannot be read back is forgotten: the next evaluation has another one made. `fetch` downloads an artifact
    under a name; it returns None if the artifact is gone or damaged.
    """
    found = stores.judging.extractors.at_hand(dataset)
    if found is None:
        return None
    if isinstance(found, PackagedExtractor):
        return wire.ExtractorSpec(dataset["name"], found.path, found.sha256, _bounds())
    path = None if found.checkpoint is None else fetch(found.checkpoint, FILE)
    if path is None:
        log.warning("extractor_forgotten", job=found.job, dataset=dataset["id"], checkpoint=found.checkpoint)
        stores.judging.extractors.forget(found.job)
        return None
    return wire.ExtractorSpec(found.job, path, found.sha256, _bounds())


def asked_for(
    stores: Stores, job: Mapping[str, Any], dataset: views.Dataset | None, name: str, fetch: Fetch
) -> wire.ExtractorSpec:
    """Return the extractor that a job asks for by name: `inception`, or `auto`, which is that of its data set.

    Raises:
        NoExtractorError
    """
    if name == INCEPTION:
        try:
            return inception_file.find(stores.infra.settings.roots)
        except inception_file.NoInceptionError as error:
            raise NoExtractorError(error.message) from error
    found = None if dataset is None else of_dataset(stores, dataset, fetch)
    if found is None:
        raise NoExtractorError(why_none(stores, job))
    return found


def why_none(stores: Stores, job: Mapping[str, Any]) -> Message:
    """Return why the data set of a job has no extractor, and what to do."""
    awaited = job["waits_for"]
    if awaited is None or stores.queries.jobs.job(awaited, None)["state"] == State.succeeded:
        return ExtractorFaults.extractor_gone(name=job["dataset"])
    return ExtractorFaults.making_failed(name=job["dataset"], job=awaited)


def _bounds() -> dict[str, wire.Bound]:
    return bounds(RECIPES[RECIPE].params)
