"""What every answer is, and a page of them."""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Entry = TypeVar("Entry")


class Answer(BaseModel):
    """Something this service says."""

    model_config = ConfigDict(extra="forbid")


class Page(Answer, Generic[Entry]):
    """One page of a list."""

    data: list[Entry]
    next_cursor: str | None = Field(description="Pass it as `cursor` for the next page; null at the end.")
