"""The parameters of evaluations, which judge images against a data set."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from models.ids import id_pattern
from models.limits import FEWEST_EVALUATED, MOST_EVALUATED, USUALLY_EVALUATED
from models.messages import ParameterFaults
from models.specs.base import ParameterError, Spec
from models.specs.sample import CheckpointName

AUTO: Literal["auto"] = "auto"


class EvaluateParams(Spec):
    """The same checkpoint, parameters and kind of device give the same figures."""

    count: Annotated[int, Field(ge=FEWEST_EVALUATED, le=MOST_EVALUATED)] = Field(
        USUALLY_EVALUATED,
        description="Number of images to judge. A data set with fewer images is judged whole. Compare figures of the "
        "same count: with fewer images the reference is larger, and the `fd_ratio` of a poor generator is smaller.",
    )
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = Field(
        1, description="Seed of the noise, and of every choice among real images."
    )
    extractor: Literal["auto", "inception"] = Field(
        AUTO,
        description="The network whose features are compared. `auto`: the one that knows the data set, which a job of "
        "its own makes if there is none yet. `inception`: Inception v3 with the weights of a file in the folder "
        "`extractors` below a data root of the worker, whose figures can be laid beside those of papers.",
    )


class EvaluateSource(Spec):
    """The images to judge: those that a job's checkpoint generates, or those of a data set. Give one of the two."""

    job: Annotated[str, Field(pattern=id_pattern("job"))] | None = Field(None, description="A training job.")
    checkpoint: CheckpointName = Field(
        "best",
        description="`best` (by the recipe's `monitor`, or the latest if there is none), `latest`, or the id of an "
        "artifact. Only with `job`.",
    )
    dataset: Annotated[str, Field(max_length=255)] | None = Field(
        None, description="Name or id of a data set, whoever made its images."
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.job is None) == (self.dataset is None):
            raise ParameterError("job", ParameterFaults.one_source())
        if self.job is None and "checkpoint" in self.model_fields_set:
            raise ParameterError("checkpoint", ParameterFaults.checkpoint_of_a_job())
        return self

    def as_asked(self) -> dict[str, Any]:
        """Return the source as jobs show it: job and checkpoint, or the data set."""
        return {"dataset": self.dataset} if self.job is None else {"job": self.job, "checkpoint": self.checkpoint}
