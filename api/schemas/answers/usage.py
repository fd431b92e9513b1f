"""The usage of devices over a period."""

from __future__ import annotations

from pydantic import Field

from api.schemas.answers.base import Answer
from models.views import Moment, Usage


class UsageAnswer(Answer):
    """The usage between two times."""

    since: Moment = Field(alias="from")
    to: Moment
    data: list[Usage] = Field(description="A row for each owner, project and queue, the most used first.")
