"""The metric that marks the best checkpoint of a training, where the request leaves it open."""

from __future__ import annotations

from models import views
from models.jobs import AnyRequest, TrainRequest
from models.specs.base import NoiseParams, TrainParams


def filled_in(params: TrainParams, dataset: views.Dataset) -> TrainParams:
    """Return the parameters of a training, whose images are judged where that is possible and nobody decided otherwise.

    An explicit null stays null, and so does that of a preset: `best` is the latest then.
    """
    left_open = isinstance(params, NoiseParams) and "monitor" not in params.model_fields_set
    return params.model_copy(update={"monitor": "fd_ratio"}) if left_open and extractor_at_hand(dataset) else params


def left_open(asked: AnyRequest) -> bool:
    """Return whether the choice of a training's monitor is left to `filled_in`, which needs no extractor to be made."""
    return isinstance(asked, TrainRequest) and asked.preset is None and "monitor" not in asked.params


def extractor_at_hand(dataset: views.Dataset) -> bool:
    """Return whether there is an extractor that can judge images of this data set."""
    return dataset["extractor"] is not None
