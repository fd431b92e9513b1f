"""The request that makes a job, before names are looked up and defaults filled in."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from models.limits import MAX_ENTRIES, MAX_NOTES
from models.plain_text import PLAIN, PLAIN_SCHEMA, LabelName, check_lines, check_project
from models.specs.base import Spec
from models.specs.evaluate import EvaluateParams, EvaluateSource
from models.specs.sample import SampleParams, SampleSource

Text = Annotated[str, Field(max_length=255, json_schema_extra=PLAIN_SCHEMA), PLAIN]
Project = Annotated[
    str, Field(min_length=1, max_length=64, json_schema_extra=PLAIN_SCHEMA), AfterValidator(check_project)
]
Notes = Annotated[str, Field(max_length=MAX_NOTES), AfterValidator(check_lines)]
Seed = Annotated[int, Field(ge=0, le=2**63 - 1)]


def _keys_as_property_names(schema: dict[str, Any]) -> None:
    """Say what keys are in `propertyNames`. As `patternProperties`, other keys would be allowed with any value."""
    ((pattern, values),) = schema.pop("patternProperties").items()
    schema["additionalProperties"] = values
    schema["propertyNames"] = {**schema["propertyNames"], "pattern": pattern}


Labels = Annotated[
    dict[LabelName, Text],
    Field(
        max_length=32,
        description="Your own marks, text to text, to find jobs by.",
        json_schema_extra=_keys_as_property_names,
    ),
]
Priority = Annotated[int, Field(ge=-100, le=100, description="Higher first.")]
QueueChoice = Literal["auto", "gpu", "jetson", "cpu"]


class Options(Spec):
    """What may be asked of any job."""

    queue: QueueChoice = Field(
        "auto", description="`auto` takes the best device class that has a live worker and can run the recipe."
    )
    priority: Priority = 0
    name: Text | None = None
    labels: Labels = Field(default_factory=dict)
    project: Project | None = Field(None, description="The project that it belongs to.")
    notes: Notes | None = Field(None, description="Markdown, shown without its HTML. A retry begins without notes.")
    max_attempts: Annotated[int, Field(ge=1, le=100)] = Field(
        3, description="Attempts that may die (worker lost, trainer killed) before the job fails."
    )
    max_runtime_s: Annotated[int, Field(ge=1, le=31_536_000)] | None = Field(
        None,
        description="Stop with the code `max_runtime` after this many seconds of running; trainings with a checkpoint.",
    )


class TrainRequest(Options):
    """A training job."""

    kind: Literal["train"]
    recipe: Annotated[str, Field(max_length=64)] = Field(description="A name from GET /v1/recipes.")
    preset: Annotated[str, Field(max_length=64)] | None = Field(None, description="A preset of the recipe.")
    dataset: Annotated[str, Field(max_length=255)] = Field(description="Name or id of a data set.")
    params: dict[str, Any] = Field(
        default_factory=dict,
        max_length=MAX_ENTRIES,
        description="Changes to the recipe's parameters; see GET /v1/recipes/{name}.",
    )
    seed: Seed = Field(0, description="The same seed, settings and kind of device give the same weights.")


class SampleRequest(Options):
    """A sampling job."""

    kind: Literal["sample"]
    source: SampleSource
    params: SampleParams = Field(default_factory=SampleParams)


class EvaluateRequest(Options):
    """An evaluation: how good generated images are, measured against real ones."""

    kind: Literal["evaluate"]
    source: EvaluateSource
    dataset: Annotated[str, Field(max_length=255)] | None = Field(
        None,
        description="Name or id of the data set to compare with. If not set: the one that the job was trained on.",
    )
    params: EvaluateParams = Field(default_factory=EvaluateParams)


AnyRequest = TrainRequest | SampleRequest | EvaluateRequest
JobRequest = Annotated[AnyRequest, Field(discriminator="kind")]
