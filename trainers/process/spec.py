"""The spec on standard input, with the job's parameters as attributes. The API validated them with models.specs."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Mapping, Union, cast

from models import wire
from models.messages import verbatim
from models.typed_json import JSONTypeError
from models.wire import DatasetSpec
from trainers.process.errors import TrainerError

if TYPE_CHECKING:
    from models.specs.base import TrainParams
    from models.specs.evaluate import EvaluateParams
    from models.specs.sample import SampleParams

__all__ = ["DatasetSpec", "EvaluateSpec", "SampleSpec", "Spec", "TrainSpec", "as_params", "as_values", "parse"]


class TrainSpec(wire.TrainSpec["TrainParams"]):
    """A training attempt."""


class SampleSpec(wire.SampleSpec["SampleParams"]):
    """A sampling attempt."""


class EvaluateSpec(wire.EvaluateSpec["EvaluateParams"]):
    """An evaluation's attempt."""


Spec = Union[TrainSpec, SampleSpec, EvaluateSpec]


def as_params(values: Mapping[str, object]) -> TrainParams:
    """Turn a training's parameters from JSON into attributes, cadences included."""
    return cast("TrainParams", _attributes(values))


def as_values(params: object) -> dict[str, Any]:
    """The reverse of `as_params`."""
    values: dict[str, Any] = json.loads(json.dumps(params, default=vars))
    return values


def parse(line: str) -> Spec:
    """Read the spec line.

    Raises:
        TrainerError: it is not JSON, or a field is missing or of the wrong kind.
    """
    try:
        given = wire.read_spec(line)
    except JSONTypeError as error:
        raise TrainerError(verbatim(error)) from error
    if isinstance(given, wire.SampleSpec):
        sample = cast("SampleParams", _attributes(given.params))
        return SampleSpec(**{**vars(given), "params": sample})
    if isinstance(given, wire.EvaluateSpec):
        evaluation = cast("EvaluateParams", _attributes(given.params))
        return EvaluateSpec(**{**vars(given), "params": evaluation})
    # The API fills in the size of the images; a spec that was written by hand may leave it open.
    size = given.params.get("image_size") or given.dataset.shape[-1]
    train = as_params({**given.params, "image_size": size})
    return TrainSpec(**{**vars(given), "params": train})


def _attributes(values: Mapping[str, object]) -> SimpleNamespace:
    found: SimpleNamespace = json.loads(json.dumps(values), object_hook=lambda pairs: SimpleNamespace(**pairs))
    return found
