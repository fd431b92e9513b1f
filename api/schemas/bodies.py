"""Bodies that are not specs of jobs."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, RootModel, field_validator

from models.jobs import JobRequest, Labels, Priority, Text
from models.specs.base import Spec
from models.states import Role

Word = Annotated[str, Field(min_length=1, max_length=255)]


class NewJobBody(RootModel[JobRequest]):
    """A training or a sampling job; `kind` tells which."""


class NoBody(Spec):
    """An empty object, which may be left out."""


class JobChanges(Spec):
    """What may be changed of a job. What is left out stays."""

    priority: Priority = Field(0, description="Higher first; matters while the job waits.")
    labels: Labels = Field(default_factory=dict, description="Replaces all labels.")
    name: Text | None = Field(None, description="null takes the name away.")


class NewKey(Spec):
    """A key to be made."""

    name: Word = Field(description="What the key is for.")
    owner: Word | None = Field(None, description="Whose things it opens; default: the name.")
    role: Annotated[Role, Field(strict=False)] = Field(Role.user, description="What it may do with them.")

    @field_validator("name", "owner")
    @classmethod
    def _visible(cls, value: str | None) -> str | None:
        if value is not None and not value.strip():
            raise ValueError("must not be blank")
        return value
