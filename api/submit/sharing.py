"""Whether both networks of a training use the same generated images, which several discriminator steps rule out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.http.problems import FieldError, field
from models.messages import ParameterFaults
from models.specs.base import NoiseParams, TrainParams

NAME = "shared_fakes"


def settled(params: TrainParams) -> TrainParams:
    """Return the parameters with `shared_fakes` as the training will have it."""
    return params.model_copy(update={NAME: False}) if _several_steps(params) else params


def faults(params: TrainParams, given: Mapping[str, Any]) -> list[FieldError]:
    """Return what is wrong with a request that asks for the impossible."""
    several = _several_steps(params) if given.get(NAME) else None
    return [field(f"/params/{NAME}", ParameterFaults.one_step_to_share(name=several))] if several else []


def without_default(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return a job's parameters without `shared_fakes` if it is the default, which older jobs hold beside any steps."""
    return {name: value for name, value in params.items() if (name, value) != (NAME, True)}


def _several_steps(params: TrainParams) -> str | None:
    return params.several_d_steps if isinstance(params, NoiseParams) else None
